/**
 * Plays her voice: frames of 48 kHz mono PCM16 as they come, without a gap between them.
 *
 * Frames follow each other on one timeline in the order of their arrival. A pause in the delivery
 * fades out instead of clicking, and the next frame gets a new short lead. While the browser
 * refuses to play before a gesture, the latest half minute is kept and `onBlocked` asks for one.
 */
import { LipSync } from "./lip_sync.js";
import { Run } from "./run.js";
import { Speech } from "./played.js";

export const RATE = 48000;

const LEAD_S = 0.07;
const AHEAD_S = 1.5;
const KEPT_WHILE_BLOCKED_S = 30;
const KEPT_S = 600;
const PATIENCE_MS = 300;
const REMEMBERED = 16;

export class Player {
  #handlers;
  #context;
  #volumeNode = null;
  #lips = null;
  #volume = 1;
  #run = null;
  #waiting = [];
  #waitingSamples = 0;
  #speeches = new Map();
  #blockedTimer = 0;
  #blocked = false;

  /**
   * `onMouth({open, shape})` at each frame while there is sound; `onStart(id)` when its first
   * sample is heard; `onEnd(id)` when its last one has been, or when it was stopped;
   * `onBlocked()` once when a gesture is needed. `context`: an AudioContext to use instead of an own one.
   */
  constructor({ onMouth = () => {}, onStart = () => {}, onEnd = () => {}, onBlocked = () => {}, context = null } = {}) {
    this.#handlers = { onMouth, onStart, onEnd, onBlocked };
    this.#context = context;
    if (context) this.#connect();
  }

  /** To be called from a gesture of the reader. */
  unlock() {
    this.#open();
    if (this.#context.state !== "running") this.#context.resume().then(() => this.#pump(), () => {});
  }

  /** One frame: an ArrayBuffer of 16-bit little-endian samples. A frame of odd length loses its last byte. */
  chunk(speechId, buffer) {
    const count = buffer.byteLength >> 1;
    if (!count) return;
    this.#open();
    const speech = this.#speech(speechId);
    speech.left += 1;
    this.#waiting.push({ speech, samples: floats(buffer, count) });
    this.#waitingSamples += count;
    this.#bound(this.#context.state === "running" ? KEPT_S : KEPT_WHILE_BLOCKED_S);
    if (this.#context.state === "running") this.#pump();
    else this.#askToPlay();
  }

  /** No more frames of this speech will come. */
  end(speechId) {
    const speech = this.#speeches.get(speechId);
    if (!speech) return;
    speech.complete = true;
    this.#finish(speech);
  }

  /** Silence within 20 ms; what was waiting is forgotten. */
  stop() {
    this.#waiting = [];
    this.#waitingSamples = 0;
    this.#run?.stop();
    this.#run = null;
    clearTimeout(this.#blockedTimer);
    this.#blockedTimer = 0;
    this.#lips?.stop();
    for (const speech of this.#speeches.values()) {
      speech.left = 0;
      speech.complete = true;
      this.#finish(speech);
    }
  }

  /** 0…1. At 0 she goes on speaking, unheard. */
  setVolume(volume) {
    this.#volume = Math.min(Math.max(volume, 0), 1);
    this.#volumeNode?.gain.setTargetAtTime(this.#volume ** 1.6, this.#context.currentTime, 0.015);
  }

  /** Is there sound under way? */
  get playing() {
    return this.#waiting.length > 0 || Boolean(this.#run?.sounding);
  }

  /** Milliseconds of this speech that have been played; 0 for an unknown one. */
  playedMs(speechId) {
    return (this.#speeches.get(speechId)?.played() ?? 0) * 1000;
  }

  #open() {
    if (this.#context) return;
    this.#context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.#connect();
  }

  #connect() {
    const context = this.#context;
    this.#volumeNode = new GainNode(context, { gain: this.#volume ** 1.6 });
    this.#volumeNode.connect(context.destination);
    this.#lips = new LipSync(context, this.#handlers.onMouth, () => this.playing);
    context.addEventListener("statechange", () => {
      if (context.state === "running") this.#pump();
    });
  }

  #askToPlay() {
    this.#context.resume().catch(() => {});
    if (this.#blocked || this.#blockedTimer) return;
    this.#blockedTimer = setTimeout(() => {
      this.#blockedTimer = 0;
      if (this.#context.state === "running" || !this.#waiting.length) return;
      this.#blocked = true;
      this.#handlers.onBlocked();
    }, PATIENCE_MS);
  }

  /** Hand over to the timeline what is due within the next moments. */
  #pump() {
    if (this.#context.state !== "running") return;
    this.#blocked = false;
    while (this.#waiting.length && (!this.#run?.open || this.#run.ahead < AHEAD_S)) {
      const { speech, samples } = this.#waiting.shift();
      this.#waitingSamples -= samples.length;
      if (!this.#run?.open) this.#run = this.#newRun();
      this.#run.add(samples, speech, () => this.#after(speech));
      this.#announce(speech);
    }
    if (this.playing) this.#lips.start();
  }

  #newRun() {
    const notBefore = Math.max(this.#context.currentTime + LEAD_S, this.#run?.until ?? 0);
    const run = new Run(this.#context, RATE, notBefore);
    run.output.connect(this.#volumeNode);
    run.output.connect(this.#lips.input);
    return run;
  }

  #announce(speech) {
    if (speech.announced) return;
    speech.announced = true;
    const wait = Math.max(0, speech.startsAt - this.#context.currentTime) * 1000;
    speech.timer = setTimeout(() => this.#heard(speech), wait);
  }

  #heard(speech) {
    clearTimeout(speech.timer);
    if (speech.heard) return;
    speech.heard = true;
    this.#endBefore(speech);
    this.#handlers.onStart(speech.id);
  }

  /** The browser may tell late that the last frame of an earlier speech is over: its end still comes first. */
  #endBefore(speech) {
    for (const earlier of this.#speeches.values()) {
      if (earlier === speech) return;
      if (!earlier.complete || earlier.over || earlier.endsAt > speech.startsAt) continue;
      earlier.left = 0;
      this.#finish(earlier);
    }
  }

  #after(speech) {
    if (speech.left === 0) return;
    speech.left -= 1;
    this.#heard(speech);
    this.#pump();
    this.#finish(speech);
  }

  #finish(speech) {
    if (!speech.complete || speech.left > 0 || speech.over) return;
    speech.over = true;
    clearTimeout(speech.timer);
    if (speech.heard) this.#handlers.onEnd(speech.id);
  }

  #speech(id) {
    const known = this.#speeches.get(id);
    if (known && !known.over) return known;
    this.#speeches.delete(id);
    const speech = new Speech(id, this.#context);
    this.#speeches.set(id, speech);
    for (const [old, { over }] of this.#speeches) {
      if (this.#speeches.size <= REMEMBERED) break;
      if (over) this.#speeches.delete(old);
    }
    return speech;
  }

  #bound(seconds) {
    while (this.#waitingSamples > seconds * RATE && this.#waiting.length > 1) {
      const { speech, samples } = this.#waiting.shift();
      this.#waitingSamples -= samples.length;
      speech.left -= 1;
      this.#finish(speech);
    }
  }
}

function floats(buffer, count) {
  const view = new DataView(buffer);
  const samples = new Float32Array(count);
  for (let at = 0; at < count; at += 1) samples[at] = view.getInt16(at * 2, true) / 32768;
  return samples;
}
