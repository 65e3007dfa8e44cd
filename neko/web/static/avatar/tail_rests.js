/** A tail that nothing moves sways for a while and lies still for a while, never by the clock. */
export class TailRests {
  /** @type {() => number} */
  #random;
  #rests = false;
  /** @type {number} */
  #until;

  /**
   * @param {() => number} random answers 0…1
   * @param {number} now ms
   */
  constructor(random, now) {
    this.#random = random;
    this.#until = now + this.#swayMs();
  }

  /**
   * Does it lie still? `lively`: something moves it; it comes to rest a while after that.
   * @param {number} now
   * @param {boolean} lively
   */
  at(now, lively) {
    if (lively) {
      this.#rests = false;
      this.#until = now + this.#swayMs();
    } else if (now >= this.#until) {
      this.#rests = !this.#rests;
      this.#until = now + (this.#rests ? 5000 + 5000 * this.#random() : this.#swayMs());
    }
    return this.#rests;
  }

  #swayMs() {
    return 2500 + 2000 * this.#random();
  }
}
