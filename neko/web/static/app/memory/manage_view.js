/** What is done with a memory as a whole: how it is found, what she does with it by herself, whose other talks it knows, what comes in from elsewhere, what is taken along, its end. */
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { Calls } from "./calls.js";
import { ClearSection } from "./clear_section.js";
import { HabitsSection } from "./habits_section.js";
import { ImportSection } from "./import_section.js";
import { MeaningSection } from "./meaning_section.js";
import { SharingSection } from "./sharing_section.js";

export class ManageView {
  #calls;
  #view;
  #import;
  #meaning;
  #habits;
  #sharing;
  #clear;

  /** @param {{ character: string, view: HTMLElement, go: (place: string) => void, names: () => string[] }} parts */
  constructor({ character, view, go, names }) {
    this.#calls = new Calls(character);
    this.#view = view;
    this.#import = new ImportSection({ calls: this.#calls, go, names });
    this.#meaning = new MeaningSection(this.#calls);
    this.#habits = new HabitsSection(this.#calls);
    this.#sharing = new SharingSection(this.#calls);
    this.#clear = new ClearSection({ calls: this.#calls, character, go });
  }

  async show() {
    this.#view.replaceChildren(this.#import.element, this.#export(), this.#meaning.element, this.#habits.element, this.#sharing.element, this.#clear.element);
    await Promise.all([this.#import.show(), this.#meaning.show(), this.#habits.show(), this.#sharing.show()]);
  }

  /** The whole talk as a file. */
  #export() {
    const link = (/** @type {"markdown" | "json"} */ form, /** @type {string} */ name) =>
      h("a", { class: "button", href: this.#calls.exportAddress(form), download: true, "data-testid": `export-${form}`, text: name });
    return h("section", { class: "memory-export" }, icon("save"), h("p", { text: t("memory.export") }), link("markdown", "Markdown"), link("json", "JSON"));
  }
}
