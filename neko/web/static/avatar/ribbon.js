/**
 * A soft strip along a middle line, such as a tail or a sleeve.
 *
 * @typedef {{ x: number, y: number, heading: number, half: number }} Joint
 *   A place on the middle line, in units of the drawing; where the strip goes on from it, in radians; half its width.
 * @typedef {{ x: number, y: number }} Point
 */

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/**
 * The point at a joint's side: 1 is the edge to the left of its heading on the screen, -1 the other, 0 the middle.
 * @param {Joint} joint
 * @param {number} side
 * @returns {Point}
 */
export function beside({ x, y, heading, half }, side) {
  return { x: round(x + Math.sin(heading) * half * side), y: round(y - Math.cos(heading) * half * side) };
}

/**
 * A curve from the first point to the last, through the middles between the others so that it is smooth.
 * @param {Point[]} points
 */
export function smooth(points) {
  return points.map((point, at) => {
    const next = points[at + 1];
    if (at === 0) return `M${point.x} ${point.y}`;
    return next ? `Q${point.x} ${point.y} ${round((point.x + next.x) / 2)} ${round((point.y + next.y) / 2)}` : `L${point.x} ${point.y}`;
  }).join("");
}

/**
 * The open outline: one side there, the other side back.
 * @param {Joint[]} line
 */
export function outline(line) {
  return smooth([...line.map((joint) => beside(joint, 1)), ...line.toReversed().map((joint) => beside(joint, -1))]);
}
