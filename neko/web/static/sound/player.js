/**
 * Plays her voice: frames of 48 kHz mono PCM16 as they come, without a gap between them.
 *
 * Frames follow each other on one timeline in the order of their arrival. A pause in the delivery
 * fades out instead of clicking, and the next frame gets a new short lead. While the browser
 * refuses to play before a gesture, the latest half minute is kept and `onBlocked` asks for one.
 * A pause takes what was not played off the timeline; going on puts it there again, from that very sample.
 */
/**
 * @import { Mouth } from "../avatar/avatar.js"
 * @import { SpeechId } from "./speech_progress.js"
 * @typedef {object} PlayerHandlers
 * @property {(mouth: Mouth) => void} [onMouth] at each frame while there is sound
 * @property {(id: SpeechId) => void} [onStart] its first sample is heard
 * @property {(id: SpeechId) => void} [onEnd] its last sample has been heard, or it was stopped
 * @property {() => void} [onBlocked] once, when a gesture is needed
 * @typedef {{ speech: SpeechProgress, samples: Float32Array<ArrayBuffer> }} Frame
 * @typedef {{ context: AudioContext, volume: GainNode, lips: LipSync }} Output
 */
import { LipSync } from "./lip_sync.js";
import { Run } from "./run.js";
import { SpeechProgress } from "./speech_progress.js";

export const RATE = 48000;

const LEAD_S = 0.07;
/** There is nothing to wait for when what goes on has been received. */
const LEAD_AFTER_PAUSE_S = 0.01;
const AHEAD_S = 1.5;
const KEPT_WHILE_BLOCKED_S = 30;
const KEPT_S = 600;
const PATIENCE_MS = 300;
const REMEMBERED = 16;

export class Player {
  /** @type {Required<PlayerHandlers>} */
  #handlers;
  /** Made at the first need of it. @type {Output | null} */
  #output = null;
  #volume = 1;
  /** @type {Run | null} */
  #run = null;
  /** @type {Frame[]} */
  #waiting = [];
  #waitingSamples = 0;
  /** @type {Map<SpeechId, SpeechProgress>} */
  #speeches = new Map();
  /** @type {number} */
  #blockedTimer = 0;
  #blocked = false;
  #paused = false;

  /**
   * `onMouth({open, shape})` at each frame while there is sound; `onStart(id)` when its first
   * sample is heard; `onEnd(id)` when its last one has been, or when it was stopped;
   * `onBlocked()` once when a gesture is needed. `context`: an AudioContext to use instead of an own one.
   * @param {PlayerHandlers & { context?: AudioContext | null }} options
   */
  constructor({ onMouth = () => {}, onStart = () => {}, onEnd = () => {}, onBlocked = () => {}, context = null } = {}) {
    this.#handlers = { onMouth, onStart, onEnd, onBlocked };
    if (context) this.#connect(context);
  }

