/**
 * Where her eyes rest. Eyes jump, then hold still, with a tiny shift when they blink; the head follows later and less.
 *
 * Directions are shares of what the eyes can turn: x -1 (left of the page) … 1, y -1 (up) … 1; 0,0 meets the reader.
 *
 * @typedef {{ x: number, y: number }} Direction
 */
import { Spring } from "./spring.js";

/** A glance nearer than this, as a share of what the eyes can turn, is one of the eyes alone; of a farther one the head takes a part. */
const HEAD_FOLLOWS_FROM = 0.55;
const HEAD_FOLLOWS = 0.4;

export class Gaze {
  /** @type {() => number} */
  #random;
  #still;
  #x = new Spring(0, 0.028);
  #y = new Spring(0, 0.028);
  /** @type {Direction} */
  #home = { x: 0, y: 0 };
  /** @type {Direction | null} */
  #pointer = null;
  #pointerUntil = 0;
  /** @type {Direction | null} */
  #aside = null;
  #shift = { x: 0, y: 0 };
  #nextShift = 0;
  #glance = { x: 0, y: 0, head: { x: 0, y: 0 }, from: Infinity, until: 0 };

  /**
   * @param {() => number} random answers 0…1
   * @param {number} now ms
   * @param {{ still?: boolean }} [options]
   */
  constructor(random, now, { still = false } = {}) {
    this.#random = random;
    this.#still = still;
    this.#planGlance(now, 1);
  }

  /**
   * Rest in this direction when nothing else draws the eyes.
   * @param {Direction} direction
   */
  restOn(direction) {
    this.#home = direction;
    this.#pointer = null;
  }

  /**
   * Something draws the eyes until then (ms); afterwards they go home.
   * @param {Direction} direction
   * @param {number} until
   */
  follow(direction, until) {
    if (this.#still) return;
    this.#pointer = direction;
    this.#pointerUntil = until;
  }

  /**
   * Look aside while it lasts (thinking); null ends it.
   * @param {Direction | null} direction
   */
  turnAside(direction) {
    this.#aside = direction;
  }

  /**
   * Answers `{x, y, aim, jumped}`: the eyes, what they aim at, and whether the turn is large enough to blink at.
   * @param {number} dt
   * @param {number} now
   * @param {{ wanders: boolean, blinks: boolean, pace: number }} options `pace`: how often she glances aside; 1 is as usual
   */
  step(dt, now, { wanders, blinks, pace }) {
    const wanted = this.#wanted(now, wanders, pace);
    const before = Math.hypot(this.#x.target - wanted.x, this.#y.target - wanted.y);
    if (!this.#still && blinks && now >= this.#nextShift) this.#planShift(now);
    this.#x.target = wanted.x + this.#shift.x;
    this.#y.target = wanted.y + this.#shift.y;
    return { x: this.#x.step(dt), y: this.#y.step(dt), aim: wanted === this.#glance ? this.#glance.head : wanted, jumped: before > 0.55 };
  }

  /** Do the eyes jump? Their tiny shifts are over before they could be followed. */
  get moving() {
    return this.#x.moving(0.2) || this.#y.moving(0.2);
  }

  get resting() {
    return this.#x.resting && this.#y.resting;
  }

  /**
   * @param {number} now
   * @param {boolean} wanders
   * @param {number} pace
   */
  #wanted(now, wanders, pace) {
    if (this.#aside) return this.#aside;
    if (this.#pointer && now < this.#pointerUntil) return this.#pointer;
    this.#pointer = null;
    if (this.#still || !wanders) return this.#home;
    if (now > this.#glance.until) this.#planGlance(now, pace);
    return now >= this.#glance.from ? this.#glance : this.#home;
  }

  /** @param {number} now */
  #planShift(now) {
    this.#nextShift = now + 800 + 1700 * this.#random();
    this.#shift = { x: (this.#random() - 0.5) * 0.11, y: (this.#random() - 0.5) * 0.07 };
  }

  /**
   * @param {number} now
   * @param {number} pace
   */
  #planGlance(now, pace) {
    const from = now + (8000 + 10_000 * this.#random()) / pace;
    const side = this.#random() < 0.5 ? -1 : 1;
    const x = side * (0.3 + 0.4 * this.#random());
    const y = -0.25 + 0.6 * this.#random();
    const follows = Math.abs(x) > HEAD_FOLLOWS_FROM ? HEAD_FOLLOWS : 0;
    const head = { x: mix(this.#home.x, x, follows), y: mix(this.#home.y, y, follows) };
    this.#glance = { x, y, head, from, until: from + 600 + 1100 * this.#random() };
  }
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} share
 */
const mix = (from, to, share) => from + (to - from) * share;
