/** Where the reader is: as they say, else as far as the browser tells: its time zone first, then its language. */
import { recall, remember } from "./preferences.js";

const CHOSEN = "region";
const BETWEEN_STEPS_MS = 60;

/** Languages that are mostly spoken in one place, and so name it. */
const AT_HOME = new Set(["ja", "ko", "zh"]);
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/** An ISO 3166 code, "" when the reader may be anywhere, null until it has been looked for. @type {string | null} */
let here = null;
/** @type {Generator<void, string, void> | null} */
let looking = null;

/** An ISO 3166 code, or "" when the reader may be anywhere. To look for it can keep the page busy for a third of a second: see `lookForRegion`. */
export function readersRegion() {
  while (knownRegion() === null) lookOn();
  return knownRegion() ?? "";
}

/** The same as far as it can be said at once: null while it has not been looked for. */
export function knownRegion() {
  return chosenRegion() || here;
}

/** The same, looked for little by little, before it is wanted. */
export async function lookForRegion() {
  while (knownRegion() === null) {
    lookOn();
    await new Promise((resolve) => { setTimeout(resolve, BETWEEN_STEPS_MS); });
  }
  return readersRegion();
}

/** What the reader said, "" when nothing. */
export function chosenRegion() {
  return recall(CHOSEN, "");
}

/** @param {string} region ISO 3166 */
export function chooseRegion(region) {
  remember(CHOSEN, region);
}

function lookOn() {
  looking ??= search(navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone);
  const { done, value } = looking.next();
  if (done) here = value;
}

/**
 * Stops after each part of the search, some ten milliseconds.
 * @param {string} tag the browser's language
 * @param {string} zone its time zone (IANA)
 * @returns {Generator<void, string, void>}
 */
function* search(tag, zone) {
  const locale = localeOf(tag);
  const named = locale?.region ?? (locale && AT_HOME.has(locale.language) ? locale.maximize().region : undefined) ?? "";
  if (named && zonesOf(named).includes(zone) || isNowhere(zone)) return named;
  for (const first of LETTERS) {
    yield;
    for (const second of LETTERS) if (zonesOf(first + second).includes(zone)) return first + second;
  }
  return named;
}

/** @param {string} tag */
function localeOf(tag) {
  try {
    return new Intl.Locale(tag);
  } catch {
    return null;
  }
}

/**
 * A zone that is a distance from Greenwich, as of a server or of who hides where they are: the same in every region.
 * @param {string} zone
 */
function isNowhere(zone) {
  return zone === "UTC" || zone === "GMT" || zone.startsWith("Etc/");
}

/**
 * Not every browser knows which zones a region has. Codes of countries that are no more have none.
 * @param {string} region
 */
function zonesOf(region) {
  const locale = /** @type {Intl.Locale & { getTimeZones?: () => string[] | undefined }} */ (new Intl.Locale("und", { region }));
  return locale.region === region ? locale.getTimeZones?.() ?? [] : [];
}
