/** Short movements of the head that have a name, laid over whatever else goes on. */

/**
 * @typedef {{ yaw: number, pitch: number, tilt: number }} HeadTurn added to the pose of the head
 * @typedef {{ ms: number, turn: (share: number) => Partial<HeadTurn> }} Gesture
 */

/** Up and down again, softly at both ends. @param {number} share */
const swell = (share) => Math.sin(share * Math.PI) ** 2;

/** @type {Record<string, Gesture>} */
const GESTURES = {
  nod: { ms: 900, turn: (share) => ({ pitch: 0.9 * Math.sin(share * Math.PI * 2) ** 2 * (1 - 0.5 * share) }) },
  shake_head: { ms: 1100, turn: (share) => ({ yaw: 0.8 * Math.sin(share * Math.PI * 4) * swell(share) }) },
  tilt_head: { ms: 1600, turn: (share) => ({ tilt: 8 * swell(share) }) },
};

/** @type {HeadTurn} */
const NONE = { yaw: 0, pitch: 0, tilt: 0 };

export const GESTURE_NAMES = Object.freeze(Object.keys(GESTURES));

export class Gestures {
  /** @type {Gesture | null} */
  #playing = null;
  #began = 0;

  /**
   * Begin one of `GESTURE_NAMES`; it takes the place of one that is still going on.
   * @param {string} name
   * @param {number} now
   */
  play(name, now) {
    this.#playing = GESTURES[name] ?? null;
    this.#began = now;
  }

  get active() {
    return this.#playing !== null;
  }

  /**
   * @param {number} now
   * @returns {HeadTurn}
   */
  step(now) {
    if (!this.#playing) return NONE;
    const share = Math.max(0, now - this.#began) / this.#playing.ms;
    if (share < 1) return { ...NONE, ...this.#playing.turn(share) };
    this.#playing = null;
    return NONE;
  }
}
