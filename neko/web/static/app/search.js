/**
 * Looking for words in the whole talk, as they are typed; a line that is found is shown in its place.
 *
 * @import { Line } from "./wire.js"
 * @import { FoundLines } from "./rest.js"
 */
import { get, sentenceOf } from "./api.js";
import { byId, h, icon, inOneLine } from "./element.js";
import { currentLanguage, t } from "./i18n.js";
import { walk } from "./list_keys.js";
import { marked } from "./marked_words.js";

const PAUSE_MS = 150;
const PAGE = 30;
const SNIPPET = 90;

export class Search {
  #jump;
  #character;
  #onClosed;
  /** @type {HTMLElement | null} */
  #panel = null;
  #input = h("input", { class: "input", type: "search", spellcheck: "false", maxlength: "200", "data-testid": "search-input" });
  #count = h("p", { class: "panel-note", role: "status", "data-testid": "search-count" });
  #list = h("ol", { class: "panel-list", "data-testid": "search-found" });
  #timer = 0;
  #asked = "";
  #found = 0;

  /**
   * @param {{ jump: (line: Line) => Promise<void>, character: () => string, onClosed: () => void }} options
   */
  constructor({ jump, character, onClosed }) {
    this.#jump = jump;
    this.#character = character;
    this.#onClosed = onClosed;
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#look(), PAUSE_MS);
    });
  }

  get open() {
    return this.#panel !== null;
  }

  show() {
    if (!this.#panel) {
      this.#input.setAttribute("aria-label", t("search.label"));
      this.#input.placeholder = t("search.placeholder");
      this.#panel = h("search", { class: "panel", "data-testid": "search", on: { keydown: (event) => this.#key(event) } },
        h("div", { class: "panel-head" }, this.#input,
          h("button", { type: "button", class: "icon-button", "aria-label": t("search.close"), "data-testid": "search-close", on: { click: () => this.close() } }, icon("close"))),
        this.#count, this.#list);
      byId("talk", HTMLElement).prepend(this.#panel);
    }
    this.#input.focus();
    this.#input.select();
  }

  close() {
    this.#panel?.remove();
    this.#panel = null;
    this.#input.value = "";
    this.#clear("");
    this.#onClosed();
  }

  /** @param {string} words said of what was found */
  #clear(words) {
    this.#asked = this.#input.value.trim();
    this.#found = 0;
    this.#list.replaceChildren();
    this.#count.textContent = words;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
      return;
    }
    const hits = [...this.#list.querySelectorAll("button")];
    if (event.key === "Enter" && document.activeElement === this.#input) hits[0]?.click();
    else walk(event, hits, this.#input);
  }

  async #look(before = 0) {
    const words = this.#input.value.trim();
    if (!before) this.#clear("");
    if (!words) return;
    const path = `api/history/${encodeURIComponent(this.#character())}/search`;
    const query = new URLSearchParams({ q: words, limit: String(PAGE), ...(before && { before: String(before) }) });
    try {
      /** @type {FoundLines} */
      const page = await get(`${path}?${query.toString()}`);
      if (this.#asked === words) this.#show(page, words);
    } catch (error) {
      if (this.#asked === words) this.#count.textContent = sentenceOf(error);
    }
  }

  /**
   * @param {FoundLines} page
   * @param {string} words
   */
  #show({ lines, has_more: more, incomplete }, words) {
    this.#list.querySelector(".search-more")?.remove();
    this.#list.append(...lines.map((line) => h("li", {}, this.#hit(line, words))));
    this.#found += lines.length;
    const told = this.#found ? t(more ? "search.first" : "search.found", { count: String(this.#found) }) : t("search.nothing");
    this.#count.textContent = [told, incomplete].filter(Boolean).join(" ");
    const last = lines.at(-1);
    if (more && last) {
      this.#list.append(h("li", { class: "search-more" },
        h("button", { type: "button", class: "button is-quiet", text: t("search.more"), on: { click: () => this.#look(last.id) } })));
    }
  }

  /**
   * @param {Line} line
   * @param {string} words
   */
  #hit(line, words) {
    const when = line.at && new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(line.at));
    return h("button", { type: "button", class: "panel-item", "data-id": String(line.id), on: { click: () => void this.#go(line) } },
      h("span", { class: "panel-hint" }, inOneLine([line.role === "user" ? t("talk.you") : line.speaker, when])), h("span", { class: "panel-words" }, marked(line.text, words, SNIPPET)));
  }

  /** @param {Line} line */
  async #go(line) {
    this.#count.textContent = t("search.going");
    await this.#jump(line);
    this.#count.textContent = t("search.found", { count: String(this.#found) });
  }
}
