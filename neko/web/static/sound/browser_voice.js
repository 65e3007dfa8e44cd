/**
 * Speaks with a voice of the reader's own system (`speechSynthesis`).
 *
 * Sentences of one speech are spoken one after the other; `onStart(id)` comes with the first,
 * `onEnd(id)` when none is left. The mouth is led by word boundaries and a timer, since the
 * page cannot hear this voice. Without a voice, or when the browser keeps silent, the speech ends
 * by itself: nothing waits for it. After a pause she goes on with the word she was at, as an utterance of its own: the pause
 * of `speechSynthesis` ends it on Android, and never ends for some voices.
 *
 * @import { Mouth, Vowel } from "../avatar/avatar.js"
 * @import { SpeechId } from "./speech_progress.js"
 * @typedef {{ rate: number, pitch: number, voice: string }} Manner 1 is normal speed; semitones; the name of a voice, "" for the one that fits best.
 * @typedef {object} Utterance
 * @property {SpeechId} id
 * @property {string} text
 * @property {string} language
 * @property {Manner} manner
 * @property {number} [at] where the word begins that is being spoken
 * @property {SpeechSynthesisUtterance} [spoken] held here, else a browser may collect it and its events with it
 */
import { closedMouth } from "./visemes.js";

/** @type {Manner} */
const USUAL = { rate: 1, pitch: 0, voice: "" };

const START_PATIENCE_MS = 4000;
const LONGEST_PER_CHARACTER_MS = 450;
const TICK_MS = 60;
/** @type {[Vowel, ...Vowel[]]} */
const VOWELS = ["a", "e", "o", "i", "u"];

export class BrowserVoice {
  /** @type {SpeechSynthesis | null} */
  #synth = globalThis.speechSynthesis ?? null;
  /** @type {Utterance[]} */
  #queue = [];
  /** @type {Utterance | null} */
  #current = null;
  /** @type {Set<SpeechId>} */
  #started = new Set();
  #voiceless = false;
  #paused = false;
  /** Milliseconds for which each speech has been heard before `#since`. @type {Map<SpeechId, number>} */
  #spent = new Map();
  /** When the utterance that is spoken began to be. */
  #since = 0;
  /** @type {number} */
  #guard = 0;
  /** @type {number} */
  #ticker = 0;
  #syllable = 0;
  #energy = 0;

  /** @param {{ onStart?: (id: SpeechId) => void, onEnd?: (id: SpeechId) => void, onMouth?: (mouth: Mouth) => void }} handlers */
  constructor({ onStart = () => {}, onEnd = () => {}, onMouth = () => {} } = {}) {
    this.onStart = onStart;
    this.onEnd = onEnd;
    this.onMouth = onMouth;
  }

