/** When the eyes shut by themselves: never by the clock, sometimes twice. */

const SHUT_MS = 90;
const REST_MS = 60;
const OPEN_MS = 190;
/** Moments nearer than this are one. */
const AT_ONCE_MS = 8;
/** Moments of a blink, in ms, that are enough to see it where nothing else is drawn: half shut, shut, half open, open. */
const SEEN_AT = [SHUT_MS / 2, SHUT_MS + REST_MS / 4, SHUT_MS + REST_MS + OPEN_MS * 0.45, SHUT_MS + REST_MS + OPEN_MS];

export class Blink {
  /** @type {() => number} */
  #random;
  /** @type {number} */
  #next;
  #began = -Infinity;
  #again = false;
  #slow = 1;

  /**
   * @param {() => number} random answers 0…1
   * @param {number} now ms
   * @param {{ gentle?: boolean }} [options]
   */
  constructor(random, now, { gentle = false } = {}) {
    this.#random = random;
    this.#slow = gentle ? 1.5 : 1;
    this.#next = now + 900 + random() * 1800;
  }

  /**
   * Blink soon, as one does on a quick turn of the eyes.
   * @param {number} now
   */
  soon(now) {
    if (!this.active(now)) this.#next = Math.min(this.#next, now + 40);
  }

  /** @param {number} now */
  active(now) {
    return now - this.#began < (SHUT_MS + REST_MS + OPEN_MS) * this.#slow;
  }

  /**
   * Milliseconds until the eyes look different than now.
   * @param {number} now
   */
  wait(now) {
    const moment = SEEN_AT.find((at) => this.#began + at * this.#slow > now + AT_ONCE_MS);
    return (moment === undefined ? this.#next : this.#began + moment * this.#slow) - now;
  }

  /**
   * How far the lids are drawn together: 0 not at all … 1 shut.
   * @param {number} now
   * @param {number} [pace] how often; 1 is as usual
   */
  step(now, pace = 1) {
    if (now >= this.#next && !this.active(now)) this.#begin(now, pace);
    const passed = (now - this.#began) / this.#slow;
    if (passed < SHUT_MS) return ease(passed / SHUT_MS);
    if (passed < SHUT_MS + REST_MS) return 1;
    return 1 - ease(Math.min((passed - SHUT_MS - REST_MS) / OPEN_MS, 1));
  }

  /**
   * @param {number} now
   * @param {number} pace
   */
  #begin(now, pace) {
    this.#began = now;
    const length = (SHUT_MS + REST_MS + OPEN_MS) * this.#slow;
    this.#again = !this.#again && this.#random() < 0.2;
    const pause = this.#again ? 70 : (1800 + 5000 * this.#random() ** 1.4) / pace;
    this.#next = now + length + pause;
  }
}

/** @param {number} share */
function ease(share) {
  return share * share * (3 - 2 * share);
}
