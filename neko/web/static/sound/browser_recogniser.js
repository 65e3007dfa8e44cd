/**
 * The browser's own speech recognition (`SpeechRecognition`): words without sending sound to our server. Chrome and Edge send
 * the sound to their makers for it, Safari to Apple or not at all, Firefox has none.
 *
 * A browser ends it by itself after a silence or a minute; it begins again until it is stopped.
 *
 * @typedef {object} Recognition What is used of it; the types of the page do not know it.
 * @property {string} lang
 * @property {boolean} continuous
 * @property {boolean} interimResults
 * @property {() => void} start
 * @property {() => void} stop what was said is still recognised
 * @property {() => void} abort
 * @property {((event: { resultIndex: number, results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }> }) => void) | null} onresult
 * @property {((event: { error: string }) => void) | null} onerror
 * @property {(() => void) | null} onspeechstart
 * @property {(() => void) | null} onend
 * @typedef {"denied" | "none" | "recogniser"} Fault Why it cannot go on: no permission, no microphone, anything else.
 * @typedef {"started" | "partial" | "final" | "rejected"} HeardState
 * @typedef {object} RecogniserHandlers
 * @property {(id: string, state: HeardState, text: string) => void} onHeard `id`: of the utterance
 * @property {(fault: Fault) => void} onFault
 */
import { newId } from "../app/identity.js";

const AGAIN_AFTER_MS = 300;

/** @returns {(new () => Recognition) | null} */
function recognition() {
  const names = ["SpeechRecognition", "webkitSpeechRecognition"];
  for (const name of names) {
    const found = /** @type {unknown} */ (Reflect.get(globalThis, name));
    if (typeof found === "function") return /** @type {new () => Recognition} */ (found);
  }
  return null;
}

/** Has this browser a recogniser? */
export function canRecognise() {
  return recognition() !== null;
}

export class BrowserRecogniser {
  #handlers;
  /** @type {Recognition | null} */
  #recognition = null;
  #language = "";
  #wanted = false;
  #timer = 0;
  /** The utterance that is heard; "" between two. */
  #utterance = "";

  /** @param {RecogniserHandlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** @param {string} language a BCP 47 tag */
  start(language) {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#language = language;
    this.#begin();
  }

  /** Hear nothing more; what was said up to now still becomes words. */
  stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#recognition?.stop();
  }

  /** Hear nothing more, and forget what was being said. */
  close() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    const running = this.#recognition;
    this.#recognition = null;
    if (!running) return;
    running.onresult = running.onerror = running.onend = running.onspeechstart = null;
    running.abort();
    this.#reject();
  }

  #begin() {
    const Recognition = recognition();
    if (!Recognition || this.#recognition) return;
    const running = new Recognition();
    this.#recognition = running;
    running.lang = this.#language;
    running.continuous = true;
    running.interimResults = true;
    running.onspeechstart = () => this.#heard("started", "");
    running.onresult = ({ resultIndex, results }) => {
      let partial = "";
      for (const result of Array.from(results).slice(resultIndex)) {
        const text = result[0]?.transcript.trim() ?? "";
        if (result.isFinal) this.#heard(text ? "final" : "rejected", text);
        else partial += ` ${text}`;
      }
      if (partial.trim()) this.#heard("partial", partial.trim());
    };
    running.onerror = ({ error }) => {
      if (error === "no-speech" || error === "aborted") return;
      this.#wanted = false;
      this.#handlers.onFault(error === "not-allowed" ? "denied" : error === "audio-capture" ? "none" : "recogniser");
    };
    running.onend = () => {
      this.#recognition = null;
      this.#reject();
      if (this.#wanted) this.#timer = setTimeout(() => this.#begin(), AGAIN_AFTER_MS);
    };
    running.start();
  }

  /**
   * @param {HeardState} state
   * @param {string} text
   */
  #heard(state, text) {
    if (!this.#utterance) {
      this.#utterance = newId();
      this.#handlers.onHeard(this.#utterance, "started", "");
    }
    if (state !== "started") this.#handlers.onHeard(this.#utterance, state, text);
    if (state === "final" || state === "rejected") this.#utterance = "";
  }

  #reject() {
    if (this.#utterance) this.#heard("rejected", "");
  }
}
