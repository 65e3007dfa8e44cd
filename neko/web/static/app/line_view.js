/**
 * One line of the talk: her words or yours, with time, copy and retry a hover or tap away.
 *
 * @import { Entry } from "./transcript.js"
 * @typedef {{ retry: () => void, remove: () => void, edit: () => void, step: (by: 1 | -1) => void, picture: (at: number) => void, why: () => void }} LineActions
 */
import { copyBy } from "./code_block.js";
import { closest, h, icon } from "./element.js";
import { currentLanguage, sentenceFor, t } from "./i18n.js";
import { addressesOf, pictureName } from "./pictures.js";
import { turnTimes } from "./turn_times.js";
import { VersionPicker } from "./versions.js";
import { WordsView } from "./words_view.js";

/** @type {Map<string, Intl.DateTimeFormat>} */
const clocks = new Map();

/** @param {string} at ISO 8601 */
function clock(at) {
  const language = currentLanguage();
  const format = clocks.get(language) ?? new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
  clocks.set(language, format);
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : format.format(date);
}

export class LineView {
  /** @type {HTMLElement} */
  #words;
  /** @type {WordsView | null} */
  #markdown = null;
  /** @type {HTMLTimeElement} */
  #time;
  /** @type {HTMLElement} */
  #note;
  #remark = h("p", { class: "line-remark", "data-testid": "remark", hidden: true });
  /** @type {string | null} */
  #shown = null;
  #isGrowing = false;
  #times = h("details", { class: "turn-times", "data-testid": "turn-times", hidden: true });
  /** @type {VersionPicker | null} */
  #versions = null;
  #actions;
  #pictures = h("div", { class: "line-pictures" });
  #picturesShown = "";
  #frame = 0;

