/**
 * Publishing a folder that is ready on Steam: what is asked before, how far it is, and what came of it.
 *
 * @import { Item } from "./workshop_calls.js"
 * @import { Wanted } from "./steam_calls.js"
 */
import { sentenceOf } from "../api.js";
import { ask } from "../ask.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import * as steam from "./steam_calls.js";

const LOOK_MS = 1000;
const AGREEMENT = "https://steamcommunity.com/sharedfiles/workshoplegalagreement";

export class Publishing {
  /** What is told of a folder, by its path; it stays when the page is drawn anew. @type {Map<string, HTMLElement>} */
  #told = new Map();
  /** @type {Set<HTMLButtonElement>} */
  #buttons = new Set();
  #busy = false;

  /**
   * What is shown with a folder.
   * @param {Item} item
   */
  parts(item) {
    const button = h("button", { type: "button", class: "button", disabled: this.#busy, "aria-label": t("workshop.publish_what", { name: item.title }), "data-testid": "ready-publish", text: t("workshop.publish_it"), on: { click: () => this.#ask(item) } });
    this.#buttons = new Set([...this.#buttons].filter((one) => one.isConnected)).add(button);
    return [button, this.#place(item)];
  }

  /** @param {Item} item */
  #place({ path }) {
    const place = this.#told.get(path) ?? h("div", { role: "status", "data-testid": "publishing" });
    this.#told.set(path, place);
    return place;
  }

  /** @param {boolean} busy one at a time */
  #turn(busy) {
    this.#busy = busy;
    for (const button of this.#buttons) button.disabled = busy;
  }

  /** @param {Item} item */
  #ask(item) {
    const title = h("input", { class: "input", required: true, maxlength: "128", "data-testid": "publish-title", value: item.title });
    const description = h("textarea", { class: "input", rows: "4", maxlength: "8000", "data-testid": "publish-description" });
    const tags = h("input", { class: "input", maxlength: "1000", "data-testid": "publish-tags" });
    const note = h("input", { class: "input", maxlength: "1000", "data-testid": "publish-note" });
    const visibility = h("select", { class: "select", "data-testid": "publish-for" },
      ["all", "friends", "nobody"].map((who, value) => h("option", { value: String(value), text: t(`workshop.for_${who}`) })));
    const field = (/** @type {string} */ name, /** @type {HTMLElement} */ control) => h("label", { class: "field" }, h("span", { class: "field-name", text: t(`workshop.publish_${name}`) }), control);
    ask({
      title: t("workshop.publish_ask"), testId: "ask-publish", yes: "publish-yes", label: t("workshop.publish_it"),
      content: [field("title", title), field("description", description), field("tags", tags), field("for", visibility), field("note", note), h("p", { class: "agent-hint", text: t("workshop.publish_words") })],
      save: () => {
        const words = tags.value.split(/[,，、]/).map((tag) => tag.trim()).filter(Boolean);
        void this.#publish(item, { title: title.value, description: description.value, tags: words, visibility: Number(visibility.value), note: note.value, card: item.title });
        return Promise.resolve();
      },
    });
    title.select();
  }

  /**
   * @param {Item} item
   * @param {Wanted} wanted
   */
  async #publish(item, wanted) {
    this.#turn(true);
    this.#tell(item, h("p", { class: "form-note", text: t("workshop.step_creating") }));
    const looks = setInterval(() => void this.#look(item), LOOK_MS);
    try {
      const { message, needs_agreement: unagreed } = await steam.publish(item, wanted);
      this.#tell(item, unagreed ? h("p", { class: "form-note" }, h("a", { href: AGREEMENT, target: "_blank", rel: "noopener noreferrer", text: message })) : h("p", { class: "form-note is-good", text: message }));
    } catch (error) {
      this.#tell(item, h("p", { class: "form-note is-bad", text: sentenceOf(error) }));
    } finally {
      clearInterval(looks);
      this.#turn(false);
    }
  }

  /** @param {Item} item */
  async #look(item) {
    try {
      const words = await steam.progress();
      if (this.#busy) this.#tell(item, h("p", { class: "form-note", text: words }));
    } catch {
      // what came of it is told in any case
    }
  }

  /**
   * @param {Item} item
   * @param {HTMLElement} words
   */
  #tell(item, words) {
    this.#place(item).replaceChildren(words);
  }
}
