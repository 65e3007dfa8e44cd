/**
 * @typedef {Pick<import("./speech_progress.js").SpeechProgress, "put" | "cut">} Scheduled What is told when its sound plays and when it is cut.
 * @typedef {{ speech: Scheduled, samples: Float32Array<ArrayBuffer>, start: number }} Placed A frame, and when it plays, in
 *   seconds of the context's clock.
 */

const FADE_IN_S = 0.006;
const FADE_OUT_S = 0.008;
const SILENCE_S = 0.012;
/** Later than this before its end a run cannot be continued any more. */
const MARGIN_S = 0.004;

/**
 * Frames that follow each other without a gap, to the sample. A run always ends in a fade; adding
 * a frame in time moves the fade to the new end. Once the fade has begun the run is closed.
 */
export class Run {
  /** @type {BaseAudioContext} */
  #context;
  /** @type {number} */
  #rate;
  /** @type {number} */
  #start;
  #samples = 0;
  /** @type {Map<AudioBufferSourceNode, Placed>} */
  #sources = new Map();
  #stopped = false;
  /** @type {GainNode} */
  output;

  /**
   * `notBefore`: seconds of the context's clock.
   * @param {BaseAudioContext} context
   * @param {number} rate of the frames, in Hz
   * @param {number} notBefore
   */
  constructor(context, rate, notBefore) {
    this.#context = context;
    this.#rate = rate;
    this.#start = Math.ceil(notBefore * context.sampleRate) / context.sampleRate;
    this.output = new GainNode(context, { gain: 0 });
    this.output.gain.setValueAtTime(0, this.#start);
    this.output.gain.linearRampToValueAtTime(1, this.#start + FADE_IN_S);
  }

  /** When its last sample is over, in seconds of the context's clock. */
  get until() {
    return this.#start + this.#samples / this.#rate;
  }

  /** Can a frame still be added? */
  get open() {
    return !this.#stopped && (!this.#samples || this.#context.currentTime < this.until - FADE_OUT_S - MARGIN_S);
  }

  /** Seconds of sound still to be heard. */
  get ahead() {
    return this.until - this.#context.currentTime;
  }

  get sounding() {
    return this.#sources.size > 0;
  }

  /**
   * Append one frame. `speech` is told when it plays; `onOver` is called when it has been.
   * @param {Float32Array<ArrayBuffer>} samples
   * @param {Scheduled} speech
   * @param {() => void} onOver
   */
  add(samples, speech, onOver) {
    const { gain } = this.output;
    if (this.#samples) gain.cancelScheduledValues(this.#fadeStart());
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: this.#rate, numberOfChannels: 1 });
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.output);
    const start = this.until;
    source.start(start);
    speech.put(start, samples.length / this.#rate);
    this.#sources.set(source, { speech, samples, start });
    source.addEventListener("ended", () => {
      if (!this.#sources.delete(source)) return;
      if (!this.#sources.size && !this.open) this.output.disconnect();
      onOver();
    });
    this.#samples += samples.length;
    gain.setValueAtTime(1, this.#fadeStart());
    gain.linearRampToValueAtTime(0, this.until);
  }

  /**
   * Fall silent now. Nothing that was added is reported any more; returned is, of each frame that was not known to be
   * over, what has not been played: nothing, some or all of it.
   */
  stop() {
    const now = this.#context.currentTime;
    const end = Math.ceil((now + SILENCE_S) * this.#context.sampleRate) / this.#context.sampleRate;
    this.#stopped = true;
    const { gain } = this.output;
    if (gain.cancelAndHoldAtTime) gain.cancelAndHoldAtTime(now);
    else gain.cancelScheduledValues(now);
    gain.setTargetAtTime(0, now, SILENCE_S / 4);
    const sources = [...this.#sources.keys()];
    const placed = [...this.#sources.values()];
    for (const speech of new Set(placed.map((frame) => frame.speech))) speech.cut(end);
    this.#sources.clear();
    for (const source of sources) source.stop(end);
    const last = sources.at(-1);
    if (last) last.addEventListener("ended", () => this.output.disconnect());
    else this.output.disconnect();
    return placed.map(({ speech, samples, start }) => ({ speech, samples: samples.subarray(Math.max(0, Math.round((end - start) * this.#rate))) }));
  }

  #fadeStart() {
    return Math.max(this.until - FADE_OUT_S, this.#start + FADE_IN_S);
  }
}
