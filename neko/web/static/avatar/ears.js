/** The ears' own life: a flick now and then, one at a time, and a turn towards what is heard. */

const FLICK_MS = 420;

export class Ears {
  /** @type {() => number} */
  #random;
  #began = { left: -Infinity, right: -Infinity };
  #strength = { left: 0, right: 0 };
  /** @type {number} */
  #next;

  /**
   * @param {() => number} random answers 0…1
   * @param {number} now ms
   */
  constructor(random, now) {
    this.#random = random;
    this.#next = now + 3000 + 5000 * random();
  }

  /**
   * Flick one ear ("left", "right", or whichever) by up to `strength` degrees.
   * @param {number} now
   * @param {number} [strength]
   * @param {"left" | "right"} [side]
   */
  flick(now, strength = 13, side = this.#random() < 0.5 ? "left" : "right") {
    this.#began[side] = now;
    this.#strength[side] = strength;
  }

  /**
   * Answers degrees `{left, right}`, added to how the ears stand.
   * @param {number} now
   * @param {number} pace
   */
  step(now, pace) {
    if (now >= this.#next) {
      this.flick(now, 8 + 9 * this.#random());
      const twice = this.#random() < 0.25;
      this.#next = now + (twice ? 330 : (8000 + 12_000 * this.#random()) / pace);
    }
    return { left: this.#angle("left", now), right: this.#angle("right", now) };
  }

  /** @param {number} now */
  active(now) {
    return now - this.#began.left < FLICK_MS || now - this.#began.right < FLICK_MS;
  }

  /**
   * @param {"left" | "right"} side
   * @param {number} now
   */
  #angle(side, now) {
    const passed = (now - this.#began[side]) / FLICK_MS;
    if (passed < 0 || passed >= 1) return 0;
    return this.#strength[side] * Math.sin(passed * Math.PI * 3.2) * (1 - passed) ** 1.6;
  }
}
