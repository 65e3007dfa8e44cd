/**
 * Servers out of the settings of another program, pasted or dropped: shown first, then taken over, switched off.
 *
 * @import { FoundServer } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { importServers, lookIntoServers } from "./calls.js";
import { problemOf } from "./server_card.js";

const PAUSE_MS = 250;
const LARGEST = 200_000;

export class ServerImport {
  #imported;
  #text = h("textarea", { class: "input server-paste", rows: 6, spellcheck: "false", autocapitalize: "none", "data-testid": "import-text" });
  #file = h("input", { type: "file", accept: ".json,.jsonc,.txt,application/json", hidden: true, "data-testid": "import-file" });
  #found = h("div", { class: "server-found", "aria-live": "polite" });
  #timer = 0;
  #asked = 0;
  button = h("button", { type: "button", class: "button", "data-testid": "server-import", "aria-expanded": "false" });
  element = h("section", { class: "import-drop", "data-testid": "import-drop", hidden: true });

  /** @param {() => void} imported */
  constructor(imported) {
    this.#imported = imported;
    this.button.addEventListener("click", () => this.#show(this.element.hidden === true));
    this.#text.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#look(), PAUSE_MS);
    });
    this.#file.addEventListener("change", () => void this.#read(this.#file.files?.[0]));
    for (const name of /** @type {const} */ (["dragenter", "dragover", "drop"])) document.addEventListener(name, (event) => this.#dragged(event));
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) this.element.classList.remove("is-over"); // it has left the window
    });
  }

  /**
   * A file, or text, may be dropped anywhere while the servers are shown.
   * @param {DragEvent} event
   */
  #dragged(event) {
    if (!this.element.isConnected) return;
    if (event.target instanceof HTMLTextAreaElement && !event.dataTransfer?.types.includes("Files")) return; // words go where they are dropped
    event.preventDefault();
    if (this.element.hidden) this.#show(true);
    this.element.classList.toggle("is-over", event.type !== "drop");
    if (event.type === "drop") {
      const file = event.dataTransfer?.files[0];
      if (file) void this.#read(file);
      else this.#take(event.dataTransfer?.getData("text") ?? "");
    }
  }

  draw() {
    this.button.textContent = t("servers.import");
    this.#text.placeholder = '{ "mcpServers": { … } }';
    this.#text.setAttribute("aria-label", t("servers.paste"));
    this.element.replaceChildren(h("h2", { text: t("servers.import") }), h("p", { text: t("servers.import_lead") }), this.#text,
      h("div", { class: "import-choose" }, h("button", { type: "button", class: "button", text: t("servers.choose_file"), on: { click: () => this.#file.click() } }), this.#file), this.#found);
  }

  /** @param {boolean} open */
  #show(open) {
    this.element.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.#text.focus();
  }

  /** @param {File | undefined} file */
  async #read(file) {
    this.#file.value = "";
    if (!file) return;
    if (file.size > LARGEST) {
      toast(t("servers.too_large"));
      return;
    }
    this.#take(await file.text());
  }

  /** @param {string} text */
  #take(text) {
    this.#text.value = text;
    void this.#look();
  }

  async #look() {
    const asked = ++this.#asked;
    const text = this.#text.value;
    if (!text.trim()) {
      this.#found.replaceChildren();
      return;
    }
    let content;
    try {
      content = this.#preview((await lookIntoServers(text)).servers, text);
    } catch (error) {
      content = [h("p", { class: "form-note is-bad", "data-testid": "import-problem", text: sentenceOf(error) })];
    }
    if (asked === this.#asked) this.#found.replaceChildren(...content);
  }

  /**
   * @param {FoundServer[]} found
   * @param {string} text
   */
  #preview(found, text) {
    const take = h("button", { type: "button", class: "button is-main", "data-testid": "import-take", text: t("servers.take", { count: found.length }) });
    take.addEventListener("click", () => {
      take.disabled = true;
      importServers(text).then(({ names }) => {
        toast(t("servers.taken", { count: names.length }));
        this.#text.value = "";
        this.#found.replaceChildren();
        this.#show(false);
        this.button.focus();
        this.#imported();
      }, (/** @type {unknown} */ error) => {
        toast(sentenceOf(error));
        take.disabled = false;
      });
    });
    return [
      h("ul", { class: "import-list", "data-testid": "import-found" }, found.map(({ name, place, known, problem }) =>
        h("li", {}, h("strong", { text: name }), h("code", { text: place }), known && h("span", { class: "import-known", text: t("servers.known") }), problemOf(problem)))),
      h("p", { class: "agent-hint", text: t("servers.off_at_first") }), h("div", { class: "form-acts" }, take)];
  }
}
