/**
 * The shape of a mouth from sound: loudness opens it, the formants form the vowel.
 *
 * A vowel is heard by its lowest resonances: F1 follows the jaw, F2 the tongue. The spectrum is
 * gathered in bands on the mel scale and compared with what five vowels look like in the same
 * bands, for a long, a middle and a short throat and for a soft and a sharp voice; the likeness
 * gives the weights. No peak has to be picked, so a high voice, whose harmonics lie apart, and a
 * back vowel, whose F1 and F2 lie together, do no harm. Formants: middle of the tables of
 * Peterson & Barney (1952) and of the Spanish and Japanese five-vowel systems.
 */

/** @import { Mouth, Vowel, Vowels } from "../avatar/avatar.js" */

/** @type {Record<Vowel, number[][]>} The middle of each resonance in Hz, one row for each way to say the vowel. */
const FORMANTS = {
  a: [[780, 1250, 2550]],
  i: [[300, 2350, 3050]],
  u: [[330, 820, 2400], [350, 1400, 2350]],
  e: [[420, 2080, 2650], [540, 1880, 2550]],
  o: [[500, 860, 2500], [560, 880, 2450]],
};
/** @type {Vowel[]} */
const NAMES = ["a", "i", "u", "e", "o"];
const THROATS = [0.93, 1.04, 1.17];
const TILTS_DB = [-12, -8, -4];
const FOURTH_HZ = 3600;

const BANDS = 24;
const LOWEST_HZ = 220;
const HIGHEST_HZ = 3900;
const LEAST_WIDTH_HZ = 170;
const DEPTH_DB = 22;
const SHARPNESS = 22;

const FLOOR_DB = -52;
const FULL_DB = -16;

/** Size of the analyser's transform that fits at 48 kHz: 23 Hz a bin, 43 ms of sound. */
export const FFT_SIZE = 2048;

/** @param {number} hz */
const mel = (hz) => 1127 * Math.log(1 + hz / 700);
/** @param {number} value */
const fromMel = (value) => 700 * (Math.exp(value / 1127) - 1);

const CENTRES = Array.from({ length: BANDS }, (_, band) =>
  fromMel(mel(LOWEST_HZ) + ((mel(HIGHEST_HZ) - mel(LOWEST_HZ)) * band) / (BANDS - 1)),
);
const FILTERS = CENTRES.map((centre, band) => ({
  centre,
  width: Math.max(LEAST_WIDTH_HZ, 1.1 * (centre - (CENTRES[band - 1] ?? 0.8 * centre))),
  weight: centre < 2600 ? 1 : 0.3,
}));
const WEIGHTS_SUM = FILTERS.reduce((sum, { weight }) => sum + weight, 0);

/** What each vowel looks like, reckoned when first needed. @type {{ name: Vowel, bands: number[] }[]} */
let templates = [];

/**
 * Level of a block of samples (-1…1) in dB of full scale.
 * @param {Float32Array} samples
 */
export function levelDb(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return 10 * Math.log10(sum / samples.length + 1e-12);
}

/**
 * How far that level opens a mouth, 0…1.
 * @param {number} db
 */
export function opening(db) {
  const share = Math.min(Math.max((db - FLOOR_DB) / (FULL_DB - FLOOR_DB), 0), 1);
  return share * share * (3 - 2 * share);
}

/**
 * Weights `{a, i, u, e, o}`, together 1, from a spectrum in dB (`AnalyserNode.getFloatFrequencyData`).
 * `binHz`: width of one bin. Null for silence.
 * @param {Float32Array} spectrum
 * @param {number} binHz
 * @returns {Vowels | null}
 */
export function vowelWeights(spectrum, binHz) {
  const bands = inBands((hz) => {
    const db = spectrum[Math.round(hz / binHz)] ?? -Infinity;
    return db > -200 ? 10 ** (db / 10) : 0;
  }, binHz);
  if (!bands) return null;
  if (!templates.length) templates = allTemplates();
  const best = { a: -1, i: -1, u: -1, e: -1, o: -1 };
  for (const { name, bands: expected } of templates) best[name] = Math.max(best[name], likeness(bands, expected));
  const top = Math.max(...Object.values(best));
  const weights = { a: 0, i: 0, u: 0, e: 0, o: 0 };
  let total = 0;
  for (const name of NAMES) {
    weights[name] = Math.exp(SHARPNESS * (best[name] - top));
    total += weights[name];
  }
  for (const name of NAMES) weights[name] /= total;
  return weights;
}

