/**
 * The shape of the mouth around its own middle, computed from how it is held: never a picture of a vowel.
 *
 * @import { Vowels } from "./avatar.js"
 * @typedef {{ open: number, width: number, round: number, smile: number, cat: number }} MouthPose
 * @typedef {{ side: number, near: number, middle: number }} Lip Heights of the upper lip's line, from the corner inwards.
 */

const HALF = 21;
const DEPTH = 34;

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/**
 * How the jaw and lips stand for a mixture of vowels. `shape`: weights `{a,i,u,e,o}`, each 0…1;
 * `open`: loudness 0…1. Answers `{open, width, round}` for `mouthPaths`.
 * @param {number} open
 * @param {Partial<Vowels>} [shape]
 */
export function lipsFor(open, { a = 0, i = 0, u = 0, e = 0, o = 0 } = {}) {
  const sum = a + i + u + e + o;
  const scale = sum > 1 ? 1 / sum : 1;
  const jaw = sum > 0.001 ? (a + 0.34 * i + 0.36 * u + 0.6 * e + 0.82 * o) / sum : 0.7;
  return {
    open: open * jaw,
    width: 1 + scale * Math.min(1, open * 3) * (0.04 * a + 0.34 * i - 0.52 * u + 0.2 * e - 0.36 * o),
    round: scale * Math.min(1, open * 3) * (u + 0.85 * o + 0.15 * a),
  };
}

/**
 * Paths of the mouth. `open` 0…1; `width` about 0.45…1.35; `round` 0…1 (pursed lips);
 * `smile` -1…1 (corners down … up); `cat` 0…1 (the upper lip's two arches).
 * Answers `{lips, teeth, tongue, under}` for the attribute `d`.
 * @param {MouthPose} pose
 */
export function mouthPaths({ open, width, round: purse, smile, cat }) {
  const half = HALF * width * (1 + 0.14 * Math.max(smile, 0) * (1 - purse));
  const corner = -smile * (4 + 2.5 * open);
  const middle = smile * 4.2 * (1 - 0.45 * open) - open * 5 - cat * 2.6;
  const arch = middle + cat * 7 * (1 - purse) + (smile < 0 ? smile * 3 : 0);
  const top = purse * open * 9;
  const bottom = middle + open * DEPTH * (1 - 0.12 * purse) + (open > 0.02 ? 0 : cat * 2);
  const under = Math.min(bottom + 8.5, 25 + bottom * 0.1);
  const belly = (bottom - 0.25 * corner) / 0.75;
  const reach = half * (0.62 + 0.42 * purse);
  const L = round(-half);
  const R = round(half);
  const c = round(corner);
  const lip = { side: round(arch - top * 0.8), near: round(arch - top), middle: round(middle - top) };
  const out = 0.72 + 0.2 * purse;
  const upper =
    `C${round(-half * out)} ${lip.side} ${round(-half * 0.4)} ${lip.near} 0 ${lip.middle}` +
    `C${round(half * 0.4)} ${lip.near} ${round(half * out)} ${lip.side} ${R} ${c}`;
  const back =
    open > 0.02
      ? `C${round(reach)} ${round(belly)} ${round(-reach)} ${round(belly)} ${L} ${c}Z`
      : `C${round(half * out)} ${lip.side} ${round(half * 0.4)} ${lip.near} 0 ${lip.middle}C${round(-half * 0.4)} ${lip.near} ${round(-half * out)} ${lip.side} ${L} ${c}`;
  return {
    lips: `M${L} ${c}${upper}${back}`,
    teeth: teeth(half, lip, corner, Math.min(6.5, open * 16) * (1 - purse) ** 1.5),
    tongue: tongue(half, bottom, open),
    under: `M-5.5 ${round(under)}Q0 ${round(under + 1.5)} 5.5 ${round(under)}`,
  };
}

/**
 * What lies above the upper lip's line, moved down by the teeth's length; the opening cuts it out.
 * @param {number} half
 * @param {Lip} lip
 * @param {number} corner
 * @param {number} depth
 */
function teeth(half, lip, corner, depth) {
  const side = round(corner + depth * 0.4);
  return (
    `M${round(-half)} ${side}C${round(-half * 0.7)} ${round(lip.near + depth)} ${round(-half * 0.3)} ${round(lip.near + depth)} 0 ${round(lip.middle + depth)}` +
    `C${round(half * 0.3)} ${round(lip.near + depth)} ${round(half * 0.7)} ${round(lip.near + depth)} ${round(half)} ${side}V-40H${round(-half)}Z`
  );
}

/**
 * @param {number} half
 * @param {number} bottom
 * @param {number} open
 */
function tongue(half, bottom, open) {
  const rise = bottom - open * 17;
  return `M${round(-half)} ${round(bottom + 8)}C${round(-half * 0.6)} ${round(rise - 4)} ${round(half * 0.6)} ${round(rise - 4)} ${round(half)} ${round(bottom + 8)}Z`;
}
