/** What this browser remembers for itself. Storage may be forbidden or full: then it lasts as long as the page. */
const PREFIX = "neko.";
const kept = new Map();

/** The remembered JSON value, or `fallback`. */
export function recall(name, fallback) {
  if (kept.has(name)) return kept.get(name);
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

/** Remember a JSON value; `null` forgets it. */
export function remember(name, value) {
  if (value === null) kept.delete(name);
  else kept.set(name, value);
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // A private window without storage: the value lives in `kept`.
  }
}