/**
 * A power spectrum gathered in bands: dB around their mean, no deeper than `DEPTH_DB` below the loudest, length 1.
 * @param {(hz: number) => number} powerAt
 * @param {number} stepHz
 * @returns {number[] | null}
 */
function inBands(powerAt, stepHz) {
  const bands = FILTERS.map(({ centre, width }) => {
    let power = 0;
    let weight = 0;
    for (let hz = Math.ceil((centre - width) / stepHz) * stepHz; hz < centre + width; hz += stepHz) {
      const near = 1 - Math.abs(hz - centre) / width;
      power += near * powerAt(hz);
      weight += near;
    }
    return 10 * Math.log10(power / weight + 1e-14) + 6 * Math.log2(centre / 500);
  });
  const top = Math.max(...bands);
  if (top < -110) return null;
  const deep = FILTERS.map(({ weight }, band) => ({ weight, db: Math.max((bands[band] ?? top) - top, -DEPTH_DB) }));
  const mean = deep.reduce((sum, { db, weight }) => sum + db * weight, 0) / WEIGHTS_SUM;
  const weighed = deep.map(({ db, weight }) => (db - mean) * Math.sqrt(weight));
  const length = Math.hypot(...weighed) || 1;
  return weighed.map((value) => value / length);
}

/**
 * @param {number[]} one
 * @param {number[]} other
 */
function likeness(one, other) {
  return one.reduce((sum, level, band) => sum + level * (other[band] ?? 0), 0);
}

function allTemplates() {
  return NAMES.flatMap((name) =>
    FORMANTS[name].flatMap((formants) =>
      THROATS.flatMap((throat) => TILTS_DB.map((tilt) => ({ name, bands: template(formants.map((hz) => hz * throat), tilt) ?? [] }))),
    ),
  );
}

/**
 * What a vowel with these resonances looks like when the voice falls by `tilt` dB an octave.
 * @param {number[]} formants
 * @param {number} tilt
 */
function template(formants, tilt) {
  return inBands((hz) => {
    let power = (hz / 500) ** (tilt / 3.01);
    for (const peak of [...formants, FOURTH_HZ]) {
      const width = 70 + 0.035 * peak;
      power *= peak ** 4 / ((peak ** 2 - hz ** 2) ** 2 + (width * hz) ** 2);
    }
    return power;
  }, 20);
}

const ATTACK_SECONDS = 0.025;
const RELEASE_SECONDS = 0.085;
const SHAPE_SECONDS = 0.045;

/** Follows a voice from frame to frame and keeps the mouth from trembling. */
export class MouthFollower {
  #open = 0;
  #shape = { a: 0, i: 0, u: 0, e: 0, o: 0 };

  /**
   * `samples`: the last block, `spectrum` in dB, `dt` seconds since the last call. Answers `{open, shape}`.
   * @param {Float32Array} samples
   * @param {Float32Array} spectrum
   * @param {number} binHz
   * @param {number} dt
   * @returns {Mouth}
   */
  step(samples, spectrum, binHz, dt) {
    const target = opening(levelDb(samples));
    this.#open += (target - this.#open) * (1 - Math.exp(-dt / (target > this.#open ? ATTACK_SECONDS : RELEASE_SECONDS)));
    const weights = target > 0.05 ? vowelWeights(spectrum, binHz) : null;
    if (weights) {
      const share = 1 - Math.exp(-dt / SHAPE_SECONDS);
      for (const name of NAMES) this.#shape[name] += (weights[name] - this.#shape[name]) * share;
    }
    return { open: this.#open < 0.01 ? 0 : this.#open, shape: { ...this.#shape } };
  }

  reset() {
    this.#open = 0;
    for (const name of NAMES) this.#shape[name] = 0;
  }
}

/**
 * A mouth at rest.
 * @returns {Mouth}
 */
export function closedMouth() {
  return { open: 0, shape: { a: 0, i: 0, u: 0, e: 0, o: 0 } };
}
