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
   * Does it lie still? `lively`: something moves it; it comes to rest a while after that. `pace`: how often it sways; 1 is as usual.
   * @param {number} now
   * @param {{ lively: boolean, pace: number }} options
   */
  at(now, { lively, pace }) {
    if (lively) {
      this.#rests = false;
      this.#until = now + this.#swayMs();
    } else if (now >= this.#until) {
      this.#rests = !this.#rests;
      this.#until = now + (this.#rests ? (12_000 + 14_000 * this.#random()) / pace : this.#swayMs());
    }
    return this.#rests;
  }

  #swayMs() {
    return 1800 + 1500 * this.#random();
  }
}
