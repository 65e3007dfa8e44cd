/** Settings: one sheet, six pages, each with its own address (`#settings/model`). */
import { h, icon } from "../element.js";
import { onLanguage, t } from "../i18n.js";
import { aboutPage } from "./about.js";
import { charactersPage } from "./characters.js";
import { languagePage } from "./language.js";
import { lookPage } from "./look.js";
import { modelPage } from "./model.js";
import { voicePage } from "./voice.js";

const PAGES = { model: modelPage, voice: voicePage, look: lookPage, language: languagePage, characters: charactersPage, about: aboutPage };
const SIGNS = { model: "model", voice: "voice", look: "look", language: "language", characters: "character", about: "about" };

export class SettingsDialog {
  #dialog = document.getElementById("settings");
  #parts;
  #page = "";

  /** Parts: speech, stage, talk; handed to every page. */
  constructor(parts) {
    this.#parts = { ...parts, close: () => this.#dialog.close() };
    window.addEventListener("hashchange", () => this.followHash());
    this.#dialog.addEventListener("close", () => this.#closed());
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    onLanguage(() => this.#page && this.#draw());
  }

  /** Open, turn or close the sheet as the address says. */
  followHash() {
    const [sheet, page = "model"] = location.hash.slice(1).split("/");
    if (sheet !== "settings" || !PAGES[page]) {
      if (this.#dialog.open) this.#dialog.close();
      return;
    }
    this.#page = page;
    this.#draw();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #closed() {
    this.#page = "";
    this.#dialog.replaceChildren();
    if (location.hash.startsWith("#settings")) history.replaceState(null, "", location.pathname + location.search);
  }

  #draw() {
    const page = this.#page;
    const hadFocus = this.#dialog.contains(document.activeElement) && document.activeElement.closest(".settings-nav");
    const body = h("div", { class: "settings-body" });
    this.#dialog.setAttribute("aria-label", t("settings.title"));
    this.#dialog.replaceChildren(
      h("div", { class: "settings-frame" },
        h("header", { class: "settings-head" },
          h("h1", { text: t("settings.title") }),
          h("button", { type: "button", class: "icon-button", "data-testid": "settings-close", "aria-label": t("settings.close"), on: { click: () => this.#dialog.close() } }, icon("close"))),
        h("nav", { class: "settings-nav", "aria-label": t("settings.title") }, Object.keys(PAGES).map((name) => this.#tab(name))),
        h("h2", { class: "settings-title", text: t(`settings.pages.${page}`) }),
        body));
    PAGES[page](body, this.#parts);
    const tab = this.#dialog.querySelector('[aria-current="page"]');
    tab.scrollIntoView({ block: "nearest", inline: "center" });
    if (hadFocus) tab.focus();
  }

  #tab(name) {
    return h("button", {
      type: "button", class: "settings-tab", "data-testid": `settings-${name}`, "aria-current": name === this.#page && "page", autofocus: name === this.#page,
      on: { click: () => { location.hash = `settings/${name}`; } },
    }, icon(SIGNS[name]), h("span", { text: t(`settings.pages.${name}`) }));
  }
}