  /**
   * @param {Entry} entry
   * @param {LineActions} actions
   */
  constructor(entry, actions) {
    this.entry = entry;
    this.#actions = actions;
    this.#words = h("div", { class: "line-words" });
    this.#time = h("time", { class: "line-time" });
    this.#note = h("span", { class: "line-note" });
    this.copyButton = h("button", { type: "button", class: "line-act line-copy", tabindex: "-1" }, icon("copy"));
    this.copyButton.addEventListener("click", () => void copyBy(this.copyButton, entry.text));
    this.retryButton = entry.role === "assistant" &&
      h("button", { type: "button", class: "line-act line-retry", tabindex: "-1", "data-testid": "retry", on: { click: actions.retry } }, icon("retry"));
    this.whyButton = h("button", { type: "button", class: "line-act line-why", tabindex: "-1", "data-testid": "why", hidden: true, on: { click: actions.why } }, icon("memory"));
    this.deleteButton = h("button", { type: "button", class: "line-act line-delete", tabindex: "-1", "data-testid": "delete", on: { click: actions.remove } }, icon("delete"));
    this.editButton = entry.role === "user" &&
      h("button", { type: "button", class: "line-act line-edit", tabindex: "-1", "data-testid": "edit", on: { click: actions.edit } }, icon("edit"));
    this.element = h(
      "article",
      { class: "line", "data-testid": "line", "data-role": entry.role, "data-id": "", on: { click: (event) => this.#tap(event) } },
      this.#words,
      this.#remark,
      this.#times,
      h("div", { class: "line-foot" }, this.#note, this.#time, this.copyButton, this.editButton, this.retryButton, this.whyButton, this.deleteButton),
    );
    if (entry.role === "assistant") this.#markdown = new WordsView(this.#words);
    this.draw();
    this.label();
  }

  draw() {
    const { entry, element } = this;
    element.dataset.id = String(entry.id ?? "");
    element.dataset.state = entry.state;
    element.dataset.status = entry.status;
    if (entry.clientId) element.dataset.client = entry.clientId;
    element.toggleAttribute("data-off-record", Boolean(entry.offRecord));
    element.toggleAttribute("data-hearing", entry.utterance !== undefined);
    element.toggleAttribute("data-waiting", entry.state === "sent" && Boolean(entry.waiting));
    this.whyButton.hidden = !entry.recalled?.length && !entry.recalledElsewhere?.length;
    this.#time.dateTime = entry.at;
    this.#time.textContent = clock(entry.at);
    this.#note.textContent = this.#noteText();
    this.#drawRemark();
    this.#drawTimes();
    this.#drawVersions();
    if (entry.images) this.#drawPictures();
    if (entry.state === "streaming" && this.#shown !== null) {
      this.#frame ||= requestAnimationFrame(() => this.#drawWords());
    } else {
      this.#drawWords();
    }
  }

  /** The words around the words, after a change of language. */
  label() {
    const { entry } = this;
    this.element.setAttribute("aria-label", entry.role === "user" ? t("talk.you") : document.documentElement.dataset.character ?? "");
    this.copyButton.setAttribute("aria-label", t("talk.copy"));
    this.copyButton.title = t("talk.copy");
    this.deleteButton.title = t(entry.role === "user" ? "talk.delete_exchange" : "talk.delete");
    this.deleteButton.setAttribute("aria-label", this.deleteButton.title);
    this.whyButton.title = t("why.ask");
    this.whyButton.setAttribute("aria-label", t("why.ask"));
    if (this.editButton) {
      this.editButton.setAttribute("aria-label", t("talk.edit"));
      this.editButton.title = t("talk.edit");
    }
    if (this.retryButton) {
      this.retryButton.setAttribute("aria-label", t("talk.retry"));
      this.retryButton.title = t("talk.retry");
    }
    this.#versions?.label();
    this.#drawRemark();
    this.#drawTimes();
    this.#time.textContent = clock(entry.at);
    this.#note.textContent = this.#noteText();
  }

  #drawRemark() {
    const { remark } = this.entry;
    this.#remark.hidden = !remark;
    this.#remark.textContent = typeof remark === "object" && remark ? sentenceFor(remark.code, remark.params) : remark ?? "";
    const link = typeof remark === "object" ? String(remark?.params["link"] ?? "") : "";
    if (/^https?:\/\//.test(link)) this.#remark.append(" ", h("a", { href: link, target: "_blank", rel: "noopener noreferrer", text: new URL(link).host }));
  }

  #drawTimes() {
    const { times } = this.entry;
    this.#times.hidden = !times;
    if (times) this.#times.replaceChildren(...turnTimes(times));
  }

  #drawVersions() {
    const { versions } = this.entry;
    if (versions && !this.#versions) {
      this.#versions = new VersionPicker(this.#actions.step, this.copyButton.tabIndex);
      this.#time.before(this.#versions.element);
    }
    this.#versions?.show(versions);
  }

  #drawWords() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { text, state } = this.entry;
    const isGrowing = state === "streaming";
    if (text === this.#shown && isGrowing === this.#isGrowing) return;
    this.#shown = text;
    this.#isGrowing = isGrowing;
    this.#words.hidden = !text;
    if (this.#markdown) this.#markdown.show(text, { isGrowing });
    else this.#words.textContent = text;
  }

  #noteText() {
    const { entry } = this;
    if (entry.state === "sent" && entry.waiting) return t("talk.waiting");
    if (entry.offRecord) return t("off_record.line");
    if (entry.unkept) return t("talk.unkept");
    if (entry.status === "interrupted") return t("talk.interrupted");
    if (entry.status === "failed") return t("talk.cut");
    return "";
  }

  #drawPictures() {
    const { entry } = this;
    const addresses = addressesOf(entry);
    const shown = addresses.join(" ") || "none";
    if (shown === this.#picturesShown) return;
    this.#picturesShown = shown;
    const own = entry.thumbnails ?? []; // before what was being shown as the words were said
    const small = [...own, ...addresses.slice(own.length).map((address) => h("img", { src: address, alt: "", loading: "lazy", decoding: "async" }))];
    if (!this.#pictures.parentElement) this.element.prepend(this.#pictures);
    this.#pictures.replaceChildren(...small.map((picture, at) => this.#picture(picture, at, addresses)));
    const rest = entry.images - small.length;
    if (rest > 0) this.#pictures.append(h("span", { class: "line-picture-count", title: t("picture.gone") }, icon("image"), ` ${rest}`));
  }

  /**
   * @param {HTMLElement} picture
   * @param {number} at
   * @param {string[]} addresses
   */
  #picture(picture, at, addresses) {
    const button = h("button", {
      type: "button", class: "line-picture", "data-testid": "picture", disabled: !addresses[at],
      "aria-label": pictureName(at, this.entry.images), on: { click: () => this.#actions.picture(at) },
    }, picture);
    picture.addEventListener("error", () => {
      button.replaceWith(h("span", { class: "line-picture-count" }, icon("image"), ` ${t("picture.gone")}`));
    });
    return button;
  }

  /** @param {MouseEvent} event */
  #tap(event) {
    if (closest(event.target, "a, button, details") || !getSelection()?.isCollapsed) return;
    this.element.classList.toggle("is-open");
  }
}
