/**
 * Short movements that have a name, laid over whatever else goes on.
 *
 * @typedef {object} Turn What a gesture adds to the pose; `joy` 0…1 shuts the eyes in two arcs, `shut` 0…1 presses them together.
 * @property {number} yaw
 * @property {number} pitch
 * @property {number} tilt
 * @property {number} joy
 * @property {number} shut
 * @property {number} wide
 * @property {number} smile
 * @property {number} mouthOpen
 * @property {number} mouthRound
 * @property {number} blush
 * @property {number} brows
 * @property {number} ears
 * @property {number} earBack
 * @property {number} tailLift
 * @property {number} tailReach
 * @property {number} heart
 *
 * @typedef {{ ms: number, turn: (share: number) => Partial<Turn> }} Gesture
 */

/** Up and down again, softly at both ends. @param {number} share */
const swell = (share) => Math.sin(share * Math.PI) ** 2;

/** Quickly there, a while, softly back. @param {number} share */
const hold = (share) => Math.min(1, share * 7) * Math.min(1, (1 - share) * 4);

/** Left and right, dying away. @param {number} share @param {number} times */
const shake = (share, times) => Math.sin(share * Math.PI * 2 * times) * (1 - share) ** 1.3;

/** @type {Record<string, Gesture>} */
const GESTURES = {
  nod: { ms: 900, turn: (share) => ({ pitch: 0.9 * Math.sin(share * Math.PI * 2) ** 2 * (1 - 0.5 * share) }) },
  shake_head: { ms: 1100, turn: (share) => ({ yaw: 0.8 * Math.sin(share * Math.PI * 4) * swell(share) }) },
  tilt_head: { ms: 1600, turn: (share) => ({ tilt: 8 * swell(share) }) },
  laugh: { ms: 1700, turn: (share) => ({
    joy: hold(share), smile: 0.5 * hold(share), mouthOpen: (0.4 + 0.16 * shake(share, 5)) * hold(share), blush: 0.3 * hold(share),
    pitch: -0.25 * hold(share) + 0.22 * shake(share, 5), tilt: -3 * swell(share), ears: -5 * hold(share), tailLift: 0.5 * hold(share), heart: 0.9 * swell(share),
  }) },
  touched_head: { ms: 1900, turn: (share) => ({
    joy: hold(share), smile: 0.35 * hold(share), blush: 0.5 * hold(share), tilt: 4.5 * Math.sin(share * Math.PI * 3) * swell(share),
    pitch: 0.45 * swell(share), ears: 13 * hold(share), earBack: 0.25 * hold(share), tailLift: 0.6 * hold(share),
  }) },
  touched_tail: { ms: 1400, turn: (share) => ({
    wide: 0.16 * hold(share), brows: 9 * hold(share), mouthOpen: 0.36 * hold(share), mouthRound: 0.8 * hold(share), smile: -0.7 * hold(share), blush: 0.4 * hold(share), pitch: -0.4 * swell(share),
    yaw: 0.5 * hold(share), ears: 9 * shake(share, 4), earBack: 0.3 * hold(share), tailLift: hold(share), tailReach: 1.6 * hold(share),
  }) },
  touched_nose: { ms: 1300, turn: (share) => ({
    shut: hold(Math.min(1, share * 1.5)), smile: -0.25 * hold(share), blush: 0.5 * hold(share), brows: -5 * hold(share), pitch: -0.5 * hold(share),
    yaw: 0.35 * shake(share, 3) * swell(share), ears: 12 * hold(share), earBack: 0.45 * hold(share),
  }) },
};

/** @type {Turn} */
const NONE = {
  yaw: 0, pitch: 0, tilt: 0, joy: 0, shut: 0, wide: 0, smile: 0, mouthOpen: 0, mouthRound: 0, blush: 0, brows: 0, ears: 0, earBack: 0, tailLift: 0, tailReach: 0, heart: 0,
};

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
   * @returns {Turn}
   */
  step(now) {
    if (!this.#playing) return NONE;
    const share = Math.max(0, now - this.#began) / this.#playing.ms;
    if (share < 1) return { ...NONE, ...this.#playing.turn(share) };
    this.#playing = null;
    return NONE;
  }
}
