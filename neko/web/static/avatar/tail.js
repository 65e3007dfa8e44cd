/**
 * The tail: a chain of short pieces that each turn a little, drawn as one outline.
 *
 * @typedef {{ x: number, y: number, heading: number, half: number }} Joint
 *   A place on the middle line, in units of the drawing; where the tail goes on from it, in radians; half its width.
 */

const PIECES = 15;
const LENGTH = 33;
const ROOT = { x: 520, y: 948 };
const TIP_FROM = 11;
/** @type {[across: number, back: number][]} */
const TUFTS = [[-0.68, 15], [-0.36, -1], [-0.02, 20], [0.34, 0], [0.66, 13]];

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/**
 * Paths `{shape, tip}` of the tail. `phase` (radians) runs the wave along it; `reach` scales the
 * wave; `lift` -1 (hangs) … 1 (stands up).
 * @param {number} phase
 * @param {number} reach
 * @param {number} lift
 */
export function tailPaths(phase, reach, lift) {
  const line = centreLine(phase, reach, lift);
  return { shape: `${outline(line)}Z`, tip: `${outline(line.slice(TIP_FROM))}${furEdge(line[TIP_FROM])}Z` };
}

/**
 * @param {number} phase
 * @param {number} reach
 * @param {number} lift
 * @returns {Joint[]}
 */
function centreLine(phase, reach, lift) {
  const line = [];
  let { x, y } = ROOT;
  let heading = 0.12 - 0.2 * lift;
  for (let piece = 0; piece <= PIECES; piece += 1) {
    const along = piece / PIECES;
    line.push({ x, y, heading, half: thickness(along) });
    const bend = along < 0.6 ? 0.178 + 0.025 * lift : -0.15 - 0.07 * lift;
    const wave = reach * 0.052 * (0.3 + along * 1.3) * Math.sin(phase - along * 3.1);
    heading += wave - bend;
    x += Math.cos(heading) * LENGTH;
    y += Math.sin(heading) * LENGTH;
  }
  return line;
}

/** @param {number} along */
function thickness(along) {
  const swell = 14 + 9 * Math.sin(Math.min(along * 1.15, 1) * Math.PI * 0.55);
  return along > 0.72 ? swell * Math.sqrt(Math.max(0, 1 - ((along - 0.72) / 0.28) ** 1.8)) : swell;
}

/**
 * One side up, the other side down, through the middles of the points so that it is smooth.
 * @param {Joint[]} line
 */
function outline(line) {
  const points = [...line.map((joint) => beside(joint, 1)), ...line.slice(0, -1).reverse().map((joint) => beside(joint, -1))];
  return points.map((point, at) => {
    const next = points[at + 1];
    if (at === 0) return `M${point.x} ${point.y}`;
    return next ? `Q${point.x} ${point.y} ${round((point.x + next.x) / 2)} ${round((point.y + next.y) / 2)}` : `L${point.x} ${point.y}`;
  }).join("");
}

/**
 * From one side of the tail to the other, in tufts that point to its root.
 * @param {Joint | undefined} at
 */
function furEdge(at) {
  if (!at) return "";
  return TUFTS.map(([across, back]) => {
    const { x, y } = beside(at, across);
    return `L${round(x - Math.cos(at.heading) * back)} ${round(y - Math.sin(at.heading) * back)}`;
  }).join("");
}

/**
 * @param {Joint} joint
 * @param {number} side
 */
function beside({ x, y, heading, half }, side) {
  return { x: round(x + Math.sin(heading) * half * side), y: round(y - Math.cos(heading) * half * side) };
}
