/**
 * What she does by herself with what was said: look for facts, tidy her recent lines.
 *
 * @import { Calls, Habits } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";

export class HabitsSection {
  #calls;
  #list = h("div", { class: "meaning-options", role: "group", "aria-labelledby": "habits-title", "aria-describedby": "habits-lead" });
  #state = h("p", { class: "meaning-state", role: "status", "data-testid": "habits-state" });
  element = h("section", { class: "meaning", "data-testid": "habits" },
    h("h2", { id: "habits-title" }), h("p", { class: "memory-lead", id: "habits-lead" }), this.#list, this.#state);

  /** @param {Calls} calls */
  constructor(calls) {
    this.#calls = calls;
  }

  async show() {
    const [title, lead] = this.element.children;
    if (title) title.textContent = t("memory.habits.title");
    if (lead) lead.textContent = t("memory.habits.lead");
    this.#state.textContent = "";
    try {
      this.#draw(await this.#calls.habits());
    } catch (error) {
      this.#state.textContent = sentenceOf(error);
    }
  }

  /** @param {Habits} habits */
  #draw({ facts_by_model: byModel, review, pinned }) {
    this.#list.replaceChildren(
      this.#option("facts_by_model", byModel, t("memory.habits.facts_note"), pinned),
      this.#option("review", review, t("memory.habits.review_note"), false));
    if (pinned) this.#state.textContent = t("memory.habits.pinned");
  }

  /**
   * @param {"facts_by_model" | "review"} name
   * @param {boolean} checked
   * @param {string} note
   * @param {boolean} disabled
   */
  #option(name, checked, note, disabled) {
    const field = h("input", { type: "checkbox", checked, disabled, "data-testid": `habit-${name}`, "aria-describedby": `habit-${name}`, on: { change: () => void this.#change({ [name]: field.checked }) } });
    return h("div", { class: "meaning-option" }, h("label", {}, field, h("span", { text: t(`memory.habits.${name}`) })), h("p", { id: `habit-${name}`, text: note }));
  }

  /** @param {Partial<Habits>} change */
  async #change(change) {
    try {
      await this.#calls.changeHabits(change);
      this.#state.textContent = t("memory.habits.kept");
    } catch (error) {
      await this.show();
      this.#state.textContent = sentenceOf(error);
    }
  }
}