  /** Is there any voice that could speak? Browsers may learn of their voices late. */
  get available() {
    return Boolean(this.#synth?.getVoices().length);
  }

  /**
   * @param {SpeechId} speechId
   * @param {string} text
   * @param {string} language
   * @param {Manner} [manner]
   */
  speak(speechId, text, language, manner = USUAL) {
    if (!text.trim()) return;
    this.#queue.push({ id: speechId, text, language, manner });
    this.#next();
  }

  /** Be silent at once; `resume` goes on. */
  pause() {
    if (this.#paused) return;
    this.#paused = true;
    const piece = this.#current;
    if (piece) {
      this.#count(piece);
      this.#current = null;
      this.#queue.unshift({ ...piece, text: piece.text.slice(piece.at), at: 0 });
    }
    this.#rest();
    this.#synth?.cancel();
  }

  resume() {
    if (!this.#paused) return;
    this.#paused = false;
    this.#next();
  }

  /**
   * Milliseconds for which this speech has been heard.
   * @param {SpeechId} id
   */
  playedMs(id) {
    const running = this.#since && this.#current?.id === id ? performance.now() - this.#since : 0;
    return (this.#spent.get(id) ?? 0) + running;
  }

  /** Be silent at once and forget what was to be said. */
  stop() {
    const ids = new Set(this.#queue.map(({ id }) => id));
    if (this.#current) ids.add(this.#current.id);
    if (this.#current) this.#count(this.#current);
    this.#queue = [];
    this.#current = null;
    this.#paused = false;
    this.#rest();
    this.#synth?.cancel();
    for (const id of ids) this.#report(id);
  }

  #next() {
    if (this.#current || this.#paused) return;
    const piece = this.#queue.shift();
    if (!piece) return;
    this.#current = piece;
    if (!this.#synth || (this.#voiceless && !this.available)) {
      this.#guard = setTimeout(() => this.#over(piece), 0);
      return;
    }
    const utterance = new SpeechSynthesisUtterance(piece.text);
    const voice = chooseVoice(this.#synth.getVoices(), piece.language, piece.manner.voice);
    utterance.lang = voice?.lang ?? piece.language;
    if (voice) utterance.voice = voice;
    utterance.rate = piece.manner.rate;
    utterance.pitch = Math.min(2, 2 ** (piece.manner.pitch / 12));
    utterance.onstart = () => this.#begin(piece);
    utterance.onboundary = ({ charIndex }) => this.#accent(piece, charIndex);
    utterance.onend = () => this.#over(piece);
    utterance.onerror = () => this.#over(piece);
    piece.spoken = utterance;
    this.#guard = setTimeout(() => this.#over(piece), START_PATIENCE_MS);
    this.#synth.speak(utterance);
  }

  /** @param {Utterance} piece */
  #begin(piece) {
    if (piece !== this.#current) return;
    clearTimeout(this.#guard);
    this.#since = performance.now();
    const longest = START_PATIENCE_MS + piece.text.length * LONGEST_PER_CHARACTER_MS;
    this.#guard = setTimeout(() => this.#over(piece), longest);
    if (!this.#started.has(piece.id)) {
      this.#started.add(piece.id);
      this.onStart(piece.id);
    }
    this.#energy = 1;
    this.#ticker ||= setInterval(() => this.#tick(), TICK_MS);
  }

  /** @param {Utterance} piece */
  #over(piece) {
    if (piece !== this.#current) return;
    const silent = !this.#started.has(piece.id);
    this.#count(piece);
    this.#current = null;
    this.#rest();
    if (silent) {
      this.#voiceless = !this.available;
      this.#synth?.cancel();
    }
    if (!this.#queue.some(({ id }) => id === piece.id)) this.#report(piece.id);
    this.#next();
  }

  /** @param {SpeechId} id */
  #report(id) {
    this.#started.delete(id);
    this.onEnd(id);
  }

  /**
   * @param {Utterance} piece
   * @param {number} at
   */
  #accent(piece, at) {
    if (piece !== this.#current) return;
    this.#energy = 1;
    piece.at = at;
  }

  /**
   * This is not spoken any more.
   * @param {Utterance} piece
   */
  #count({ id }) {
    const spent = this.playedMs(id);
    this.#since = 0;
    if (!this.#spent.has(id)) this.#spent.clear(); // one speech at a time
    this.#spent.set(id, spent);
  }

  #tick() {
    this.#syllable += TICK_MS / 190;
    this.#energy += (0.72 - this.#energy) * 0.12;
    const beat = Math.abs(Math.sin(this.#syllable * Math.PI));
    const at = Math.floor(this.#syllable);
    const shape = { a: 0, i: 0, u: 0, e: 0, o: 0 };
    shape[VOWELS[(at * 7 + (at >> 2) * 3) % VOWELS.length] ?? VOWELS[0]] = 1;
    this.onMouth({ open: this.#energy * (0.12 + 0.75 * beat), shape });
  }

  #rest() {
    clearTimeout(this.#guard);
    this.#guard = 0;
    if (!this.#ticker) return;
    clearInterval(this.#ticker);
    this.#ticker = 0;
    this.onMouth(closedMouth());
  }
}

/**
 * The voice that fits a language best: the one that was chosen, if it speaks it; the same region, on this machine, a
 * natural one; else undefined.
 * @template {Pick<SpeechSynthesisVoice, "lang" | "name" | "localService" | "default">} T
 * @param {T[]} voices
 * @param {string} language
 * @param {string} [chosen] a voice's name
 * @returns {T | undefined}
 */
export function chooseVoice(voices, language, chosen = "") {
  const wanted = language.replace("_", "-").toLowerCase();
  const [base] = wanted.split("-");
  /** @type {T | undefined} */
  let best;
  let most = 0;
  for (const voice of voices) {
    const tag = voice.lang.replace("_", "-").toLowerCase();
    if (tag.split("-")[0] !== base) continue;
    if (voice.name === chosen) return voice;
    const score =
      10 + (tag === wanted ? 8 : 0) + (voice.localService ? 3 : 0) + (/natural|premium|enhanced|neural/i.test(voice.name) ? 4 : 0) + (voice.default ? 1 : 0);
    if (score > most) {
      best = voice;
      most = score;
    }
  }
  return best;
}
