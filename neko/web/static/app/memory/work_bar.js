/**
 * What the memory is busy with, above every view: an old log that is being read, lines that are being embedded, what was
 * brought in and is learnt from.
 *
 * @import { Calls, Work } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";

const BUSY_MS = 1500;
const IDLE_MS = 15_000;

export class WorkBar {
  #calls;
  #timer = 0;
  #words = h("p", { role: "status" });
  #bar = h("progress", { max: "1" });
  #pause = h("button", { type: "button", class: "button is-quiet", "data-testid": "work-pause" });
  #isPaused = false;
  element = h("div", { class: "memory-report work-bar", hidden: true, "data-testid": "work" }, this.#words, this.#bar, this.#pause);

  /** @param {Calls} calls */
  constructor(calls) {
    this.#calls = calls;
    this.#pause.addEventListener("click", () => void this.#toggle());
    document.addEventListener("visibilitychange", () => void this.look());
  }

  /** Ask, and go on asking: often while something goes on, seldom else, never for a page that nobody sees. */
  async look() {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    const work = await this.#calls.work().catch(() => null);
    const busy = work !== null && this.#draw(work);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(), busy ? BUSY_MS : IDLE_MS);
  }

  /**
   * Whether something goes on.
   * @param {Work} work
   */
  #draw({ indexing, learning, meaning }) {
    this.#isPaused = meaning.state === "paused";
    const embeds = meaning.state === "working" || this.#isPaused;
    this.#pause.hidden = Boolean(indexing) || !embeds;
    this.#pause.textContent = t(this.#isPaused ? "memory.work.go_on" : "memory.work.pause");
    const isWaiting = meaning.state === "waiting";
    const learns = !indexing && !embeds && !isWaiting && learning;
    const { done, total } = indexing ?? (learns || meaning);
    if (learns) this.#words.textContent = t("memory.work.learning", { done, total });
    else if (indexing) this.#words.textContent = t("memory.work.indexing", { done, total });
    else if (this.#isPaused) this.#words.textContent = t("memory.work.paused", { done, total });
    else if (embeds) this.#words.textContent = t("memory.work.embedding", { model: meaning.model, done, total, count: total - done });
    else if (isWaiting) this.#words.textContent = [t("memory.work.waiting"), meaning.error, meaning.remedy].filter(Boolean).join(" ");
    const told = Boolean(indexing ?? learns) || (embeds && done < total) || isWaiting;
    this.element.hidden = !told;
    this.#bar.hidden = isWaiting && !indexing;
    this.#bar.value = total ? done / total : 0;
    this.#bar.setAttribute("aria-label", this.#words.textContent ?? "");
    return told && !this.#isPaused;
  }

  async #toggle() {
    try {
      await this.#calls.pauseEmbedding(!this.#isPaused);
    } catch (error) {
      toast(sentenceOf(error));
    }
    await this.look();
  }
}
