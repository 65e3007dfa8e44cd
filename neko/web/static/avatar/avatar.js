/**
 * The interface between the page and whoever stands on the stage.
 *
 * `createAvatar(container, options)` brings one character into an empty element. The page knows
 * nothing but `Avatar`; the built-in drawing, a VRM model and a Live2D model are kinds of it, each
 * loaded when it is wanted, and `tests/page/avatar_suite.js` is what each of them has to pass.
 *
 * @typedef {"a" | "i" | "u" | "e" | "o"} Vowel
 * @typedef {Record<Vowel, number>} Vowels Weights, each 0…1.
 * @typedef {{ open: number, shape: Vowels }} Mouth `open` 0…1.
 * @typedef {{ x: number, y: number }} Point CSS pixels of the page, as `pageX` and `pageY` of an event.
 *
 * @typedef {object} Placement How the character stands in the container, relative to where it stands by itself.
 * @property {number} x to the right, in widths of the container
 * @property {number} y down, in heights of the container
 * @property {number} scale about the middle of the container's lower edge; 1 is as by itself
 *
 * @typedef {object} Colours `#rrggbb` each; every shade is made from these.
 * @property {string} hair hair, brows and lashes
 * @property {string} eyes
 * @property {string} clothes the cardigan
 * @property {string} ears ears and tail
 *
 * @typedef {typeof FEELINGS[number]} Feeling
 * @typedef {typeof ACTIVITIES[number]} Activity
 * @typedef {typeof REGIONS[number]} Region
 *
 * @typedef {object} Avatar
 * @property {(name: string, intensity?: number) => void} setEmotion
 *   One of `FEELINGS`, 0…1. Blends over 200–300 ms into what is felt already and fades to neutral
 *   by itself after some seconds. An unknown name changes nothing.
 * @property {(name: string) => void} setActivity One of `ACTIVITIES`; the bearing until the next call.
 * @property {(mouth: { open?: number, shape?: Partial<Vowels> }) => void} setMouth
 *   Holds until the next call; the caller closes the mouth.
 * @property {(point: Point | null, options?: { forMs?: number }) => void} lookAt
 *   Where the gaze rests; null is the reader. With `forMs` the point draws the gaze for that long and
 *   the gaze then goes back to where it rested (not followed under reduced motion).
 * @property {Placement} placement
 * @property {(placement: Partial<Placement>) => void} place What is left out stays.
 * @property {(colours: Partial<Colours>) => void} setColours
 *   How the built-in drawing is painted, at once; what is left out is as it comes (`OWN_COLOURS` of `palette.js`). Throws a
 *   RangeError for what is no `#rrggbb`. A character that brings its own colours keeps them.
 * @property {readonly string[]} motions The named motions that this character can play.
 * @property {(name: string) => boolean} playMotion Plays one of `motions` once; false for any other name.
 * @property {(point: Point) => Region | null} hitTest What of the character is at this point, as far as it is drawn.
 * @property {() => void} resize The container has another size or place.
 * @property {() => void} pause Stop drawing. Drawing also stops by itself while the page is hidden.
 * @property {() => void} resume Go on drawing.
 * @property {() => void} destroy Leaves the container as empty as it was; nothing may be called afterwards.
 * @property {number} frames How many frames have been drawn so far.
 *
 * @typedef {object} KindOptions
 * @property {string} source
 * @property {Partial<Colours>} colours as `setColours` takes them, from the first frame on
 * @property {boolean} reducedMotion no sway, gentle blinks only
 * @property {(share: number) => void} onProgress 0…1 while loading
 * @property {(error: AvatarError) => void} onError the character cannot be loaded, or drawn no more
 *
 * @typedef {object} AvatarKind
 * @property {(source: string) => boolean} accepts Is this source of this kind? Asked when no kind is named.
 * @property {() => Promise<(container: HTMLElement, options: KindOptions) => Promise<Avatar>>} load
 */
export const FEELINGS = /** @type {const} */ (["happy", "sad", "angry", "surprised", "neutral", "relaxed"]);
export const ACTIVITIES = /** @type {const} */ (["idle", "thinking", "speaking", "listening"]);
export const REGIONS = /** @type {const} */ (["ear", "hair", "face", "nose", "arm", "body", "tail"]);

/** The source of the drawing that comes with the page. */
export const BUILTIN = "builtin";

/** Why a character is not on the stage. `code`: unknown_kind, not_loaded, or lost (was there, cannot be drawn any more). */
export class AvatarError extends Error {
  /**
   * @param {"unknown_kind" | "not_loaded" | "lost"} code
   * @param {string} message a sentence
   * @param {unknown} [cause]
   */
  constructor(code, message, cause) {
    super(message, { cause });
    this.name = "AvatarError";
    this.code = code;
  }
}

/** @type {Map<string, AvatarKind>} */
const kinds = new Map([
  [BUILTIN, { accepts: (source) => source === BUILTIN, load: async () => (await import("./builtin.js")).createBuiltin }],
]);

/**
 * Add a kind of avatar, or replace the one of this name.
 * @param {string} name
 * @param {AvatarKind} kind
 */
export function registerKind(name, kind) {
  kinds.set(name, kind);
}

/**
 * Bring a character into `container`. `source` is what to load: `BUILTIN`, or an address; `kind`
 * names its kind where the source does not tell it. `onProgress(share)` goes from 0 to 1 while loading.
 * When a character cannot be brought, the built-in drawing stands in and `onError` is told why, in a
 * sentence. Rejects with an `AvatarError` only when that cannot be drawn either.
 *
 * @param {HTMLElement} container
 * @param {Partial<KindOptions> & { kind?: string }} [options]
 * @returns {Promise<Avatar>}
 */
export async function createAvatar(container, { source = BUILTIN, kind, colours = {}, reducedMotion = false, onProgress = () => {}, onError = () => {} } = {}) {
  const options = { source, colours, reducedMotion, onProgress: rising(onProgress), onError };
  const name = kind ?? kindOf(source);
  try {
    return await bring(container, name, options);
  } catch (reason) {
    container.replaceChildren();
    const error = reason instanceof AvatarError ? reason : new AvatarError("not_loaded", `The character ${source} could not be loaded: ${messageOf(reason)}.`, reason);
    if (name === BUILTIN) throw error;
    onError(error);
  }
  return createAvatar(container, { source: BUILTIN, colours, reducedMotion, onProgress, onError });
}

/**
 * @param {HTMLElement} container
 * @param {string | undefined} name
 * @param {KindOptions} options
 */
async function bring(container, name, options) {
  const kind = name === undefined ? undefined : kinds.get(name);
  if (!kind) throw new AvatarError("unknown_kind", `There is no kind of avatar for ${name ?? options.source}.`);
  options.onProgress(0);
  const create = await kind.load();
  const avatar = await create(container, options);
  options.onProgress(1);
  return avatar;
}

/** @param {string} source */
function kindOf(source) {
  for (const [name, { accepts }] of kinds) if (accepts(source)) return name;
  return undefined;
}

/**
 * Shares that never fall and stay within 0…1, whatever a kind reports.
 * @param {(share: number) => void} onProgress
 */
function rising(onProgress) {
  let last = -1;
  return (/** @type {number} */ share) => {
    const next = Math.min(Math.max(share, 0), 1);
    if (!(next > last)) return;
    last = next;
    onProgress(next);
  };
}

/** @param {unknown} reason */
function messageOf(reason) {
  return reason instanceof Error ? reason.message : String(reason);
}
