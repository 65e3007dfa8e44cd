/**
 * Forgetting everything: asked before, for good.
 *
 * @import { Calls } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { byId, h, icon } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";

export class ClearSection {
  #calls;
  #character;
  #go;

  /** @param {{ calls: Calls, character: string, go: (place: string) => void }} parts */
  constructor({ calls, character, go }) {
    this.#calls = calls;
    this.#character = character;
    this.#go = go;
  }

  get element() {
    return h("section", { class: "memory-export" }, icon("delete"), h("p", { text: t("memory.clear_lead") }),
      h("button", { type: "button", class: "button", "data-testid": "clear", text: t("memory.clear"), on: { click: () => this.#ask() } }));
  }

  #ask() {
    const dialog = h("dialog", { class: "memory-ask", "aria-labelledby": "ask-title", "data-testid": "ask-clear" });
    dialog.append(
      h("h2", { id: "ask-title", text: t("memory.clear_title", { name: this.#character }) }),
      h("p", { text: t("memory.clear_words") }),
      h("div", { class: "form-acts" },
        h("button", { type: "button", class: "button", autofocus: true, text: t("memory.leave"), on: { click: () => dialog.close() } }),
        h("button", { type: "button", class: "button is-main", "data-testid": "clear-yes", text: t("memory.clear"), on: { click: () => {
          dialog.close();
          void this.#clear();
        } } })));
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    byId("app", HTMLElement).append(dialog);
    dialog.showModal();
  }

  async #clear() {
    try {
      await this.#calls.clear();
      toast(t("memory.cleared"));
      this.#go("days");
    } catch (error) {
      toast(sentenceOf(error));
    }
  }
}
