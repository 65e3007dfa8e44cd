/** @import { Mouth } from "../avatar/avatar.js" */
import { closedMouth, FFT_SIZE, MouthFollower } from "./visemes.js";

const LONGEST_DELAY_S = 0.6;
/** The analyser's window and the follower are about this late by themselves. */
const OWN_DELAY_S = 0.03;
const LAST_SAMPLES = 1024;

/** Listens to what is really playing, before the volume, and tells the mouth at each frame of the screen. */
export class LipSync {
  /** @type {AudioContext} */
  #context;
  /** @type {(mouth: Mouth) => void} */
  #onMouth;
  /** @type {() => boolean} */
  #goesOn;
  /** @type {DelayNode} */
  #delay;
  /** @type {AnalyserNode} */
  #analyser;
  #follower = new MouthFollower();
  #samples = new Float32Array(FFT_SIZE);
  #spectrum = new Float32Array(FFT_SIZE / 2);
  #request = 0;
  #last = 0;

  /**
   * `onMouth({open, shape})`; `goesOn()`: is there, or will there be, anything to hear?
   * @param {AudioContext} context
   * @param {(mouth: Mouth) => void} onMouth
   * @param {() => boolean} goesOn
   */
  constructor(context, onMouth, goesOn) {
    this.#context = context;
    this.#onMouth = onMouth;
    this.#goesOn = goesOn;
    this.#delay = new DelayNode(context, { maxDelayTime: LONGEST_DELAY_S });
    this.#analyser = new AnalyserNode(context, { fftSize: FFT_SIZE, smoothingTimeConstant: 0 });
    this.#delay.connect(this.#analyser);
  }

  /** Connect here what shall move the mouth. */
  get input() {
    return this.#delay;
  }

  start() {
    if (this.#request) return;
    const late = (this.#context.outputLatency || 0) - OWN_DELAY_S;
    this.#delay.delayTime.value = Math.min(Math.max(late, 0), LONGEST_DELAY_S);
    this.#last = performance.now();
    this.#request = requestAnimationFrame((now) => this.#frame(now));
  }

  /** Shut the mouth now. */
  stop() {
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    this.#follower.reset();
    this.#onMouth(closedMouth());
  }

  /** @param {number} now */
  #frame(now) {
    const dt = Math.min(Math.max(now - this.#last, 1) / 1000, 0.1);
    this.#last = now;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    this.#analyser.getFloatFrequencyData(this.#spectrum);
    const latest = this.#samples.subarray(FFT_SIZE - LAST_SAMPLES);
    const mouth = this.#follower.step(latest, this.#spectrum, this.#context.sampleRate / FFT_SIZE, dt);
    if (mouth.open === 0 && !this.#goesOn()) {
      this.stop();
      return;
    }
    this.#onMouth(mouth);
    this.#request = requestAnimationFrame((time) => this.#frame(time));
  }
}
