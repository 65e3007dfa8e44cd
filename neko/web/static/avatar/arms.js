/**
 * The arms: two bones each in a wide sleeve, drawn on the reader's left; the right one is its mirror image.
 *
 * @import { Joint, Point } from "./ribbon.js"
 * @typedef {{ elbow: Point, wrist: Point, hand: number }} ArmPose In units of the drawing; `hand` degrees, 0 hangs down.
 * @typedef {{ heart: number, chin: number }} Hands How far the hands have gone to the heart, and one of them to the chin: 0…1.
 */
import { beside, smooth } from "./ribbon.js";

const SHOULDER = { x: 268, y: 574 };
/** Where the sleeve's line leaves the slope of the shoulder. */
const SLOPE = { x: 266, y: 545 };
/** Sides of a sleeve: away from the body, towards it, and how far the shadow reaches from there. */
const OUTSIDE = -1;
const INSIDE = 1;
const DEEP = 0.5;
/** Half the width of the sleeve about the elbow. */
const HALF = 34;

/** @type {Record<"left" | "right", { rest: ArmPose, heart: ArmPose, chin: ArmPose }>} */
const POSES = {
  left: {
    rest: { elbow: { x: 226, y: 734 }, wrist: { x: 240, y: 868 }, hand: -3 },
    heart: { elbow: { x: 212, y: 742 }, wrist: { x: 350, y: 716 }, hand: -114 },
    chin: { elbow: { x: 214, y: 748 }, wrist: { x: 344, y: 772 }, hand: -96 },
  },
  right: {
    rest: { elbow: { x: 210, y: 744 }, wrist: { x: 316, y: 790 }, hand: -100 },
    heart: { elbow: { x: 214, y: 740 }, wrist: { x: 352, y: 698 }, hand: -120 },
    chin: { elbow: { x: 232, y: 706 }, wrist: { x: 364, y: 514 }, hand: -156 },
  },
};

/** @param {number} from @param {number} to @param {number} share */
const mix = (from, to, share) => from + (to - from) * share;

/** @param {Point} from @param {Point} to @param {number} share */
const between = (from, to, share) => ({ x: mix(from.x, to.x, share), y: mix(from.y, to.y, share) });

/** @param {Point} point */
const lineTo = ({ x, y }) => `L${x} ${y}`;

/**
 * How one arm is held.
 * @param {"left" | "right"} side
 * @param {Hands} hands
 * @returns {ArmPose}
 */
export function armPose(side, { heart, chin }) {
  const { rest, ...poses } = POSES[side];
  return blend(blend(rest, poses.heart, heart), poses.chin, chin);
}

/** @param {ArmPose} from @param {ArmPose} to @param {number} share @returns {ArmPose} */
function blend(from, to, share) {
  return { elbow: between(from.elbow, to.elbow, share), wrist: between(from.wrist, to.wrist, share), hand: mix(from.hand, to.hand, share) };
}

/**
 * Paths of the sleeve: `{upper, fold, fore, shade, line}`, to be drawn in this order, so that the forearm lies before the
 * upper arm; both fills end at the same curve as the line, or paper would show between them. The outer line begins where the sleeve grows out of the shoulder; nothing marks the armpit.
 * @param {ArmPose} pose
 */
export function sleevePaths({ elbow, wrist }) {
  const down = Math.atan2(elbow.y - SHOULDER.y, elbow.x - SHOULDER.x);
  const on = Math.atan2(wrist.y - elbow.y, wrist.x - elbow.x);
  /** @type {[Joint, Joint, Joint]} */
  const upper = [
    { ...SHOULDER, heading: down, half: 30 },
    { ...between(SHOULDER, elbow, 0.4), heading: down, half: 33 },
    { ...between(SHOULDER, elbow, 0.82), heading: down, half: HALF },
  ];
  const [, arm, bend] = upper;
  /** @type {Joint[]} */
  const fore = [
    { ...between(elbow, wrist, 0.16), heading: on, half: HALF },
    { ...between(elbow, wrist, 0.6), heading: on, half: HALF },
    { ...between(elbow, wrist, 0.92), heading: on, half: 24 },
  ];
  const middle = Math.atan2(Math.sin(down) + Math.sin(on), Math.cos(down) + Math.cos(on));
  const outside = [SLOPE, ...[...upper, { ...elbow, heading: middle, half: HALF }, ...fore].map((joint) => beside(joint, OUTSIDE))];
  const above = [arm, bend, { ...elbow, heading: down, half: HALF }].map((joint) => beside(joint, INSIDE));
  const crook = beside({ ...elbow, heading: on, half: HALF * Math.max(0, Math.cos(on - down)) }, INSIDE); // in a sharp bend its crease begins within the arm
  const inside = [crook, ...fore.map((joint) => beside(joint, INSIDE))];
  const deep = fore.map((joint) => beside(joint, DEEP));
  return {
    upper: `${smooth(outside)}${[...above.toReversed(), beside(upper[0], INSIDE)].map(lineTo).join("")}Z`,
    fold: smooth(above),
    fore: `${smooth([...outside.slice(2), ...inside.toReversed(), beside(bend, INSIDE)])}Z`,
    shade: `${smooth([...inside, ...deep.toReversed(), crook])}Z`,
    line: `${smooth(outside)}${smooth(inside)}`,
  };
}
