/**
 * The tail: a chain of short pieces that each turn a little, drawn as one outline.
 * @import { Joint } from "./ribbon.js"
 */
import { beside, outline } from "./ribbon.js";

const PIECES = 15;
const LENGTH = 33;
const ROOT = { x: 500, y: 948 };
const TIP_FROM = 11;
/** Where the fur of the tip ends, across the tail: soft scallops that point to its root. */
const SCALLOPS = /** @type {const} */ ([[-0.4, -0.1], [0.05, 0.3], [0.6, 0.95]]);
const SCALLOP_DEPTH = 24;

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/**
 * Paths `{shape, tip, line}` of the tail. `phase` (radians) runs the wave along it; `reach` scales the
 * wave; `lift` -1 (hangs) … 1 (stands up).
 * @param {number} phase
 * @param {number} reach
 * @param {number} lift
 */
export function tailPaths(phase, reach, lift) {
  const line = centreLine(phase, reach, lift);
  const edge = outline(line);
  return { shape: `${edge}Z`, tip: `${outline(line.slice(TIP_FROM))}${furEdge(line[TIP_FROM])}Z`, line: edge };
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

/** Slim at the root, fullest in the last third, round at the end. @param {number} along */
function thickness(along) {
  const full = 15 + 13 * Math.sin(Math.max(0, along - 0.12) * Math.PI * 0.66) ** 2;
  return along > 0.8 ? Math.max(8, full * Math.sqrt(Math.max(0, 1 - ((along - 0.8) / 0.2) ** 2.2))) : full;
}

/** From one side of the tail back to the other. @param {Joint | undefined} at */
function furEdge(at) {
  if (!at) return "";
  const back = { x: Math.cos(at.heading) * SCALLOP_DEPTH, y: Math.sin(at.heading) * SCALLOP_DEPTH };
  return SCALLOPS.map(([deepest, end]) => {
    const [control, to] = [beside(at, deepest), beside(at, end)];
    return `Q${round(control.x - back.x)} ${round(control.y - back.y)} ${to.x} ${to.y}`;
  }).join("");
}
