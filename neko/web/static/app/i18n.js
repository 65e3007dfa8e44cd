/** The page's words. One JSON file per language; `t("a.b", {name})` fills `{name}`. */
import { recall, remember } from "./preferences.js";

export const LANGUAGES = [
  ["en", "English"],
  ["zh-CN", "简体中文"],
  ["zh-TW", "繁體中文"],
  ["ja", "日本語"],
  ["ko", "한국어"],
];

const listeners = new Set();
let language = "en";
let words = {};
let spare = {};

/** The nearest language we have for a BCP 47 tag. */
export function nearestLanguage(tag) {
  const lower = (tag || "").toLowerCase();
  if (lower.startsWith("zh")) return /tw|hk|mo|hant/.test(lower) ? "zh-TW" : "zh-CN";
  const found = LANGUAGES.find(([code]) => lower === code || lower.startsWith(`${code}-`));
  return found ? found[0] : "en";
}

/** What the reader chose here, else what the server chose for the page. */
export function startLanguage() {
  return nearestLanguage(recall("language", null) ?? document.documentElement.lang ?? navigator.language);
}

async function load(code) {
  const version = document.documentElement.dataset.version ?? "";
  const answer = await fetch(`static/locales/${code}.json?v=${encodeURIComponent(version)}`);
  if (!answer.ok) throw new Error(`locale ${code}: ${answer.status}`);
  return answer.json();
}

/** Switch every word on the page. A language that cannot be loaded leaves the present one. */
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

/** Call `listener` now and after every switch. Returns a function that ends it. */
export function onLanguage(listener) {
  listeners.add(listener);
  listener(language);
  return () => listeners.delete(listener);
}

function find(tree, key) {
  let node = tree;
  for (const part of key.split(".")) node = node?.[part];
  return typeof node === "string" ? node : undefined;
}

/** True when there are words for this key. */
export function has(key) {
  return find(words, key) !== undefined;
}

export function t(key, params = {}) {
  const text = find(words, key) ?? find(spare, key) ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));
}
