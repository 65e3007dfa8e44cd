/**
 * Her voice in this page: which sound belongs to which reply, and what may be heard.
 *
 * A chunk of the reply that was interrupted is skipped; a chunk of any other reply becomes the
 * current one (websocket contract, gating by speech_id). The server is told how much of it has been heard, unless the
 * sound is off: then she is read.
 *
 * @import { Mouth } from "../avatar/avatar.js"
 * @import { SpeechId } from "../sound/speech_progress.js"
 * @typedef {"playing" | "paused" | "ended"} Playback
 */
import { BrowserVoice } from "../sound/browser_voice.js";
import { Player } from "../sound/player.js";
import { Emitter } from "./emitter.js";
import { recall, remember } from "./preferences.js";

const REPORT_EVERY_MS = 250;
/** Whoever pauses her says within this time whether she may go on. */
const LONGEST_PAUSE_MS = 10_000;
const SAMPLE = "sample";
/** Opening the sound takes a browser up to a tenth of a second: the first key is shown before. Still counts as the gesture (WebKit: one second). */
const AFTER_GESTURE_MS = 150;

/**
 * Events: `mouth` at each frame while she speaks; `speaking` when she begins and ends to be heard;
 * `blocked` when the browser wants a gesture first; `playback` how much of a reply has been heard;
 * `first` when its first sound is heard, with the milliseconds since that arrived.
 * @extends {Emitter<{
 *   mouth: [mouth: Mouth], speaking: [speaking: boolean], blocked: [], playback: [id: string, playedMs: number, state: Playback],
 *   first: [id: string, late: number],
 * }>}
 */
export class SpeechOutput extends Emitter {
  #player;
  /** @type {BrowserVoice} */
  #voice;
  /** @type {SpeechId} */
  #current = null;
  /** @type {SpeechId} */
  #interrupted = null;
  #skip = false;
  /** How often silence was wanted: who prepares sound for later looks whether it still is welcome. */
  stops = 0;
  /** The replies that are heard now. @type {Set<SpeechId>} */
  #speaking = new Set();
  #ticker = 0;
  /** When the first sound of the current reply arrived. */
  #arrived = 0;
  /** Not 0 while she is paused. */
  #pauseTimer = 0;
  /** Tells whoever waits for the end of a sample. @type {(() => void) | null} */
  #sampleOver = null;

