/** Days and times as the reader writes them. A day is `2026-03-03`, of nobody's time zone. */
import { currentLanguage } from "../i18n.js";

/** @param {string} day */
function noon(day) {
  return new Date(`${day}T12:00:00`);
}

/**
 * @param {string} day
 * @param {Intl.DateTimeFormatOptions} [options]
 */
export function dayName(day, options = { dateStyle: "full" }) {
  return new Intl.DateTimeFormat(currentLanguage(), options).format(noon(day));
}

/** @param {string} at "" where nobody knows it */
export function moment(at) {
  return at && new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}

/** @param {string} at "" where nobody knows it */
export function clock(at) {
  return at && new Intl.DateTimeFormat(currentLanguage(), { timeStyle: "short" }).format(new Date(at));
}

/**
 * The day of a moment, as its own clock had it.
 * @param {string} at ISO 8601
 */
export function dayOf(at) {
  return at.slice(0, 10);
}

/**
 * Whole days from the first to the other.
 * @param {string} first
 * @param {string} other
 */
export function daysBetween(first, other) {
  return Math.round((Date.parse(`${other}T00:00:00Z`) - Date.parse(`${first}T00:00:00Z`)) / 86_400_000);
}
