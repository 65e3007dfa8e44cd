/**
 * What is known of you, of her and of others, each with the lines that say so; and all that was said, to take along.
 *
 * @import { Fact } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { Calls } from "./calls.js";
import { dayName } from "./dates.js";
import { waiting } from "./days_view.js";
import { sources } from "./memos_view.js";

export class FactsView {
  #calls;
  #character;
  #view;
  #go;

  /** @param {{ character: string, view: HTMLElement, go: (place: string) => void }} parts */
  constructor({ character, view, go }) {
    this.#calls = new Calls(character);
    this.#character = character;
    this.#view = view;
    this.#go = go;
  }

  async show() {
    const done = waiting(this.#view);
    try {
      const { facts } = await this.#calls.facts();
      /** @type {Map<string, Fact[]>} */
      const bySubject = new Map();
      for (const fact of facts) bySubject.set(fact.subject, [...(bySubject.get(fact.subject) ?? []), fact]);
      this.#view.replaceChildren(h("p", { class: "memory-lead", text: t("memory.known_lead") }),
        ...[...bySubject].sort(([one], [other]) => Number(other === "user") - Number(one === "user")).map(([subject, known]) => this.#group(subject, known)),
        facts.length ? "" : h("p", { class: "memory-empty", text: t("memory.no_facts") }), this.#export());
    } catch (error) {
      this.#view.replaceChildren(h("p", { class: "memory-empty is-bad", text: sentenceOf(error) }), this.#export());
    } finally {
      done();
    }
  }

  /**
   * @param {string} subject
   * @param {Fact[]} facts
   */
  #group(subject, facts) {
    const name = subject === "user" ? t("talk.you") : subject === "character" ? this.#character : subject;
    const parts = { calls: this.#calls, changed: () => void this.show(), go: this.#go };
    return h("section", { class: "memory-facts", "data-testid": "facts" }, h("h2", { text: name }),
      h("ol", { class: "memory-memos" }, facts.map((fact) => h("li", { class: "memory-memo", "data-testid": "fact" },
        h("div", { class: "memory-line-head" }, h("span", { text: [fact.attribute, dayName(fact.since.slice(0, 10), { dateStyle: "medium" })].filter(Boolean).join(" · ") })),
        h("p", { class: "memory-words", text: fact.value }), fact.sources.length ? sources(fact, parts) : ""))));
  }

  /** The whole talk as a file. */
  #export() {
    const link = (/** @type {"markdown" | "json"} */ form, /** @type {string} */ name) =>
      h("a", { class: "button", href: this.#calls.exportAddress(form), download: true, "data-testid": `export-${form}`, text: name });
    return h("section", { class: "memory-export" }, icon("save"), h("p", { text: t("memory.export") }), link("markdown", "Markdown"), link("json", "JSON"));
  }
}
