/**
 * On the audio thread: what the microphone hears, as frames of 20 ms of 16 kHz mono PCM16.
 *
 * Each frame goes to the page as an ArrayBuffer of 640 bytes, little-endian on every machine that has a browser.
 */
import { Downsampler, RATE } from "./downsampler.js";

/**
 * What only this thread has; the types of the page do not know it.
 * @typedef {object} AudioThread
 * @property {number} sampleRate
 * @property {new () => { port: MessagePort }} AudioWorkletProcessor
 * @property {(name: string, processor: new () => object) => void} registerProcessor
 */
const { sampleRate, AudioWorkletProcessor, registerProcessor } = /** @type {AudioThread} */ (/** @type {unknown} */ (globalThis));

const FRAME = RATE / 50;

class Capture extends AudioWorkletProcessor {
  #downsampler = new Downsampler(sampleRate);
  #frame = new Int16Array(FRAME);
  #filled = 0;

  /** @param {Float32Array[][]} inputs one, its channels mixed into one; none while nothing is connected */
  process(inputs) {
    const samples = inputs[0]?.[0];
    if (samples) for (const sample of this.#downsampler.process(samples)) this.#take(sample);
    return true;
  }

  /** @param {number} sample */
  #take(sample) {
    this.#frame[this.#filled] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
    this.#filled += 1;
    if (this.#filled < FRAME) return;
    this.port.postMessage(this.#frame.buffer, [this.#frame.buffer]);
    this.#frame = new Int16Array(FRAME);
    this.#filled = 0;
  }
}

registerProcessor("capture", Capture);
