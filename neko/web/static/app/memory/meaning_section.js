/**
 * What finds memories by their meaning: off, a model on this computer, a server; and how far it is.
 *
 * @import { Calls, EmbedderChoice, EmbedderOption } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";

export class MeaningSection {
  #calls;
  #list = h("div", { class: "meaning-options", role: "radiogroup", "aria-labelledby": "meaning-title" });
  #state = h("p", { class: "meaning-state", role: "status", "data-testid": "meaning-state" });
  element = h("section", { class: "meaning", "data-testid": "meaning" }, h("h2", { id: "meaning-title" }), h("p", { class: "memory-lead" }), this.#list, this.#state);

  /** @param {Calls} calls */
  constructor(calls) {
    this.#calls = calls;
  }

  async show() {
    const [title, lead] = this.element.children;
    if (title) title.textContent = t("memory.meaning.title");
    if (lead) lead.textContent = t("memory.meaning.lead");
    try {
      this.#draw(await this.#calls.embedder());
    } catch (error) {
      this.#state.textContent = sentenceOf(error);
    }
  }

  /** @param {EmbedderChoice} choice */
  #draw(choice) {
    const { engine, chosen, pinned, options } = choice;
    const auto = { kind: /** @type {const} */ ("auto"), words: t("memory.meaning.auto"), possible: true, note: /** @type {(string | Node)[]} */ ([]) };
    this.#list.replaceChildren(...[auto, ...options.map((one) => ({ kind: one.kind, words: titleOf(one), possible: one.state === "ready", note: noteOf(one) }))].map(({ kind, words, possible, note }) => {
      const field = h("input", { type: "radio", name: "embedder", value: kind, checked: kind === (chosen ?? "auto"), disabled: pinned || !possible, on: { change: () => void this.#choose(kind) } });
      return h("div", { class: "meaning-option", "data-testid": `embedder-${kind}` }, h("label", {}, field, h("span", { text: words })), note.length > 0 && h("p", {}, note));
    }));
    const now = options.find(({ kind }) => kind === engine);
    this.#state.textContent = [now && t("memory.meaning.now", { name: now.name || titleOf(now) }), pinned && t("memory.meaning.pinned")].filter(Boolean).join(" · ");
    void this.#progress();
  }

  async #progress() {
    const { meaning } = await this.#calls.work().catch(() => ({ meaning: null }));
    if (meaning && meaning.state !== "off") this.#state.textContent += ` · ${t("memory.meaning.done", { done: meaning.done, total: meaning.total })}`;
  }

  /** @param {"auto" | EmbedderOption["kind"]} kind */
  async #choose(kind) {
    try {
      this.#draw(await this.#calls.chooseEmbedder(kind));
    } catch (error) {
      this.#state.textContent = sentenceOf(error);
    }
    this.element.dispatchEvent(new CustomEvent("memorywork", { bubbles: true }));
  }
}

/** @param {EmbedderOption} option */
function titleOf({ kind, name, state }) {
  return state === "none" ? t("memory.meaning.no_server") : t(`memory.meaning.${kind}`, { name });
}

/**
 * @param {EmbedderOption} option
 * @returns {(string | Node)[]}
 */
function noteOf({ state, command }) {
  if (state === "processor") return [t("memory.meaning.processor")];
  return state === "missing" ? [t("memory.meaning.missing"), h("code", { text: command })] : [];
}
