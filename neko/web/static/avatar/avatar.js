/**
 * The seam between the page and whoever stands on the stage.
 *
 * `createAvatar(container, options)` brings one character into an empty element and answers an
 * object with the methods below. The page knows nothing else: the built-in drawing, a VRM model
 * and a Live2D model are three implementations, and `tests/page/avatar_suite.js` is what each has to pass.
 *
 * - `setEmotion(name, intensity)`: one of `FEELINGS`, 0…1. Blends over 200–300 ms into what is
 *   felt already and fades to neutral by itself after some seconds. An unknown name changes nothing.
 * - `setActivity(name)`: one of `ACTIVITIES`; how she holds herself until the next call.
 * - `setMouth({open, shape: {a, i, u, e, o}})`: all 0…1; the vowels are weights. Holds until the
 *   next call; the caller closes the mouth.
 * - `lookAt(target)`: `"user"` and `"composer"` are where the gaze rests; `{x, y}` in pixels of the
 *   viewport draws it for a few seconds.
 * - `resize()`: the container has another size or place.
 * - `pause()`, `resume()`: stop and go on drawing. She also stops by herself while the page is hidden.
 * - `destroy()`: leaves the container as empty as it was; nothing may be called afterwards.
 * - `frames`: how many frames have been drawn so far.
 */
export { FEELINGS } from "./feelings.js";

export const ACTIVITIES = ["idle", "thinking", "speaking", "listening"];

const KINDS = {
  builtin: async () => (await import("./builtin.js")).createBuiltin,
};

/**
 * `kind`: which implementation; `reducedMotion`: no sway, gentle blinks only.
 * Rejects with an Error when the kind is unknown or its files cannot be had.
 */
export async function createAvatar(container, { kind = "builtin", reducedMotion = false } = {}) {
  const load = KINDS[kind];
  if (!load) throw new Error(`no avatar of the kind "${kind}"`);
  const create = await load();
  return create(container, { reducedMotion });
}
