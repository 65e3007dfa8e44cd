const FULL_RATE_MS = 11;
const LONGEST_STEP_S = 1;

/**
 * Asks for frames only as often as something moves. `step(dtSeconds, nowMs)` answers the
 * milliseconds until it wants the next frame: 0 for the next one the screen shows.
 */
export class Frames {
  /** @type {(dt: number, now: number) => number} */
  #step;
  #running = false;
  #request = 0;
  /** @type {number} */
  #timer = 0;
  #last = 0;
  count = 0;

  /** @param {(dt: number, now: number) => number} step */
  constructor(step) {
    this.#step = step;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#last = performance.now();
    this.#ask();
  }

  stop() {
    this.#running = false;
    cancelAnimationFrame(this.#request);
    clearTimeout(this.#timer);
    this.#request = 0;
    this.#timer = 0;
  }

  /** Something changed: do not wait for the slow next frame, and let it begin from now. */
  wake() {
    if (!this.#running || !this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#last = performance.now();
    this.#ask();
  }

  #ask() {
    this.#request = requestAnimationFrame((now) => this.#frame(now));
  }

  /** @param {number} now */
  #frame(now) {
    if (!this.#running) return;
    const passed = now - this.#last;
    if (passed < FULL_RATE_MS && passed > 0) {
      this.#ask();
      return;
    }
    this.#last = now;
    this.count += 1;
    const wait = this.#step(Math.min(Math.max(passed, 0) / 1000, LONGEST_STEP_S), now);
    if (!this.#running) return;
    if (wait < 24) {
      this.#ask();
      return;
    }
    this.#timer = setTimeout(() => { // not through a frame of the screen: where nothing is drawn, the browser has nothing to do either
      this.#timer = 0;
      this.#frame(performance.now());
    }, wait);
  }
}
