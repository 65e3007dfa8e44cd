/**
 * Her voice in this page: which sound belongs to which reply, and what may be heard.
 *
 * A chunk of the reply that was interrupted is skipped; a chunk of any other reply becomes the
 * current one (websocket contract, gating by speech_id).
 */
import { BrowserVoice } from "../sound/browser_voice.js";
import { Player } from "../sound/player.js";
import { recall, remember } from "./preferences.js";

export class Speech {
  #handlers;
  #player;
  #voice = new BrowserVoice();
  #current = null;
  #interrupted = null;
  #skip = false;
  /** How often silence was wanted: who prepares sound for later looks whether it still is welcome. */
  hushed = 0;
  /** The replies that are heard now. */
  #speaking = new Set();

  /** Handlers: onMouth(mouth), onSpeaking(bool), onBlocked(). */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#player = new Player({
      onMouth: handlers.onMouth,
      onStart: (id) => this.#began(id),
      onEnd: (id) => this.#ended(id),
      onBlocked: handlers.onBlocked,
    });
    this.#voice.onMouth = handlers.onMouth;
    this.#voice.onStart = (id) => this.#began(id);
    this.#voice.onEnd = (id) => this.#ended(id);
    this.#player.setVolume(this.loudness);
    const unlock = () => this.#player.unlock();
    document.addEventListener("pointerdown", unlock, { capture: true });
    document.addEventListener("keydown", unlock, { capture: true });
  }

  get volume() {
    return recall("volume", 0.8);
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

  setVolume(volume) {
    remember("volume", volume);
    remember("muted", volume === 0);
    this.#player.setVolume(volume);
  }

  setMuted(muted) {
    remember("muted", muted);
    if (!muted && this.volume === 0) remember("volume", 0.8);
    this.#player.setVolume(this.loudness);
    if (muted) this.#voice.stop();
  }

  unlock() {
    this.#player.unlock();
  }

  header(id) {
    if (id !== null && id === this.#interrupted) {
      this.#skip = true;
      return;
    }
    if (id !== this.#current) {
      this.#current = id;
      this.#interrupted = null;
    }
    this.#skip = false;
  }

  sound(pcm) {
    if (this.#skip || pcm.byteLength < 4 || pcm.byteLength % 2) return;
    this.#player.chunk(this.#current, pcm);
  }

  /** All sound of this reply has arrived. */
  complete(id) {
    if (id !== this.#interrupted) this.#player.end(id);
  }

  /** A sentence for the browser's own voice. */
  say(id, text, language) {
    if (id !== null && id === this.#interrupted) return;
    this.#current = id;
    if (!this.muted) this.#voice.speak(id, text, language);
  }

  /** Speak a sample of the browser's own voice. */
  sample(text, language) {
    this.#voice.speak("sample", text, language);
  }

  /** Play a sample: PCM16 mono 48 kHz. */
  playSample(pcm) {
    this.hush();
    this.#player.chunk("sample", pcm);
    this.#player.end("sample");
  }

  /** The server began a new turn: drop all sound; more of `id` is not wanted. */
  interrupt(id) {
    this.#silence();
    this.#interrupted = id ?? null;
    this.#skip = false;
  }

  /** The reader wants silence: drop all sound and what is still to come of it. */
  hush() {
    this.hushed += 1;
    this.#silence();
    this.#interrupted = this.#current;
    this.#skip = true;
  }

  #silence() {
    const cut = this.#speaking.size > 0;
    this.#speaking.clear();
    this.#player.stop();
    this.#voice.stop();
    if (cut) this.#handlers.onSpeaking(false);
  }

  #began(id) {
    this.#speaking.add(id);
    this.#handlers.onSpeaking(true);
  }

  #ended(id) {
    if (this.#speaking.delete(id) && !this.#speaking.size) this.#handlers.onSpeaking(false);
  }
}
