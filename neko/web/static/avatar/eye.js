/**
 * The shape of one eye, drawn around its own middle with the outer corner to the left.
 *
 * The lids are two curves between fixed corners, so a blink, a smile and a frown are the same
 * drawing with other numbers: no picture is ever swapped.
 *
 * @typedef {{ x: number, y: number }} Point In units of the drawing, around the middle of the eye.
 */

const OUTER = { x: -39, y: 5 };
const INNER = { x: 33, y: 10 };

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;
/**
 * @param {number} from
 * @param {number} to
 * @param {number} share
 */
const mix = (from, to, share) => from + (to - from) * share;

/**
 * Paths of an eye. `open`: 0 shut … 1 open … 1.2 wide; `smile`: 0…1 raises the lower lid and lets
 * a shut eye arch upwards; `slant`: -1 (outer end of the lid sinks, sad) … 1 (inner end sinks, angry).
 * Answers `{opening, lash, crease, lower, shade}`, each a value for the attribute `d`.
 * @param {number} open
 * @param {number} smile
 * @param {number} slant
 */
export function eyePaths(open, smile, slant) {
  const shut = mix(19, -17, smile);
  const upper = mix(shut, -43, open);
  const lower = mix(shut, 37 - 15 * smile, Math.min(open, 1));
  const outer = { x: -35, y: upper + Math.max(-slant, 0) * 17 * open - Math.max(slant, 0) * 3 };
  const inner = { x: 17, y: upper + Math.max(slant, 0) * 27 * open - Math.max(-slant, 0) * 6 };
  const tilt = { x: OUTER.x, y: OUTER.y + Math.max(-slant, 0) * 4 - Math.max(slant, 0) * 3 };
  return {
    opening: opening(tilt, outer, inner, lower),
    lash: lash(tilt, outer, inner, open),
    crease: crease(tilt, outer, inner, open),
    lower: lowerLine(tilt, lower),
    shade: shade(tilt, outer, inner),
  };
}

/**
 * @param {Point} corner
 * @param {Point} outer
 * @param {Point} inner
 * @param {number} lower
 */
function opening(corner, outer, inner, lower) {
  return (
    `M${corner.x} ${round(corner.y)}C${outer.x} ${round(outer.y)} ${inner.x} ${round(inner.y)} ${INNER.x} ${INNER.y}` +
    `C23 ${round(lower)} -25 ${round(lower + 1)} ${corner.x} ${round(corner.y)}Z`
  );
}

/**
 * The thick upper line: thin at the nose, heavy and winged outside.
 * @param {Point} corner
 * @param {Point} outer
 * @param {Point} inner
 * @param {number} open
 */
function lash(corner, outer, inner, open) {
  const lift = Math.min(open, 1);
  const wing = { x: corner.x - 5, y: corner.y - mix(-3, 7, lift) };
  const thick = mix(8, 12.5, lift);
  return (
    `M${INNER.x + 1.5} ${INNER.y + 1}C${inner.x + 1} ${round(inner.y)} ${outer.x + 1} ${round(outer.y)} ${corner.x + 1} ${round(corner.y + 1.5)}` +
    `Q${corner.x - 2.5} ${round(corner.y + mix(2, -0.5, lift))} ${wing.x} ${round(wing.y)}` +
    `Q${corner.x - 2} ${round(mix(wing.y, outer.y, 0.24))} ${round(corner.x)} ${round(Math.min(mix(corner.y, outer.y, 0.42), corner.y) - 3)}` +
    `C${outer.x + 6} ${round(outer.y - thick)} ${inner.x} ${round(inner.y - thick * 0.62)} ${INNER.x + 1.5} ${INNER.y + 1}Z`
  );
}

/**
 * @param {Point} corner
 * @param {Point} outer
 * @param {Point} inner
 * @param {number} open
 */
function crease(corner, outer, inner, open) {
  const away = mix(5, 13, Math.min(open, 1));
  return (
    `M${round(corner.x + 6)} ${round(mix(corner.y, outer.y, 0.62) - away)}` +
    `C${outer.x + 16} ${round(outer.y - away * 0.75)} ${inner.x - 8} ${round(inner.y - away * 0.75)} ${inner.x + 6} ${round(mix(INNER.y, inner.y, 0.66) - away * 0.55)}`
  );
}

/**
 * @param {Point} corner
 * @param {number} lower
 */
function lowerLine(corner, lower) {
  const start = { x: -28, y: mix(corner.y, lower, 0.47) };
  const end = { x: 15, y: mix(INNER.y, lower, 0.6) };
  return `M${start.x} ${round(start.y)}C-17 ${round(mix(start.y, lower, 0.62))} 3 ${round(mix(end.y, lower, 0.62))} ${end.x} ${round(end.y)}`;
}

/**
 * What the lid throws on the eyeball: the opening's upper edge, doubled lower down.
 * @param {Point} corner
 * @param {Point} outer
 * @param {Point} inner
 */
function shade(corner, outer, inner) {
  return (
    `M${corner.x} ${round(corner.y)}C${outer.x} ${round(outer.y)} ${inner.x} ${round(inner.y)} ${INNER.x} ${INNER.y}` +
    `C${inner.x} ${round(inner.y + 15)} ${outer.x + 4} ${round(outer.y + 17)} ${corner.x} ${round(corner.y)}Z`
  );
}
