/** On the audio thread: hands on all samples that come, in order, with the moment when they were all there. */
/**
 * @typedef {object} AudioThread
 * @property {new () => { port: MessagePort }} AudioWorkletProcessor
 * @property {(name: string, processor: new () => object) => void} registerProcessor
 */
const thread = /** @type {AudioThread} */ (/** @type {unknown} */ (globalThis));
const QUANTUM = 128;
const BLOCK = 4 * QUANTUM;

class Recorder extends thread.AudioWorkletProcessor {
  #samples = new Float32Array(BLOCK);
  #filled = 0;

  /** @param {Float32Array[][]} inputs one; no channel while nothing comes */
  process(inputs) {
    this.#samples.set(inputs[0]?.[0] ?? new Float32Array(QUANTUM), this.#filled);
    this.#filled += QUANTUM;
    if (this.#filled === BLOCK) {
      this.port.postMessage({ at: Date.now(), samples: this.#samples });
      this.#filled = 0;
    }
    return true;
  }
}

thread.registerProcessor("recorder", Recorder);
