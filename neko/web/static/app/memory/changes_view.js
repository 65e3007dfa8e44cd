/** What was changed in the memory by hand, and when; not the words. */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { Calls } from "./calls.js";
import { moment } from "./dates.js";
import { waiting } from "./days_view.js";

export class ChangesView {
  #calls;
  #view;

  /** @param {{ character: string, view: HTMLElement }} parts */
  constructor({ character, view }) {
    this.#calls = new Calls(character);
    this.#view = view;
  }

  async show() {
    const done = waiting(this.#view);
    try {
      const { changes } = await this.#calls.changes();
      this.#view.replaceChildren(h("p", { class: "memory-lead", text: t("memory.changes_lead") }),
        changes.length ? h("ol", { class: "memory-changes", "data-testid": "changes" }, changes.map(({ at, kind, lines }) => h("li", { "data-kind": kind },
          h("span", { text: t(`memory.change_${kind}`, { count: lines }) }), h("time", { datetime: at, text: moment(at) }))))
          : h("p", { class: "memory-empty", text: t("memory.no_changes") }));
    } catch (error) {
      this.#view.replaceChildren(h("p", { class: "memory-empty is-bad", text: sentenceOf(error) }));
    } finally {
      done();
    }
  }
}