  /** To be called from a gesture of the reader. */
  unlock() {
    const { context } = this.#open();
    if (context.state !== "running") context.resume().then(() => this.#pump(), () => {});
  }

  /**
   * One frame: an ArrayBuffer of 16-bit little-endian samples. A frame of odd length loses its last byte.
   * @param {SpeechId} speechId
   * @param {ArrayBuffer} buffer
   */
  chunk(speechId, buffer) {
    const count = buffer.byteLength >> 1;
    if (!count) return;
    const { context } = this.#open();
    const speech = this.#speech(speechId, context);
    speech.framesLeft += 1;
    this.#waiting.push({ speech, samples: floats(buffer, count) });
    this.#waitingSamples += count;
    this.#bound(context.state === "running" ? KEPT_S : KEPT_WHILE_BLOCKED_S);
    if (context.state === "running") this.#pump();
    else this.#askToPlay(context);
  }

  /**
   * No more frames of this speech will come.
   * @param {SpeechId} speechId
   */
  end(speechId) {
    const speech = this.#speeches.get(speechId);
    if (!speech) return;
    speech.allReceived = true;
    this.#endIfDone(speech);
  }

  /** Silence within 20 ms; `resume` goes on where she was. What comes meanwhile waits. */
  pause() {
    if (this.#paused) return;
    this.#paused = true;
    const rest = /** @type {Frame[]} */ (this.#run?.stop() ?? []);
    this.#run = null;
    this.#output?.lips.stop();
    const unplayed = rest.filter(({ samples }) => samples.length);
    this.#waiting.unshift(...unplayed);
    for (const { samples } of unplayed) this.#waitingSamples += samples.length;
    for (const speech of this.#speeches.values()) this.#holdStart(speech);
    for (const { speech, samples } of rest) if (!samples.length) this.#frameEnded(speech);
  }

  /** Go on after a pause. */
  resume() {
    if (!this.#paused) return;
    this.#paused = false;
    this.#pump(LEAD_AFTER_PAUSE_S);
  }

  /** Silence within 20 ms; what was waiting is forgotten. */
  stop() {
    this.#paused = false;
    this.#waiting = [];
    this.#waitingSamples = 0;
    this.#run?.stop();
    this.#run = null;
    clearTimeout(this.#blockedTimer);
    this.#blockedTimer = 0;
    this.#output?.lips.stop();
    for (const speech of this.#speeches.values()) {
      speech.framesLeft = 0;
      speech.allReceived = true;
      this.#endIfDone(speech);
    }
  }

  /**
   * 0…1. At 0 she goes on speaking, unheard.
   * @param {number} volume
   */
  setVolume(volume) {
    this.#volume = Math.min(Math.max(volume, 0), 1);
    this.#output?.volume.gain.setTargetAtTime(this.#volume ** 1.6, this.#output.context.currentTime, 0.015);
  }

  /** Is there sound under way? */
  get playing() {
    return !this.#paused && (this.#waiting.length > 0 || Boolean(this.#run?.sounding));
  }

  /** How much later than its time on the timeline a sample is heard, as far as the browser knows. */
  get latencyMs() {
    return (this.#output?.context.outputLatency || 0) * 1000;
  }

  /** Does the browser let nothing be heard before a gesture, as far as is known? */
  get blocked() {
    return this.#output?.context.state !== "running";
  }

  /**
   * Milliseconds of this speech that have been played, as far as the loudspeaker is known to be; 0 for an unknown one.
   * @param {SpeechId} speechId
   */
  playedMs(speechId) {
    const speech = this.#speeches.get(speechId);
    return speech ? speech.played(this.#paused || speech.hasEnded) * 1000 : 0;
  }

  #open() {
    return this.#output ?? this.#connect(new AudioContext({ sampleRate: RATE, latencyHint: "interactive" }));
  }

  /**
   * @param {AudioContext} context
   * @returns {Output}
   */
  #connect(context) {
    const volume = new GainNode(context, { gain: this.#volume ** 1.6 });
    volume.connect(context.destination);
    const lips = new LipSync(context, this.#handlers.onMouth, () => this.playing);
    context.addEventListener("statechange", () => {
      if (context.state === "running") this.#pump();
    });
    this.#output = { context, volume, lips };
    return this.#output;
  }

  /** @param {AudioContext} context */
  #askToPlay(context) {
    context.resume().catch(() => {});
    if (this.#blocked || this.#blockedTimer) return;
    this.#blockedTimer = setTimeout(() => {
      this.#blockedTimer = 0;
      if (context.state === "running" || !this.#waiting.length) return;
      this.#blocked = true;
      this.#handlers.onBlocked();
    }, PATIENCE_MS);
  }

  /** Hand over to the timeline what is due within the next moments. */
  #pump(lead = LEAD_S) {
    const output = this.#output;
    if (this.#paused || output?.context.state !== "running") return;
    this.#blocked = false;
    while (!this.#run?.open || this.#run.ahead < AHEAD_S) {
      const frame = this.#waiting.shift();
      if (!frame) break;
      const { speech, samples } = frame;
      this.#waitingSamples -= samples.length;
      if (!this.#run?.open) this.#run = this.#newRun(output, lead);
      this.#run.add(samples, speech, () => this.#frameEnded(speech));
      this.#scheduleStart(speech, output.context.currentTime);
    }
    if (this.playing) output.lips.start();
  }

  /**
   * @param {Output} output
   * @param {number} lead
   */
  #newRun({ context, volume, lips }, lead) {
    const notBefore = Math.max(context.currentTime + lead, this.#run?.until ?? 0);
    const run = new Run(context, RATE, notBefore);
    run.output.connect(volume);
    run.output.connect(lips.input);
    return run;
  }

  /**
   * @param {SpeechProgress} speech
   * @param {number} now
   */
  #scheduleStart(speech, now) {
    if (speech.isScheduled) return;
    speech.isScheduled = true;
    const wait = Math.max(0, speech.startsAt - now) * 1000;
    speech.timer = setTimeout(() => this.#start(speech), wait);
  }

  /**
   * What has not begun to be heard begins after the pause.
   * @param {SpeechProgress} speech
   */
  #holdStart(speech) {
    if (!speech.isScheduled || speech.hasStarted) return;
    if (speech.played(true) > 0) {
      this.#start(speech);
      return;
    }
    clearTimeout(speech.timer);
    speech.isScheduled = false;
  }

  /** @param {SpeechProgress} speech */
  #start(speech) {
    clearTimeout(speech.timer);
    if (speech.hasStarted) return;
    speech.hasStarted = true;
    this.#endBefore(speech);
    this.#handlers.onStart(speech.id);
  }

  /**
   * The browser may tell late that the last frame of an earlier speech is over: its end still comes first.
   * @param {SpeechProgress} speech
   */
  #endBefore(speech) {
    for (const earlier of this.#speeches.values()) {
      if (earlier === speech) return;
      if (!earlier.allReceived || earlier.hasEnded || earlier.endsAt > speech.startsAt) continue;
      earlier.framesLeft = 0;
      this.#endIfDone(earlier);
    }
  }

  /** @param {SpeechProgress} speech */
  #frameEnded(speech) {
    if (speech.framesLeft === 0) return;
    speech.framesLeft -= 1;
    this.#start(speech);
    this.#pump();
    this.#endIfDone(speech);
  }

  /** @param {SpeechProgress} speech */
  #endIfDone(speech) {
    if (!speech.allReceived || speech.framesLeft > 0 || speech.hasEnded) return;
    speech.hasEnded = true;
    clearTimeout(speech.timer);
    if (speech.hasStarted) this.#handlers.onEnd(speech.id);
  }

  /**
   * @param {SpeechId} id
   * @param {AudioContext} context
   */
  #speech(id, context) {
    const earlier = this.#speeches.get(id);
    if (earlier && !earlier.hasEnded) return earlier;
    this.#speeches.delete(id);
    const speech = new SpeechProgress(id, context);
    this.#speeches.set(id, speech);
    for (const [old, { hasEnded }] of this.#speeches) {
      if (this.#speeches.size <= REMEMBERED) break;
      if (hasEnded) this.#speeches.delete(old);
    }
    return speech;
  }

  /** @param {number} seconds */
  #bound(seconds) {
    while (this.#waitingSamples > seconds * RATE && this.#waiting.length > 1) {
      const frame = this.#waiting.shift();
      if (!frame) return;
      const { speech, samples } = frame;
      this.#waitingSamples -= samples.length;
      speech.framesLeft -= 1;
      this.#endIfDone(speech);
    }
  }
}

/**
 * @param {ArrayBuffer} buffer
 * @param {number} count
 */
function floats(buffer, count) {
  const view = new DataView(buffer);
  const samples = new Float32Array(count);
  for (let at = 0; at < count; at += 1) samples[at] = view.getInt16(at * 2, true) / 32768;
  return samples;
}
