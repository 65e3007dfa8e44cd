/**
 * How much of the drawing is shown in a place of a given size, and where its eyes are then.
 * @import { Placement } from "./avatar.js"
 */

const EYE_LINE = 344;
const MIDDLE = 400;
const TOP = -4;
const TAIL_ROOT = 860;
/** What the whole of a hand takes, where it is held. */
const HAND_AT_HEART = 800;
const HAND_AT_CHIN = 600;
/** Where her hands are at rest, from and to: there the lower edge does not cut. @type {[number, number][]} */
const RESTING_HANDS = [[745, 840], [862, 936]];
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
 * `hands`: which ways to hold them are in view whole, with 1 for those and 0 for the others.
 * @param {number} width px of the place
 * @param {number} height
 * @param {Placement} placement
 */
export function frame(width, height, placement) {
  const { bottom: wanted, width: least } = shown(height);
  const bottom = besideHands(wanted);
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
    hands: { heart: Number(bottom >= HAND_AT_HEART), chin: Number(bottom >= HAND_AT_CHIN) }, // or fingertips would stand at the edge
  };
}

/** @param {number} bottom */
function besideHands(bottom) {
  for (const [from, to] of RESTING_HANDS) if (bottom > from && bottom < to) return bottom - from < to - bottom ? from : to;
  return bottom;
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
