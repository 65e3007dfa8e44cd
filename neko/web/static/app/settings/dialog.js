/**
 * Settings: one sheet, ten pages, each with its own address (`#settings/model`); `#settings/` is the one seen last.
 *
 * @import { Appearance } from "../appearance.js"
 * @import { Call } from "../call.js"
 * @import { Conversation } from "../conversation.js"
 * @import { SpeechOutput } from "../speech_output.js"
 * @import { Stage } from "../stage.js"
 *
 * @typedef {{ speech: SpeechOutput, stage: Stage, conversation: Conversation, appearance: Appearance, call: Call }} DialogParts
 * @typedef {DialogParts & { close: () => void }} PageParts What every page of the settings gets.
 */
import { byId, closest, h, icon } from "../element.js";
import { onLanguage, t } from "../i18n.js";
import { showToastsIn } from "../notices.js";
import { abilitiesPage } from "./abilities.js";
import { aboutPage } from "./about.js";
import { backupPage } from "./backup.js";
import { charactersPage } from "./characters.js";
import { hearingPage } from "./hearing.js";
import { languagePage } from "./language.js";
import { lookPage } from "./look.js";
import { microphonePage } from "./microphone.js";
import { modelPage } from "./model.js";
import { voicePage } from "./voice.js";

/** @type {Map<string, { draw: (body: HTMLElement, parts: PageParts) => void, sign: string }>} */
const PAGES = new Map([
  ["model", { draw: modelPage, sign: "model" }],
  ["voice", { draw: (body, parts) => void voicePage(body, parts), sign: "voice" }],
  ["hearing", { draw: (body) => void hearingPage(body), sign: "hearing" }],
  ["microphone", { draw: microphonePage, sign: "microphone" }],
  ["look", { draw: lookPage, sign: "look" }],
  ["language", { draw: languagePage, sign: "language" }],
  ["characters", { draw: (body, parts) => void charactersPage(body, parts), sign: "character" }],
  ["abilities", { draw: (body) => void abilitiesPage(body), sign: "hand" }],
  ["backup", { draw: backupPage, sign: "save" }],
  ["about", { draw: aboutPage, sign: "about" }],
]);

export class SettingsDialog {
  #dialog = byId("settings", HTMLDialogElement);
  #parts;
  #page = "";
  /** Where the reader was; at first what the menu has no entry of its own for. */
  #last = "voice";

  /** @param {DialogParts} parts */
  constructor(parts) {
    this.#parts = { ...parts, close: () => this.#close() };
    this.#dialog.addEventListener("close", () => this.#closed());
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#close();
    });
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#close();
    });
    onLanguage(() => {
      if (this.#page) this.#draw();
    });
  }

  get open() {
    return this.#dialog.open;
  }

  /**
   * Now, if the sheet is closed, else once it is.
   * @param {() => void} run
   */
  whenClosed(run) {
    if (this.open) this.#dialog.addEventListener("close", run, { once: true });
    else run();
  }

  /** Open, turn or close the sheet as the address says. */
  followHash() {
    const [sheet, named] = location.hash.slice(1).split("/");
    const page = named || this.#last;
    if (sheet !== "settings" || !PAGES.has(page)) {
      this.#close();
      return;
    }
    this.#page = page;
    this.#last = page;
    this.#draw();
    if (this.#dialog.open) return;
    this.#dialog.showModal();
    this.#showTab();
    showToastsIn(this.#dialog);
  }

  /** On a phone the tabs are a row that is wider than the page. */
  #showTab() {
    this.#dialog.querySelector(".settings-tab[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }

  #close() {
    if (!this.open) return;
    this.#leavePage(); // now: an address that is set before the `close` event comes is to stay
    this.#dialog.close();
  }

  #leavePage() {
    this.#page = "";
    if (location.hash.startsWith("#settings")) history.replaceState(null, "", location.pathname + location.search);
  }

  #closed() {
    if (this.open) return; // again, before this event came
    if (this.#page) this.#leavePage();
    showToastsIn(null);
    this.#dialog.replaceChildren();
    if (document.activeElement === document.body) byId("menu-button", HTMLElement).focus(); // the page was opened with the sheet
  }

  #draw() {
    const page = this.#page;
    const hadFocus = this.#dialog.contains(closest(document.activeElement, ".settings-nav"));
    const body = h("div", { class: "settings-body" });
    const tabs = new Map([...PAGES].map(([name, { sign }]) => [name, this.#tab(name, sign)]));
    this.#dialog.setAttribute("aria-label", t("settings.title"));
    this.#dialog.querySelector(".settings-frame")?.remove();
    this.#dialog.prepend(
      h("div", { class: "settings-frame" },
        h("div", { class: "settings-head" },
          h("h1", { text: t("settings.title") }),
          h("button", { type: "button", class: "icon-button", "data-testid": "settings-close", "aria-label": t("settings.close"), on: { click: () => this.#close() } }, icon("close"))),
        h("nav", { class: "settings-nav", "aria-label": t("settings.title") }, [...tabs.values()]),
        h("h2", { class: "settings-title", text: t(`settings.pages.${page}`) }),
        body));
    PAGES.get(page)?.draw(body, this.#parts);
    const tab = tabs.get(page);
    this.#showTab();
    if (hadFocus) tab?.focus();
  }

  /**
   * @param {string} name
   * @param {string} sign
   */
  #tab(name, sign) {
    return h("button", {
      type: "button", class: "settings-tab", "data-testid": `settings-${name}`, "aria-current": name === this.#page && "page", autofocus: name === this.#page,
      on: { click: () => { location.hash = `settings/${name}`; } },
    }, icon(sign), h("span", { text: t(`settings.pages.${name}`) }));
  }
}
