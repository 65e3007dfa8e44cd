/**
 * What a feeling does to the face, ears and tail, in numbers that can be mixed.
 *
 * Every row is the difference to neutral at full intensity. Two feelings at once are the sum of
 * their rows by weight; nothing else knows that there are six of them.
 *
 * @import { Feeling } from "./avatar.js"
 * @typedef {typeof NEUTRAL} Mixture
 */
import { Spring } from "./spring.js";

/** How she looks when she feels nothing in particular: friendly, awake. */
const NEUTRAL = {
  smile: 0.42, cat: 0.4, mouthOpen: 0, mouthWidth: 0, mouthRound: 0,
  eyeOpen: 0.98, eyeSmile: 0.04, slant: 0, pupil: 1, browLift: 0, browAngle: 0, blush: 0.5,
  earOut: 0, earBack: 0, headY: 0, tilt: 0, shoulders: 0, gazeY: 0,
  tailLift: 0, tailRate: 1, tailReach: 1,
};

/** @type {Record<Exclude<Feeling, "neutral">, Partial<Mixture>>} */
const ROWS = {
  happy: { smile: 0.5, cat: -0.3, mouthOpen: 0.42, mouthWidth: 0.16, eyeOpen: -0.12, eyeSmile: 0.72, browLift: 5, browAngle: 3,
    blush: 0.5, earOut: -4, headY: -0.12, tilt: -2.5, pupil: 0.12, shoulders: 0.3, tailLift: 0.5, tailRate: 0.8, tailReach: 0.5 },
  sad: { smile: -1.1, cat: -0.4, mouthWidth: -0.2, eyeOpen: -0.2, eyeSmile: 0.1, slant: -0.85, browLift: 3, browAngle: 15,
    blush: -0.25, earOut: 27, earBack: 0.3, headY: 0.4, tilt: 3.5, pupil: 0.1, shoulders: -0.6, gazeY: 0.28, tailLift: -0.9, tailRate: -0.5, tailReach: -0.6 },
  angry: { smile: -0.95, cat: -0.2, mouthWidth: -0.12, mouthOpen: 0.05, eyeOpen: -0.14, slant: 1, browLift: -10, browAngle: -21,
    blush: 0.25, earOut: 22, earBack: 0.75, headY: 0.16, pupil: -0.16, shoulders: 0.5, tailLift: 0.2, tailRate: 1.6, tailReach: 0.4 },
  surprised: { smile: -0.35, cat: -0.4, mouthOpen: 0.5, mouthWidth: -0.34, mouthRound: 0.8, eyeOpen: 0.2, browLift: 13, browAngle: 4,
    blush: 0.05, earOut: -7, headY: -0.2, pupil: -0.28, shoulders: 0.8, tailLift: 0.9, tailRate: -0.3, tailReach: -0.5 },
  relaxed: { smile: 0.2, cat: 0.5, eyeOpen: -0.4, eyeSmile: 0.22, slant: -0.12, browLift: 2, browAngle: 5,
    blush: 0.18, earOut: 9, headY: 0.06, tilt: 3, shoulders: -0.4, tailRate: -0.4, tailLift: -0.1, tailReach: 0.2 },
};

const KEYS = /** @type {(keyof Mixture)[]} */ (Object.keys(NEUTRAL));
const HOLD_SECONDS = 7;
const FADE_SECONDS = 9;
const BLEND_HALF_LIFE = 0.075;

export class Feelings {
  /** @type {Map<string, { row: Partial<Mixture>, weight: Spring }>} */
  #weights = new Map(Object.entries(ROWS).map(([name, row]) => [name, { row, weight: new Spring(0, BLEND_HALF_LIFE) }]));
  #held = 0;
  /** @type {Mixture} */
  #mixed = { ...NEUTRAL };

  /**
   * Feel `name` (anything but a feeling changes nothing) with `intensity` 0…1. What was felt before stays underneath as far as there is room.
   * @param {string} name
   * @param {number} intensity
   */
  set(name, intensity) {
    if (name !== "neutral" && !this.#weights.has(name)) return;
    const strength = Math.min(Math.max(Number(intensity) || 0, 0), 1);
    const room = name === "neutral" ? 0 : (1 - strength) * 0.6;
    for (const [other, { weight }] of this.#weights) weight.target = other === name ? strength : weight.target * room;
    this.#held = HOLD_SECONDS;
  }

  /** Keep the feeling from fading for now (she is still speaking). */
  hold() {
    this.#held = Math.max(this.#held, 2);
  }

  /**
   * Advance by `dt` seconds; answers the mixture, an object with the keys of `NEUTRAL`.
   * @param {number} dt
   */
  step(dt) {
    this.#held -= dt;
    const fade = this.#held > 0 ? 1 : Math.exp(-dt / FADE_SECONDS);
    Object.assign(this.#mixed, NEUTRAL);
    for (const { row, weight } of this.#weights.values()) {
      weight.target = weight.target * fade < 0.02 ? 0 : weight.target * fade;
      const share = weight.step(dt);
      if (share < 0.002) continue;
      for (const key of KEYS) this.#mixed[key] += (row[key] ?? 0) * share;
    }
    return this.#mixed;
  }

  get blending() {
    for (const { weight } of this.#weights.values()) if (weight.moving(0.02)) return true;
    return false;
  }

  get resting() {
    for (const { weight } of this.#weights.values()) if (weight.target > 0 || !weight.resting) return false;
    return true;
  }
}
