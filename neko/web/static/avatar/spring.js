/** So near to the target is there. */
const NOTHING = 0.0008;

/** A value that goes to its target without overshoot; the same path at any frame rate. */
export class Spring {
  #rate = 0;
  value = 0;
  target = 0;
  velocity = 0;

  /**
   * `halfLife`: seconds in which half of the way is gone.
   * @param {number} value
   * @param {number} halfLife
   */
  constructor(value, halfLife) {
    this.jump(value);
    this.#rate = (2 * Math.LN2) / Math.max(halfLife, 0.001);
  }

  /**
   * Critically damped, solved exactly for `dt` seconds.
   * @param {number} dt
   */
  step(dt) {
    const away = this.value - this.target;
    const pull = this.velocity + this.#rate * away;
    const decay = Math.exp(-this.#rate * dt);
    this.value = this.target + (away + pull * dt) * decay;
    this.velocity = (this.velocity - this.#rate * pull * dt) * decay;
    if (Math.abs(this.value - this.target) < NOTHING && Math.abs(this.velocity) < NOTHING * 10) this.jump(this.target);
    return this.value;
  }

  /** @param {number} value */
  jump(value) {
    this.value = value;
    this.target = value;
    this.velocity = 0;
  }

  get resting() {
    return this.value === this.target;
  }

  /**
   * Is it still more than `epsilon` away, or faster than that per 100 ms?
   * @param {number} epsilon
   */
  moving(epsilon) {
    return Math.abs(this.value - this.target) > epsilon || Math.abs(this.velocity) > epsilon * 10;
  }
}
