/**
 * What she waits for, beside the three dots: said by the server, or after a while that there is no word yet, and for
 * how long. It is gone with the first word.
 */
import { onLanguage, t } from "./i18n.js";

const QUIET_S = 8;

export class Waiting {
  #show;
  #began = 0;
  #timer = 0;
  /** What the server has said. */
  #told = "";
  /** When that stops being true, by `performance.now()`. */
  #until = 0;

  /** @param {(words: string, time: string) => void} show "" for nothing */
  constructor(show) {
    this.#show = show;
    onLanguage(() => this.#draw());
  }

  /** @param {boolean} waits for the first word of a reply */
  set(waits) {
    if (waits === this.#timer > 0) return;
    if (waits) {
      this.#began = performance.now();
      this.#timer = setInterval(() => this.#draw(), 1000);
    } else {
      clearInterval(this.#timer);
      this.#timer = 0;
      this.#told = "";
    }
    this.#draw();
  }

  /**
   * A sentence of the server about what is waited for; false when nothing is.
   * @param {string} words
   * @param {number} [seconds] for which it is true; 0: until another is told
   */
  tell(words, seconds = 0) {
    if (!this.#timer) return false;
    this.#told = words;
    this.#until = seconds ? performance.now() + seconds * 1000 : Infinity;
    this.#draw();
    return true;
  }

  #draw() {
    if (performance.now() >= this.#until) this.#told = "";
    const seconds = this.#timer ? Math.floor((performance.now() - this.#began) / 1000) : 0;
    const time = seconds < QUIET_S ? "" : t("talk.seconds", { seconds: String(seconds) });
    this.#show(this.#told || (time && t("talk.still_waiting")), time);
  }
}
