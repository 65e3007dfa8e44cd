/** The shape of the mouth around its own middle, computed from how it is held: never a picture of a vowel. */

const HALF = 21;
const DEPTH = 38;

const round = (value) => Math.round(value * 10) / 10;

/**
 * How the jaw and lips stand for a mixture of vowels. `shape`: weights `{a,i,u,e,o}`, each 0…1;
 * `open`: loudness 0…1. Answers `{open, width, round}` for `mouthPaths`.
 */
export function lipsFor(open, shape) {
  const { a = 0, i = 0, u = 0, e = 0, o = 0 } = shape ?? {};
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
 */
export function mouthPaths({ open, width, round: purse, smile, cat }) {
  const half = HALF * width * (1 + 0.14 * Math.max(smile, 0) * (1 - purse));
  const corner = -smile * (4 + 2.5 * open);
  const middle = smile * 4.2 * (1 - 0.45 * open) - open * 5 - cat * 2.6;
  const arch = middle + cat * 7 + (smile < 0 ? smile * 3 : 0);
  const top = purse * open * 9;
  const bottom = middle + open * DEPTH * (1 - 0.12 * purse) + (open > 0.02 ? 0 : cat * 2);
  const belly = (bottom - 0.25 * corner) / 0.75;
  const reach = half * (0.62 + 0.42 * purse);
  const L = round(-half);
  const R = round(half);
  const c = round(corner);
  const upper =
    `C${round(-half * (0.72 + 0.2 * purse))} ${round(arch - top)} ${round(-half * 0.32)} ${round(arch - top * 0.6)} 0 ${round(middle - top * 0.35)}` +
    `C${round(half * 0.32)} ${round(arch - top * 0.6)} ${round(half * (0.72 + 0.2 * purse))} ${round(arch - top)} ${R} ${c}`;
  const back =
    open > 0.02
      ? `C${round(reach)} ${round(belly)} ${round(-reach)} ${round(belly)} ${L} ${c}Z`
      : `C${round(half * 0.72)} ${round(arch)} ${round(half * 0.32)} ${round(arch)} 0 ${round(middle)}C${round(-half * 0.32)} ${round(arch)} ${round(-half * 0.72)} ${round(arch)} ${L} ${c}`;
  return {
    lips: `M${L} ${c}${upper}${back}`,
    teeth: teeth(half, corner, middle, open, purse),
    tongue: tongue(half, bottom, open),
    under: `M-5.5 ${round(bottom + 8.5)}Q0 ${round(bottom + 10)} 5.5 ${round(bottom + 8.5)}`,
  };
}

function teeth(half, corner, middle, open, purse) {
  const depth = middle + Math.max(0, Math.min(6.5, open * 16) * (1 - 1.1 * purse));
  return `M${round(-half)} ${round(corner - 8)}H${round(half)}V${round(corner)}Q0 ${round(depth * 1.6 - corner * 0.6 + 2)} ${round(-half)} ${round(corner)}Z`;
}

function tongue(half, bottom, open) {
  const rise = bottom - open * 17;
  return `M${round(-half)} ${round(bottom + 8)}C${round(-half * 0.6)} ${round(rise - 4)} ${round(half * 0.6)} ${round(rise - 4)} ${round(half)} ${round(bottom + 8)}Z`;
}
