/** The quiet bar on top: her name, her state, who is thinking for her, and the menu. */
import { h, icon } from "./element.js";
import { onLanguage, t } from "./i18n.js";
import { fold, folded } from "./layout.js";

const name = document.getElementById("name");
const chip = document.getElementById("state");
const connection = document.getElementById("connection");
const button = document.getElementById("menu-button");
const menu = document.getElementById("menu");

export class Bar {
  #speech;
  #state = "idle";
  #line = "connecting";
  #model = null;

  constructor(speech) {
    this.#speech = speech;
    name.addEventListener("click", () => { location.hash = "settings/characters"; });
    connection.addEventListener("click", () => { location.hash = "settings/model"; });
    button.addEventListener("click", () => (menu.hidden ? this.#open() : this.closeMenu()));
    document.addEventListener("pointerdown", (event) => {
      if (!menu.hidden && !event.target.closest("#menu, #menu-button")) this.closeMenu();
    });
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !event.relatedTarget.closest("#menu, #menu-button")) this.closeMenu();
    });
    onLanguage(() => this.#relabel());
  }

  get menuOpen() {
    return !menu.hidden;
  }

  setName(text) {
    name.textContent = text;
    document.title = text || "Neko";
  }

  setState(state) {
    this.#state = state;
    chip.dataset.state = state;
    chip.textContent = t(`state.${state}`);
  }

  /** connecting, online, waiting, taken, closed */
  setLine(line) {
    this.#line = line;
    this.#drawConnection();
  }

  /** `{model, provider, offline}` */
  setModel(model) {
    this.#model = model;
    this.#drawConnection();
  }

  closeMenu() {
    if (menu.contains(document.activeElement)) button.focus();
    menu.hidden = true;
    menu.replaceChildren();
    button.setAttribute("aria-expanded", "false");
  }

  #drawConnection() {
    const model = this.#model;
    const online = this.#line === "online";
    const label = !model ? "" : model.offline ? t("connection.builtin") : model.model;
    const text = online ? label || t("connection.online") : t(`connection.${this.#line}`);
    connection.dataset.state = online ? (model?.offline ? "builtin" : "online") : this.#line;
    connection.querySelector(".connection-text").textContent = text;
    const full = online && model && !model.offline ? t("connection.through", { model: model.model, provider: model.provider }) : text;
    connection.setAttribute("aria-label", t("connection.label", { state: full }));
    connection.title = full;
  }

  #open() {
    menu.replaceChildren(this.#volume(), h("hr"), ...this.#items());
    menu.hidden = false;
    button.setAttribute("aria-expanded", "true");
    menu.querySelector("button, input").focus();
  }

  #volume() {
    const speech = this.#speech;
    const mute = h("button", { type: "button", class: "icon-button is-small", "data-testid": "mute" });
    const slider = h("input", {
      type: "range", min: "0", max: "100", value: String(Math.round(speech.loudness * 100)),
      "aria-label": t("menu.volume"), "data-testid": "volume",
    });
    const draw = () => {
      mute.replaceChildren(icon(speech.loudness ? "volume" : "mute"));
      mute.setAttribute("aria-label", t(speech.loudness ? "menu.mute" : "menu.unmute"));
      mute.setAttribute("aria-pressed", String(!speech.loudness));
      slider.value = String(Math.round(speech.loudness * 100));
    };
    slider.addEventListener("input", () => {
      speech.setVolume(Number(slider.value) / 100);
      draw();
    });
    mute.addEventListener("click", () => {
      speech.setMuted(!speech.muted);
      draw();
    });
    draw();
    return h("div", { class: "menu-volume" }, mute, slider);
  }

  #items() {
    const go = (page) => () => {
      this.closeMenu();
      location.hash = `settings/${page}`;
    };
    const item = (sign, label, run, testId) =>
      h("button", { type: "button", class: "menu-item", "data-testid": testId, on: { click: run } }, icon(sign), h("span", { text: label }));
    const isFolded = folded();
    return [
      item("character", t("settings.pages.characters"), go("characters"), "menu-characters"),
      item("model", t("settings.pages.model"), go("model"), "menu-model"),
      item("look", t("settings.pages.look"), go("look"), "menu-look"),
      item("settings", t("menu.settings"), go("model"), "menu-settings"),
      h("div", { class: "menu-wide" }, item("fold", t(isFolded ? "menu.unfold" : "menu.fold"), () => {
        fold(!isFolded);
        this.closeMenu();
      }, "menu-fold")),
    ];
  }

  #relabel() {
    this.setState(this.#state);
    this.#drawConnection();
    name.title = t("settings.pages.characters");
    button.setAttribute("aria-label", t("menu.label"));
    button.title = t("menu.label");
  }
}
