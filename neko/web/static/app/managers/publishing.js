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
  /** What was wanted of a folder, by its path: it is offered again. @type {Map<string, Partial<Wanted>>} */
  #wanted = new Map();

  /** Tell of what another page, or this one before it was loaded anew, has begun to publish. */
  async follow() {
    let now = this.#busy ? null : await steam.progress();
    if (!now) return;
    const place = this.#place({ path: now.folder });
    this.#turn(true);
    try {
      while (now) {
        place.replaceChildren(h("p", { class: "form-note", text: now.words }));
        await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
        now = await steam.progress();
      }
    } finally {
      place.replaceChildren();
      this.#turn(false);
    }
  }

  /**
   * What is shown with a folder.
   * @param {Item} item
   */
  parts(item) {
    const button = h("button", { type: "button", class: "button", disabled: this.#busy, "aria-label": t("workshop.publish_what", { name: item.title }), "data-testid": "ready-publish", text: t("workshop.publish_it"), on: { click: () => void this.#ask(item) } });
    this.#buttons = new Set([...this.#buttons].filter((one) => one.isConnected)).add(button);
    return [button, this.#place(item)];
  }

  /** @param {{ path: string }} folder */
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
  async #ask(item) {
    const before = this.#wanted.get(item.path) ?? await lastTime(item);
    const title = h("input", { class: "input", required: true, maxlength: "128", "data-testid": "publish-title", value: before.title ?? item.title });
    const description = h("textarea", { class: "input", rows: "4", maxlength: "8000", "data-testid": "publish-description", value: before.description ?? "" });
    const tags = h("input", { class: "input", maxlength: "1000", "data-testid": "publish-tags", value: (before.tags ?? []).join(", ") });
    const note = h("input", { class: "input", maxlength: "1000", "data-testid": "publish-note" });
    const visibility = h("select", { class: "select", "data-testid": "publish-for" },
      ["all", "friends", "nobody"].map((who, value) => h("option", { value: String(value), text: t(`workshop.for_${who}`) })));
    visibility.value = String(before.visibility ?? 0);
    const field = (/** @type {string} */ name, /** @type {HTMLElement} */ control) => h("label", { class: "field" }, h("span", { class: "field-name", text: t(`workshop.publish_${name}`) }), control);
    ask({
      title: t("workshop.publish_ask"), testId: "ask-publish", yes: "publish-yes", label: t("workshop.publish_it"),
      content: [field("title", title), field("description", description), field("tags", tags), field("for", visibility), field("note", note), h("p", { class: "agent-hint", text: t("workshop.publish_words") })],
      save: () => {
        const words = tags.value.split(/[,，、]/).map((tag) => tag.trim()).filter(Boolean);
        const wanted = { title: title.value, description: description.value, tags: words, visibility: Number(visibility.value), note: note.value, card: item.title };
        this.#wanted.set(item.path, wanted);
        void this.#publish(item, wanted);
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
      const now = await steam.progress();
      if (this.#busy && now) this.#tell(item, h("p", { class: "form-note", text: now.words }));
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

/**
 * @param {Item} item
 * @returns {Promise<Partial<Wanted>>}
 */
async function lastTime({ title }) {
  try {
    return await steam.published(title);
  } catch {
    return {}; // the form can be filled in
  }
}
