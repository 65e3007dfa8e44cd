/**
 * Sound at the rate of the device to sound at 16 kHz, without what would fold back into it.
 *
 * Each output sample is a windowed sinc laid over the input, for each position between two input
 * samples a table of its own (one at 48 kHz, 160 at 44.1 kHz). Ours because the converters on npm are
 * WebAssembly, for which the page's policy would have to allow compiling code, and the browser's own
 * (a second AudioContext at 16 kHz) takes no microphone in Firefox.
 */
export const RATE = 16_000;

/** Zero crossings of the sinc on each side: 1 ms of delay. */
const CROSSINGS = 16;
/** Of the highest frequency that 16 kHz can hold: what the filter lets through. */
const PASS = 0.92;

export class Downsampler {
  #rate;
  /** Input samples by which two output samples differ, as a fraction in lowest terms. */
  #step;
  #parts;
  #half;
  /** @type {Float32Array[]} */
  #tables;
  /** Input that later output still needs. */
  #held;
  /** Where in `held` the next output sample lies: whole samples, and parts of one. */
  #at;
  #part = 0;

  /** @param {number} rate of the input, in Hz; RATE or more */
  constructor(rate) {
    const shared = greatestDivisor(rate, RATE);
    this.#rate = rate;
    this.#step = rate / shared;
    this.#parts = RATE / shared;
    this.#half = Math.ceil((CROSSINGS * rate) / RATE);
    this.#tables = Array.from({ length: this.#parts }, (_, part) => this.#table(part / this.#parts));
    this.#held = new Float32Array(this.#half - 1);
    this.#at = this.#half - 1;
  }

  /**
   * The output that can be made once these samples are known.
   * @param {Float32Array} samples
   */
  process(samples) {
    const input = new Float32Array(this.#held.length + samples.length);
    input.set(this.#held);
    input.set(samples, this.#held.length);
    /** @type {number[]} */
    const output = [];
    while (this.#at + this.#half < input.length) {
      output.push(this.#sample(input));
      this.#part += this.#step;
      this.#at += Math.floor(this.#part / this.#parts);
      this.#part %= this.#parts;
    }
    const from = Math.min(this.#at - this.#half + 1, input.length);
    this.#held = input.slice(from);
    this.#at -= from;
    return output;
  }

  /** @param {Float32Array} input */
  #sample(input) {
    const table = /** @type {Float32Array} */ (this.#tables[this.#part]);
    const first = this.#at - this.#half + 1;
    let sum = 0;
    for (let tap = 0; tap < table.length; tap += 1) sum += /** @type {number} */ (table[tap]) * /** @type {number} */ (input[first + tap]);
    return sum;
  }

  /** @param {number} offset of the output sample behind an input sample, 0…1 */
  #table(offset) {
    const width = this.#half;
    const cutoff = (PASS * RATE) / this.#rate;
    const table = new Float32Array(2 * width);
    let sum = 0;
    for (let tap = 0; tap < table.length; tap += 1) {
      const distance = tap - width + 1 - offset;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * Math.max(-1, Math.min(1, distance / width))));
      const x = Math.PI * distance * cutoff;
      const value = window * (x === 0 ? 1 : Math.sin(x) / x);
      table[tap] = value;
      sum += value;
    }
    return table.map((value) => value / sum);
  }
}

/**
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
function greatestDivisor(a, b) {
  return b ? greatestDivisor(b, a % b) : a;
}
