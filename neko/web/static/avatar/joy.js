/** Eyes that shut in two arcs now and then while she is happy: a while after a while, never by the clock. */
import { Spring } from "./spring.js";

const HAPPY = 0.35;

export class Joy {
  /** @type {() => number} */
  #random;
  #share = new Spring(0, 0.045);
  #until = -Infinity;
  #next = Infinity;

  /** @param {() => number} random answers 0…1 */
  constructor(random) {
    this.#random = random;
  }

  /**
   * How far the eyes are shut for joy, 0…1. `smile`: how far the eyes smile by feeling.
   * @param {number} dt
   * @param {number} now
   * @param {number} smile
   */
  step(dt, now, smile) {
    if (smile < HAPPY) {
      this.#next = Infinity;
      this.#until = -Infinity;
    } else if (this.#next === Infinity) {
      this.#next = now + 250 + 500 * this.#random();
    } else if (now >= this.#next) {
      this.#until = now + 1000 + 900 * this.#random();
      this.#next = this.#until + 1500 + 2600 * this.#random();
    }
    this.#share.target = now < this.#until ? 1 : 0;
    return this.#share.step(dt);
  }

  /** When it changes by itself next, ms. */
  get next() {
    return Math.min(this.#next, this.#until > 0 && this.#share.target ? this.#until : Infinity);
  }

  get moving() {
    return this.#share.moving(0.02);
  }
}
