/**
 * What was changed in the memory by hand, and when; not the words.
 *
 * @import { Change } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { Calls } from "./calls.js";
import { moment } from "./dates.js";
import { waiting } from "./days_view.js";

export class ChangesView {
  #calls;
  #character;
  #view;
  #go;

  /** @param {{ character: string, view: HTMLElement, go: (place: string) => void }} parts */
  constructor({ character, view, go }) {
    this.#calls = new Calls(character);
    this.#character = character;
    this.#go = go;
    this.#view = view;
  }

  async show() {
    const done = waiting(this.#view);
    try {
      const { changes, can_undo_review } = await this.#calls.changes();
      const undoable = can_undo_review ? changes.findIndex(({ kind }) => kind === "reviewed") : -1;
      this.#view.replaceChildren(h("p", { class: "memory-lead", text: t("memory.changes_lead") }),
        changes.length ? h("ol", { class: "memory-changes", "data-testid": "changes" }, changes.map((change, place) => this.#row(change, place === undoable)))
          : h("p", { class: "memory-empty", text: t("memory.no_changes") }));
    } catch (error) {
      this.#view.replaceChildren(h("p", { class: "memory-empty is-bad", text: sentenceOf(error) }));
    } finally {
      done();
    }
  }

  /**
   * @param {Change} change
   * @param {boolean} undoable a review whose changes still stand
   */
  #row({ at, kind, lines, number }, undoable) {
    return h("li", { "data-kind": kind }, h("span", { text: t(`memory.change_${kind}`, { count: lines }) }), h("time", { datetime: at, text: moment(at) }),
      kind === "imported" && number > 0 && h("button", { type: "button", class: "button is-quiet", "data-testid": "take-back", text: t("memory.bring.take_back"), on: { click: () => void this.#takeBack(number) } }),
      undoable && h("button", { type: "button", class: "button is-quiet", "data-testid": "undo-review", text: t("talk.undo"), on: { click: () => void this.#undoReview() } }));
  }

  async #undoReview() {
    try {
      await this.#calls.undoReview();
      await this.show();
    } catch (error) {
      toast(sentenceOf(error));
    }
  }

  /** @param {number} number of an import */
  async #takeBack(number) {
    try {
      await this.#calls.takeBack(this.#character, number);
      this.#go("manage");
    } catch (error) {
      toast(sentenceOf(error));
    }
  }
}
