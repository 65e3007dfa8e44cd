/**
 * How much of the drawing is shown in a place of a given size, and where its eyes are then.
 * @import { Placement } from "./avatar.js"
 */

const EYE_LINE = 344;
const MIDDLE = 400;
const TOP = -4;
const TAIL_ROOT = 860;
const LEAST_REACH = 260;

/**
 * @typedef {{ height: number, bottom: number, width: number }} Step
 *   `height` of the place in px; how far down the figure is shown and how wide at least, in units of the drawing.
 * @type {[Step, Step, Step]} Small places show the face.
 */
const STEPS = [
  { height: 150, bottom: 500, width: 400 },
  { height: 380, bottom: 720, width: 470 },
  { height: 640, bottom: 1000, width: 560 },
];

/**
 * `viewBox` for the drawing; `scale` in px per unit; `eyes`: px from the place's upper left corner;
 * `reach`: px from the eyes at which something is far away; `tail`: is its root in view?
 * @param {number} width px of the place
 * @param {number} height
 * @param {Placement} placement
 */
export function frame(width, height, placement) {
  const { bottom, width: least } = shown(height);
  const tall = bottom - TOP;
  const scale = Math.min(width / least, height / tall) * placement.scale;
  const left = MIDDLE - least / 2 / placement.scale - (placement.x * width) / scale;
  const top = bottom - tall / placement.scale - (placement.y * height) / scale;
  return {
    viewBox: `${left} ${top} ${least / placement.scale} ${tall / placement.scale}`,
    scale,
    eyes: { x: width / 2 + placement.x * width, y: height - (bottom - EYE_LINE) * scale + placement.y * height },
    reach: Math.max(LEAST_REACH, 520 * scale),
    tail: bottom >= TAIL_ROOT, // without its root the tip would float
  };
}

/** @param {number} height */
function shown(height) {
  let [before] = STEPS;
  for (const step of STEPS) {
    if (height <= step.height) {
      const share = step === before ? 0 : (height - before.height) / (step.height - before.height);
      return { bottom: before.bottom + (step.bottom - before.bottom) * share, width: before.width + (step.width - before.width) * share };
    }
    before = step;
  }
  return before;
}
