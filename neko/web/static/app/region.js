/** Where the reader is: as they say, else as far as the browser tells: its time zone first, then its language. */
import { recall, remember } from "./preferences.js";

const CHOSEN = "region";

/** Languages that are mostly spoken in one place, and so name it. */
const AT_HOME = new Set(["ja", "ko", "zh"]);
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/**
 * An ISO 3166 code, or "" when the reader may be anywhere.
 * @param {string} tag the browser's language
 * @param {string} zone its time zone (IANA)
 */
export function regionOf(tag, zone) {
  const locale = localeOf(tag);
  const named = locale?.region ?? (locale && AT_HOME.has(locale.language) ? locale.maximize().region : undefined) ?? "";
  if (named && zonesOf(named).includes(zone)) return named;
  for (const first of LETTERS) for (const second of LETTERS) if (zonesOf(first + second).includes(zone)) return first + second;
  return named;
}

/** @type {string | null} */
let here = null;

export function readersRegion() {
  return chosenRegion() || (here ??= regionOf(navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone));
}

/** What the reader said, "" when nothing. */
export function chosenRegion() {
  return recall(CHOSEN, "");
}

/** @param {string} region ISO 3166 */
export function chooseRegion(region) {
  remember(CHOSEN, region);
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
 * Not every browser knows which zones a region has. Codes of countries that are no more have none.
 * @param {string} region
 */
function zonesOf(region) {
  const locale = /** @type {Intl.Locale & { getTimeZones?: () => string[] | undefined }} */ (new Intl.Locale("und", { region }));
  return locale.region === region ? locale.getTimeZones?.() ?? [] : [];
}
