/** What this browser remembers for itself. Storage may be forbidden or full: then it lasts as long as the page. */
const PREFIX = "neko.";
/** @type {Map<string, unknown>} */
const values = new Map();

/**
 * @template T
 * @typedef {T extends string ? string : T extends number ? number : boolean} Widened
 */

/**
 * The remembered JSON value if it is of the kind of `fallback`, else `fallback`.
 * @template {string | number | boolean} T
 * @param {string} name
 * @param {T} fallback
 * @returns {Widened<T>}
 */
export function recall(name, fallback) {
  const value = values.has(name) ? values.get(name) : stored(name);
  return /** @type {Widened<T>} */ (typeof value === typeof fallback ? value : fallback);
}

/**
 * Remember a value.
 * @param {string} name
 * @param {string | number | boolean} value
 */
export function remember(name, value) {
  values.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // A private window without storage: the value lives in `values`.
  }
}

/**
 * @param {string} name
 * @returns {unknown}
 */
function stored(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}