  constructor() {
    super();
    const handlers = {
      onMouth: (/** @type {Mouth} */ mouth) => this.emit("mouth", mouth),
      onStart: (/** @type {SpeechId} */ id) => this.#began(id),
      onEnd: (/** @type {SpeechId} */ id) => this.#ended(id),
    };
    this.#player = new Player({ ...handlers, onBlocked: () => this.emit("blocked") });
    this.#voice = new BrowserVoice(handlers);
    this.#player.setVolume(this.loudness);
    const unlock = () => setTimeout(() => this.#player.unlock(), AFTER_GESTURE_MS);
    document.addEventListener("pointerdown", unlock, { capture: true });
    document.addEventListener("keydown", unlock, { capture: true });
  }

  get volume() {
    return recall("volume", 0.8);
  }

  /** The name of the voice that the reader chose among those of this browser, "" for the one that fits best. */
  get browserVoice() {
    return recall("browserVoice", "");
  }

  /** @param {string} name */
  chooseBrowserVoice(name) {
    remember("browserVoice", name);
  }

  get muted() {
    return recall("muted", false);
  }

  get loudness() {
    return this.muted ? 0 : this.volume;
  }

  get speaking() {
    return this.#speaking.size > 0;
  }

  /** @param {number} volume */
  setVolume(volume) {
    remember("volume", volume);
    remember("muted", volume === 0);
    this.#player.setVolume(volume);
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    remember("muted", muted);
    if (!muted && this.volume === 0) remember("volume", 0.8);
    this.#player.setVolume(this.loudness);
    if (muted) this.#voice.stop();
  }

  unlock() {
    this.#player.unlock();
  }

  /** @param {SpeechId} id */
  header(id) {
    if (id !== null && id === this.#interrupted) {
      this.#skip = true;
      return;
    }
    if (id !== this.#current) {
      this.completeCurrent();
      this.#current = id;
      this.#arrived = performance.now();
      this.#interrupted = null;
      if (!this.#player.blocked) this.#report(id, this.#pauseTimer ? "paused" : "playing");
    }
    this.#skip = false;
  }

  /** Hold her at once: somebody may have begun to speak. */
  pause() {
    if (this.#pauseTimer) return;
    this.#pauseTimer = setTimeout(() => this.resume(), LONGEST_PAUSE_MS);
    this.#player.pause();
    this.#voice.pause();
    for (const id of this.#speaking) this.#report(id, "paused");
  }

  /** It was nothing: she goes on where she was. */
  resume() {
    if (!this.#pauseTimer) return;
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = 0;
    this.#player.resume();
    this.#voice.resume();
    for (const id of this.#speaking) this.#report(id, "playing");
  }

  /** @param {ArrayBuffer} pcm */
  sound(pcm) {
    if (this.#skip || pcm.byteLength < 4 || pcm.byteLength % 2) return;
    this.#player.chunk(this.#current, pcm);
  }

  /**
   * All sound of this reply has arrived.
   * @param {SpeechId} id
   */
  complete(id) {
    if (id !== this.#interrupted) this.#player.end(id);
  }

  /** Nothing more comes of what was said last; its end may have been lost with the line. */
  completeCurrent() {
    this.complete(this.#current);
  }

  /**
   * A sentence for the browser's own voice.
   * @param {SpeechId} id
   * @param {string} text
   * @param {string} language
   * @param {{ rate: number, pitch: number }} tuning
   */
  speak(id, text, language, tuning) {
    if (id !== null && id === this.#interrupted) return;
    if (id !== this.#current) this.#arrived = performance.now();
    this.#current = id;
    if (!this.muted) this.#voice.speak(id, text, language, { ...tuning, voice: this.browserVoice });
  }

  /**
   * Speak a sample of the browser's own voice, in the one of this name or the one that was chosen. Resolves when it is over.
   * @param {string} text
   * @param {string} language
   * @param {{ rate: number, pitch: number, voice?: string }} [tuning]
   * @returns {Promise<void>}
   */
  sample(text, language, { rate, pitch, voice = this.browserVoice } = { rate: 1, pitch: 0 }) {
    this.stop();
    const over = this.#untilSampleIsOver();
    this.#voice.speak(SAMPLE, text, language, { rate, pitch, voice });
    return over;
  }

  /**
   * Play a sample: PCM16 mono 48 kHz. Resolves when it is over.
   * @param {ArrayBuffer} pcm
   * @returns {Promise<void>}
   */
  playSample(pcm) {
    this.stop();
    const over = this.#untilSampleIsOver();
    this.#player.chunk(SAMPLE, pcm);
    this.#player.end(SAMPLE);
    return over;
  }

  stopSample() {
    if (this.#sampleOver) this.stop();
  }

  #untilSampleIsOver() {
    /** @type {PromiseWithResolvers<void>} */
    const { promise, resolve } = Promise.withResolvers();
    this.#sampleOver = resolve;
    return promise;
  }

  #endSample() {
    this.#sampleOver?.();
    this.#sampleOver = null;
  }

  /**
   * The server began a new turn: drop all sound; more of `id` is not wanted.
   * @param {SpeechId} id
   */
  interrupt(id) {
    this.#silence();
    this.#interrupted = id;
    this.#skip = false;
  }

  /** The reader wants silence: drop all sound and what is still to come of it. */
  stop() {
    this.stops += 1;
    this.#silence();
    this.#interrupted = this.#current;
    this.#skip = true;
  }

  #silence() {
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = 0;
    const cut = [...this.#speaking];
    this.#speaking.clear();
    this.#player.stop();
    this.#voice.stop();
    this.#endSample();
    for (const id of cut) this.#report(id, "ended");
    if (cut.length) this.#speakingChanged();
  }

  /** @param {SpeechId} id */
  #began(id) {
    this.#speaking.add(id);
    if (id !== null && id === this.#current) this.emit("first", id, performance.now() - this.#arrived + this.#player.latencyMs);
    this.#report(id, "playing");
    this.#speakingChanged();
  }

  /** @param {SpeechId} id */
  #ended(id) {
    if (id === SAMPLE) this.#endSample();
    if (!this.#speaking.delete(id)) return;
    this.#report(id, "ended");
    if (!this.#speaking.size) this.#speakingChanged();
  }

  #speakingChanged() {
    clearInterval(this.#ticker);
    if (this.speaking) {
      this.#ticker = setInterval(() => {
        if (!this.#pauseTimer) for (const id of this.#speaking) this.#report(id, "playing");
      }, REPORT_EVERY_MS);
    }
    this.emit("speaking", this.speaking);
  }

  /**
   * @param {SpeechId} id
   * @param {Playback} state
   */
  #report(id, state) {
    if (id === null || id === SAMPLE || this.loudness === 0) return;
    this.emit("playback", id, Math.round(Math.max(this.#player.playedMs(id), this.#voice.playedMs(id))), state);
  }
}
