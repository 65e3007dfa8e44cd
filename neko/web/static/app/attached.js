/**
 * The pictures that were given to each character and not sent, as this browser keeps them: too large for `drafts.js`.
 * Where a browser keeps nothing, they last as long as the page.
 */
const DATABASE = "neko";
const STORE = "attached";
/** Characters; the one given something longest ago gives way. */
const MOST_KEPT = 5;

/** @type {Promise<IDBDatabase> | null} */
let opening = null;

function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("no database"));
  });
  return opening;
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("not stored"));
  });
}

/** @param {IDBTransactionMode} mode */
async function store(mode) {
  return (await database()).transaction(STORE, mode).objectStore(STORE);
}

/**
 * @param {string} name of the character
 * @returns {Promise<string[]>} `data:` addresses
 */
export async function attachedTo(name) {
  try {
    const kept = /** @type {unknown} */ (await done((await store("readonly")).get(name)));
    const { pictures } = /** @type {{ pictures?: unknown }} */ (kept ?? {});
    return Array.isArray(pictures) ? pictures.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/**
 * @param {string} name of the character
 * @param {string[]} pictures `data:` addresses; none forgets her
 */
export async function keepAttached(name, pictures) {
  try {
    const kept = await store("readwrite");
    if (!pictures.length) {
      await done(kept.delete(name));
      return;
    }
    await done(kept.put({ pictures, at: Date.now() }, name));
    const [names, entries] = await Promise.all([done(kept.getAllKeys()), done(kept.getAll())]);
    const ages = /** @type {{ at: number }[]} */ (entries);
    const newest = names.map((key, index) => ({ key, at: ages[index]?.at ?? 0 })).sort((one, other) => other.at - one.at);
    await Promise.all(newest.slice(MOST_KEPT).map(({ key }) => done(kept.delete(key))));
  } catch {
    // Storage is forbidden or full: they last as long as the page.
  }
}
