/**
 * Which other characters' talks she may recall too; none until the user says so.
 *
 * @import { Calls, Sharing } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";

export class SharingSection {
  #calls;
  #list = h("div", { class: "meaning-options", role: "group", "aria-labelledby": "sharing-title", "aria-describedby": "sharing-lead" });
  #state = h("p", { class: "meaning-state", role: "status", "data-testid": "sharing-state" });
  element = h("section", { class: "meaning", "data-testid": "sharing", hidden: true },
    h("h2", { id: "sharing-title" }), h("p", { class: "memory-lead", id: "sharing-lead" }), this.#list, this.#state);
  /** One choice is kept after the other. */
  #saving = Promise.resolve();

  /** @param {Calls} calls */
  constructor(calls) {
    this.#calls = calls;
  }

  async show() {
    const [title, lead] = this.element.children;
    if (title) title.textContent = t("memory.sharing.title");
    if (lead) lead.textContent = t("memory.sharing.lead");
    this.#state.textContent = "";
    try {
      this.#draw(await this.#calls.sharing());
    } catch (error) {
      this.element.hidden = false;
      this.#state.textContent = sentenceOf(error);
    }
  }

  /** @param {Sharing} sharing */
  #draw({ others, also_knows: known }) {
    this.element.hidden = others.length === 0;
    this.#list.replaceChildren(...others.map((name) => h("div", { class: "meaning-option" }, h("label", {},
      h("input", { type: "checkbox", value: name, checked: known.includes(name), "data-testid": `knows-${name}`, on: { change: () => this.#choose() } }),
      h("span", { text: name })))));
  }

  #choose() {
    const chosen = [...this.#list.querySelectorAll("input")].filter((field) => field.checked).map((field) => field.value);
    this.#saving = this.#saving.then(async () => {
      try {
        await this.#calls.share(chosen);
        this.#state.textContent = t("memory.sharing.kept");
      } catch (error) {
        await this.show();
        this.#state.textContent = sentenceOf(error);
      }
    });
  }
}
