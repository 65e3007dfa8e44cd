/** The page's words. One JSON file per language; `t("a.b", {name})` fills `{name}`. */
/** @typedef {{ [key: string]: string | Words }} Words */
import { recall, remember } from "./preferences.js";

/** @type {[code: string, name: string][]} */
export const LANGUAGES = [
  ["en", "English"],
  ["zh-CN", "简体中文"],
  ["zh-TW", "繁體中文"],
  ["ja", "日本語"],
  ["ko", "한국어"],
];

/** @type {Set<(language: string) => void>} */
const listeners = new Set();
let language = "en";
/** @type {Words} */
let words = {};
/** @type {Words} */
let spare = {};

/**
 * The nearest language we have for a BCP 47 tag.
 * @param {string} tag
 */
export function nearestLanguage(tag) {
  const lower = tag.toLowerCase();
  if (lower.startsWith("zh")) return /tw|hk|mo|hant/.test(lower) ? "zh-TW" : "zh-CN";
  const [code] = LANGUAGES.find(([own]) => lower === own || lower.startsWith(`${own}-`)) ?? ["en"];
  return code;
}

/** What the reader chose here, else what the server chose for the page. */
export function startLanguage() {
  return nearestLanguage(recall("language", "") || document.documentElement.lang || navigator.language);
}

/**
 * @param {string} code
 * @returns {Promise<Words>}
 */
async function load(code) {
  const version = document.documentElement.dataset.version ?? "";
  const answer = await fetch(`static/locales/${code}.json?v=${encodeURIComponent(version)}`);
  if (!answer.ok) throw new Error(`locale ${code}: ${answer.status}`);
  /** @type {unknown} */
  const table = await answer.json();
  return /** @type {Words} */ (table);
}

/**
 * Switch every word on the page. A language that cannot be loaded leaves the present one.
 * @param {string} code
 * @param {{ keep?: boolean }} [options] `keep`: remember the choice
 */
export async function setLanguage(code, { keep = false } = {}) {
  const wanted = nearestLanguage(code);
  const [loaded, english] = await Promise.all([
    load(wanted),
    wanted === "en" || Object.keys(spare).length ? null : load("en").catch(() => null),
  ]);
  words = loaded;
  if (wanted === "en") spare = loaded;
  else if (english) spare = english;
  language = wanted;
  if (keep) remember("language", wanted);
  document.documentElement.lang = wanted;
  for (const listener of listeners) listener(wanted);
}

export function currentLanguage() {
  return language;
}

/**
 * Call `listener` now and after every switch. Returns a function that ends it.
 * @param {(language: string) => void} listener
 */
export function onLanguage(listener) {
  listeners.add(listener);
  listener(language);
  return () => listeners.delete(listener);
}

/**
 * @param {Words} tree
 * @param {string} key
 */
function find(tree, key) {
  /** @type {string | Words | undefined} */
  let node = tree;
  for (const part of key.split(".")) node = typeof node === "object" ? node[part] : undefined;
  return typeof node === "string" ? node : undefined;
}

/**
 * True when there are words for this key.
 * @param {string} key
 */
export function has(key) {
  return find(words, key) !== undefined;
}

/**
 * What a code says and what to do about it, as one text.
 * @param {string} code
 * @param {Record<string, string | number>} [params]
 */
export function sentenceFor(code, params) {
  const keys = [`errors.${code}.message`, `errors.${code}.remedy`];
  return keys.map((key) => (has(key) ? t(key, params) : "")).filter(Boolean).join(" ");
}

/**
 * The words for a key, in the language of the page, else in English.
 * @param {string} key
 * @param {Record<string, string | number>} [params]
 */
export function t(key, params = {}) {
  const text = find(words, key) ?? find(spare, key) ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, /** @type {string} */ name) => String(params[name] ?? whole));
}
