/** What was written to each character and not sent, as this browser keeps it; without storage as long as the page lasts. */
const KEY = "neko.drafts";
/** Characters; the one written to longest ago gives way. */
const MOST_KEPT = 30;
/** @type {Map<string, string>} */
const unstored = new Map();

/** @param {string} name */
export function draftOf(name) {
  return all().get(name) ?? "";
}

/**
 * @param {string} name
 * @param {string} text "" forgets it
 */
export function keepDraft(name, text) {
  if (text === draftOf(name)) return;
  const drafts = all();
  drafts.delete(name);
  if (text) drafts.set(name, text);
  const kept = [...drafts].slice(-MOST_KEPT);
  unstored.clear();
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    for (const [who, words] of kept) unstored.set(who, words);
  }
}

/** By character, oldest first. */
function all() {
  try {
    const kept = /** @type {unknown} */ (JSON.parse(localStorage.getItem(KEY) ?? "[]"));
    return new Map([...(Array.isArray(kept) ? kept.filter(isDraft) : []), ...unstored]);
  } catch {
    return new Map(unstored);
  }
}

/**
 * @param {unknown} entry
 * @returns {entry is [string, string]}
 */
function isDraft(entry) {
  return Array.isArray(entry) && entry.length === 2 && entry.every((part) => typeof part === "string");
}
