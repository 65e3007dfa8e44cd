/**
 * The voices of an engine, each to be heard before it is chosen. The arrow keys walk through them: up and down from voice to
 * voice, left and right between a voice and the button that plays it.
 *
 * @import { VoiceSample } from "./voice_sample.js"
 *
 * @typedef {{ name: string, label: string, about: string, language: string }} ListedVoice `about` is shown below the label.
 */
import { h, icon } from "../element.js";
import { t } from "../i18n.js";

/** @typedef {{ voice: ListedVoice, element: HTMLElement, choose: HTMLButtonElement, hear: HTMLButtonElement }} Row */

export class VoiceList {
  #rows;
  #sample;
  #onChoose;
  element;

  /**
   * @param {ListedVoice[]} voices
   * @param {string} chosen
   * @param {VoiceSample} sample
   * @param {(name: string) => void} onChoose
   */
  constructor(voices, chosen, sample, onChoose) {
    this.#sample = sample;
    this.#onChoose = onChoose;
    this.#rows = voices.map((voice) => this.#row(voice));
    this.element = h("div", { class: "voice-rows", role: "radiogroup", "aria-label": t("voice.voice"), "data-testid": "voice-choice", on: { keydown: (event) => this.#key(event) } },
      this.#rows.map(({ element }) => element));
    this.show(chosen);
  }

  /** @param {string} chosen the name of the voice in force */
  show(chosen) {
    const at = Math.max(0, this.#rows.findIndex(({ voice }) => voice.name === chosen));
    for (const { voice, choose } of this.#rows) choose.setAttribute("aria-checked", String(voice.name === chosen));
    this.#reach(at);
  }

  /**
   * @param {ListedVoice} voice
   * @returns {Row}
   */
  #row(voice) {
    const choose = h("button", {
      type: "button", class: "voice-name", role: "radio", "data-testid": "voice-option", "data-voice": voice.name,
      on: { click: () => this.#choose(voice) },
    }, h("span", { class: "tile-name", text: voice.label }), voice.about && h("span", { class: "tile-note", text: voice.about }));
    const hear = h("button", { type: "button", class: "icon-button", "data-testid": "voice-hear", "data-voice": voice.name, on: { click: () => void this.#hear(row) } });
    const row = { voice, choose, hear, element: h("div", { class: "voice-row", role: "presentation" }, choose, hear) };
    choose.addEventListener("focus", () => this.#reach(this.#rows.indexOf(row)));
    hear.addEventListener("focus", () => this.#reach(this.#rows.indexOf(row)));
    draw(row, "quiet");
    return row;
  }

  /** @param {ListedVoice} voice */
  #choose({ name }) {
    this.show(name);
    this.#onChoose(name);
  }

  /** @param {Row} row */
  async #hear(row) {
    await this.#sample.play(row.voice, (state) => draw(row, state));
  }

  /**
   * The tabulator reaches one row only.
   * @param {number} at
   */
  #reach(at) {
    for (const [number, { choose, hear }] of this.#rows.entries()) choose.tabIndex = hear.tabIndex = number === at ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const at = this.#rows.findIndex(({ element }) => element.contains(document.activeElement));
    const row = this.#rows[at];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const side = document.activeElement === row.hear ? "hear" : "choose";
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.#rows.length - 1 }[event.key];
    if (to !== undefined) this.#rows[to]?.[side].focus();
    else if (event.key === "ArrowRight") row.hear.focus();
    else if (event.key === "ArrowLeft") row.choose.focus();
    else return;
    event.preventDefault();
  }
}

/**
 * @param {Row} row
 * @param {"quiet" | "loading" | "sounding"} state
 */
function draw({ voice, hear }, state) {
  const label = state === "quiet" ? t("voice.hear", { voice: voice.label }) : t("voice.stop");
  hear.dataset.state = state;
  hear.setAttribute("aria-label", label);
  hear.setAttribute("aria-busy", String(state === "loading"));
  hear.title = label;
  hear.replaceChildren(icon(state === "quiet" ? "volume" : "stop"));
}
