/** So near to the target is there. */
const NOTHING = 0.0008;

/** A value that goes to its target without overshoot; the same path at any frame rate. */
export class Spring {
  #rate;

  /** `halfLife`: seconds in which half of the way is gone. */
  constructor(value, halfLife) {
    this.value = value;
    this.target = value;
    this.velocity = 0;
    this.halfLife = halfLife;
  }

  set halfLife(seconds) {
    this.#rate = (2 * Math.LN2) / Math.max(seconds, 0.001);
  }

  /** Critically damped, solved exactly for `dt` seconds. */
  step(dt) {
    const away = this.value - this.target;
    const pull = this.velocity + this.#rate * away;
    const decay = Math.exp(-this.#rate * dt);
    this.value = this.target + (away + pull * dt) * decay;
    this.velocity = (this.velocity - this.#rate * pull * dt) * decay;
    if (Math.abs(this.value - this.target) < NOTHING && Math.abs(this.velocity) < NOTHING * 10) this.jump(this.target);
    return this.value;
  }

  jump(value) {
    this.value = value;
    this.target = value;
    this.velocity = 0;
  }

  get resting() {
    return this.value === this.target;
  }

  /** Is it still more than `epsilon` away, or faster than that per 100 ms? */
  moving(epsilon) {
    return Math.abs(this.value - this.target) > epsilon || Math.abs(this.velocity) > epsilon * 10;
  }
}
