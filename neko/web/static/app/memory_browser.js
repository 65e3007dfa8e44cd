/**
 * All that a character remembers: its days, its summaries, a search over both. What is shown stands in the address
 * (`?character=Mio#2026-03-03`, `#summaries`), so that one can go back.
 *
 * @import { Characters } from "./rest.js"
 */
import { get } from "./api.js";
import { byId, h } from "./element.js";
import { onLanguage, t } from "./i18n.js";
import { Calls } from "./memory/calls.js";
import { ChangesView } from "./memory/changes_view.js";
import { DaysView } from "./memory/days_view.js";
import { FactsView } from "./memory/facts_view.js";
import { FoundView } from "./memory/found_view.js";
import { ManageView } from "./memory/manage_view.js";
import { MemosView } from "./memory/memos_view.js";
import { WorkBar } from "./memory/work_bar.js";
import { actOnNewestToast } from "./notices.js";
import { startShell } from "./shell.js";

const PAUSE_MS = 150;

/** @typedef {{ show: (place: string) => void | Promise<void> }} View `place`: the part of the address that is its own. */

class MemoryBrowser {
  #words = byId("words", HTMLInputElement);
  #tabs = byId("tabs", HTMLElement);
  #view = byId("view", HTMLElement);
  #who = byId("who", HTMLSelectElement);
  #timer = 0;
  /** @type {string[]} All characters. */
  #names = [];

  /** @param {string} character */
  constructor(character) {
    this.character = character;
    /** @type {{ character: string, view: HTMLElement, go: (place: string) => void }} */
    const parts = { character, view: this.#view, go: (place) => this.go(place) };
    const manage = new ManageView({ ...parts, names: () => this.#names });
    this.views = new Map(/** @type {[string, View][]} */ ([["days", new DaysView(parts)], ["summaries", new MemosView(parts)], ["known", new FactsView(parts)], ["changes", new ChangesView(parts)], ["manage", manage]]));
    this.found = new FoundView(parts);
    this.work = new WorkBar(new Calls(character));
    this.#view.before(this.work.element);
    this.#view.addEventListener("memorywork", () => void this.work.look());
    this.#words.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.draw(), PAUSE_MS);
    });
    this.#who.addEventListener("change", () => {
      location.search = new URLSearchParams({ character: this.#who.value }).toString();
    });
    window.addEventListener("hashchange", () => void this.draw());
    document.addEventListener("keydown", (event) => this.#key(event));
    onLanguage(() => {
      this.#label();
      void this.work.look();
    });
  }

  /** The view that the address names. */
  get place() {
    const named = decodeURIComponent(location.hash.slice(1));
    return this.views.has(named) ? named : "days";
  }

  /**
   * Show this part of the address; what was searched for is over.
   * @param {string} place
   */
  go(place) {
    this.#words.value = "";
    if (decodeURIComponent(location.hash.slice(1)) === place) void this.draw();
    else location.hash = place;
  }

  async draw() {
    const words = this.#words.value.trim();
    this.#drawTabs(words ? "" : this.place);
    if (words) await this.found.show(words);
    else await this.views.get(this.place)?.show(decodeURIComponent(location.hash.slice(1)));
  }

  /** @param {string[]} names of all characters */
  offer(names) {
    this.#names = names;
    this.#who.replaceChildren(...names.map((name) => h("option", { value: name, text: name, selected: name === this.character })));
    this.#who.hidden = names.length < 2;
  }

  #label() {
    byId("title", HTMLElement).textContent = t("memory.title", { name: this.character });
    document.title = t("memory.title", { name: this.character });
    const back = byId("back", HTMLAnchorElement);
    back.href = encodeURIComponent(this.character);
    back.setAttribute("aria-label", t("memory.back"));
    back.title = t("memory.back");
    this.#who.setAttribute("aria-label", t("memory.who"));
    this.#words.setAttribute("aria-label", t("memory.search"));
    this.#words.placeholder = t("memory.search");
    this.#tabs.setAttribute("aria-label", t("memory.parts"));
  }

  /** @param {string} current */
  #drawTabs(current) {
    this.#tabs.replaceChildren(...[...this.views.keys()].map((name) => h("button", {
      type: "button", class: "memory-tab", "data-testid": `tab-${name}`, "aria-current": name === current && "page",
      text: t(`memory.${name}`), on: { click: () => this.go(name) },
    })));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    const inField = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLSelectElement;
    if (event.key === "Escape" && event.target === this.#words && this.#words.value) this.go(location.hash.slice(1));
    else if (event.key === "ArrowDown" && event.target === this.#words) {
      event.preventDefault();
      this.found.enter();
    } else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && !inField) {
      if (actOnNewestToast()) event.preventDefault();
    } else if ((event.key === "/" && !inField) || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      this.#words.focus();
      this.#words.select();
    }
  }
}

const show = await startShell();
const wanted = new URLSearchParams(location.search).get("character");
const browser = new MemoryBrowser(wanted || (document.documentElement.dataset.character ?? ""));
await browser.draw();
show();
try {
  /** @type {Characters} */
  const characters = await get("api/characters");
  browser.offer(Object.keys(characters["猫娘"] ?? {}));
} catch {
  // One can still look at this one's.
}
