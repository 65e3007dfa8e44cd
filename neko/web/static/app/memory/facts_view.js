/**
 * What is known of you, of her and of others, today or on a day, each with the lines that say so.
 *
 * @import { Fact, KnownFacts } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { Calls } from "./calls.js";
import { waiting } from "./days_view.js";
import { factCard, told } from "./fact_card.js";
import { askForFact, attributeName, subjectName } from "./fact_dialogs.js";

export class FactsView {
  #calls;
  #character;
  #view;
  #go;
  #asked = 0;
  /** The day as it was on which it is shown, "" for today. */
  #day = "";

  /** @param {{ character: string, view: HTMLElement, go: (place: string) => void }} parts */
  constructor({ character, view, go }) {
    this.#calls = new Calls(character);
    this.#character = character;
    this.#view = view;
    this.#go = go;
  }

  async show() {
    const asked = ++this.#asked;
    const done = waiting(this.#view);
    try {
      const known = await this.#calls.facts(this.#day ? { at: this.#day } : {});
      if (asked !== this.#asked) return;
      const { facts } = known;
      /** @type {Map<string, Fact[]>} */
      const bySubject = new Map();
      for (const fact of facts) bySubject.set(fact.subject, [...(bySubject.get(fact.subject) ?? []), fact]);
      this.#view.replaceChildren(h("p", { class: "memory-lead", text: t("memory.known_lead") }), this.#bar(facts),
        ...[...bySubject].sort(([one], [other]) => Number(other === "user") - Number(one === "user")).map(([subject, of]) => this.#group(subject, of, facts)),
        facts.length ? "" : h("p", { class: "memory-empty", text: t(this.#day ? "memory.no_facts_then" : "memory.no_facts") }), this.#given(known));
    } catch (error) {
      this.#view.replaceChildren(h("p", { class: "memory-empty is-bad", text: sentenceOf(error) }));
    } finally {
      done();
    }
  }

  /**
   * @param {string} subject
   * @param {Fact[]} facts
   * @param {Fact[]} all
   */
  #group(subject, facts, all) {
    const parts = { calls: this.#calls, character: this.#character, all, changed: () => void this.show(), go: this.#go };
    return h("section", { class: "memory-facts", "data-testid": "facts" }, h("h2", { text: subjectName(subject, this.#character) }),
      h("ol", { class: "memory-memos" }, [...facts].sort((one, other) => Number(other.pinned) - Number(one.pinned)).map((fact) => factCard(fact, parts))));
  }

  /**
   * What is known from elsewhere.
   * @param {KnownFacts} known
   */
  #given({ given, file }) {
    return given.length ? h("section", { class: "memory-facts", "data-testid": "given" }, h("h2", { text: t("memory.given") }),
      h("p", { class: "memory-lead", text: t("memory.given_lead", { file }) }),
      h("dl", { class: "memory-given" }, given.flatMap(({ subject, attribute, value }) => [
        h("dt", { text: `${subjectName(subject, this.#character)} · ${attributeName(attribute)}` }), h("dd", { text: value })]))) : "";
  }

  /**
   * The day that is looked at, and a way to write something in.
   * @param {Fact[]} facts
   */
  #bar(facts) {
    const day = h("input", { class: "input", type: "date", "data-testid": "as-of", value: this.#day });
    day.addEventListener("change", () => this.#look(day.value));
    const add = () => askForFact({
      title: t("memory.add_fact"), fact: null, character: this.#character, subjects: facts.map((one) => one.subject),
      save: async (body) => told(await this.#calls.changeFact("add", body), "fact_kept", { calls: this.#calls, changed: () => void this.show() }),
    });
    return h("div", { class: "fact-bar" },
      h("label", { class: "fact-day" }, h("span", { text: t("memory.as_of") }), day),
      this.#day && h("button", { type: "button", class: "button is-quiet", "data-testid": "as-of-today", text: t("memory.today"), on: { click: () => this.#look("") } }),
      h("button", { type: "button", class: "button", "data-testid": "add-fact", text: t("memory.add_fact"), on: { click: add } }));
  }

  /** @param {string} day */
  #look(day) {
    this.#day = day;
    void this.show();
  }
}
