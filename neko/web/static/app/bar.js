/**
 * The quiet bar on top: her name, her state, who is thinking for her, and the menu.
 *
 * @import { LinkState } from "./socket.js"
 * @import { OffRecord } from "./off_record.js"
 * @import { SpeechOutput } from "./speech_output.js"
 * @import { ModelLabel, TurnState } from "./wire.js"
 */
import { Attention } from "./attention.js";
import { byId, closest, h, icon } from "./element.js";
import { onLanguage, t } from "./i18n.js";
import { fold, folded } from "./layout.js";
import { privacy } from "./privacy.js";

const MENU = "#menu, #menu-button";

export class Bar {
  #name = byId("name", HTMLButtonElement);
  #nameText = "";
  /** @type {HTMLImageElement | null} */
  #picture = null;
  #chip = byId("state", HTMLElement);
  #connection = byId("connection", HTMLButtonElement);
  #connectionText = h("span", { class: "connection-text" });
  #button = byId("menu-button", HTMLButtonElement);
  #menu = byId("menu", HTMLElement);
  #speech;
  /** @type {TurnState} */
  #state = "idle";
  /** @type {LinkState} */
  #link = "connecting";
  /** @type {ModelLabel | null} */
  #model = null;
  /** Why the model did not answer. */
  #trouble = "";
  #muted = byId("muted", HTMLButtonElement);
  attention = new Attention();
  menuOpen = false;
  #on;

  /**
   * @param {SpeechOutput} speech
   * @param {{ onSearch: () => void, onChats: () => void, onNewChat: () => void, offRecord: () => OffRecord }} on what the menu is to do
   */
  constructor(speech, on) {
    this.#on = on;
    this.#connection.append(this.#connectionText);
    this.#speech = speech;
    this.#name.addEventListener("click", () => { location.hash = "settings/characters"; });
    this.#connection.addEventListener("click", () => { location.hash = "settings/model"; });
    this.#button.addEventListener("click", () => (this.menuOpen ? this.closeMenu() : this.#open()));
    document.addEventListener("pointerdown", (event) => {
      if (this.menuOpen && !closest(event.target, MENU)) this.closeMenu();
    });
    this.#menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !closest(event.relatedTarget, MENU)) this.closeMenu();
    });
    this.#muted.addEventListener("click", () => {
      this.#speech.setMuted(false);
      this.#drawMuted();
    });
    onLanguage(() => this.#relabel());
  }

  #drawMuted() {
    this.#muted.hidden = this.#speech.loudness > 0;
    this.#muted.setAttribute("aria-label", t("menu.unmute"));
    this.#muted.title = t("menu.unmute");
  }

  /** @param {string} text */
  setName(text) {
    this.#nameText = text;
    this.#name.replaceChildren(...(this.#picture ? [this.#picture] : []), text);
    this.attention.setName(text);
  }

  /** @param {string} url her picture; "" when she has none */
  setPicture(url) {
    this.#picture = url ? h("img", { class: "bar-picture", src: url, alt: "" }) : null;
    this.setName(this.#nameText);
  }

  /** @param {TurnState} state */
  setState(state) {
    this.#state = state;
    this.#chip.dataset.state = state;
    this.#chip.textContent = t(`state.${state}`);
  }

  /** @param {LinkState} link */
  setLink(link) {
    this.#link = link;
    this.#drawConnection();
  }

  /** @param {ModelLabel} model */
  setModel(model) {
    this.#model = model;
    this.#trouble = "";
    this.#drawConnection();
  }

  /**
   * The model has begun to answer, or could not.
   * @param {boolean} works
   * @param {string} [trouble] what is wrong
   */
  setWorks(works, trouble = "") {
    const model = this.#model;
    if (!model || model.offline || (model.works === works && trouble === this.#trouble)) return;
    this.#model = { ...model, works };
    this.#trouble = trouble;
    this.#drawConnection();
  }

  closeMenu() {
    if (this.#menu.contains(document.activeElement)) this.#button.focus();
    this.#showMenu(false);
    this.#menu.replaceChildren();
  }

  /** @param {boolean} open */
  #showMenu(open) {
    this.menuOpen = open;
    this.#menu.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
  }

  #drawConnection() {
    const model = this.#model;
    const online = this.#link === "online";
    const label = !model ? "" : model.offline ? t("connection.builtin") : model.model;
    const text = online ? label || t("connection.online") : t(`connection.${this.#link}`);
    this.#connection.dataset.state = online ? (model?.offline ? "builtin" : "online") : this.#link;
    this.#connection.dataset.model = model?.works === false ? "trouble" : model?.works ? "works" : "unknown";
    this.#connectionText.textContent = text;
    let full = text;
    if (online && model && !model.offline) {
      full = t("connection.through", { model: model.model, provider: model.provider });
      if (model.works === false) full = `${full} ${this.#trouble || t("connection.trouble")}`;
    }
    this.#connection.setAttribute("aria-label", t("connection.label", { state: full }));
    this.#connection.title = full;
  }

  #open() {
    const volume = this.#volume();
    this.#menu.replaceChildren(volume.row, h("hr"), ...this.#items());
    this.#showMenu(true);
    volume.mute.focus();
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
      this.#drawMuted();
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
    return { row: h("div", { class: "menu-volume" }, mute, slider), mute };
  }

  #items() {
    const go = (/** @type {string} */ page) => () => {
      this.closeMenu();
      location.hash = `settings/${page}`;
    };
    /**
     * @param {string} sign
     * @param {string} label
     * @param {() => void} run
     * @param {string} testId
     */
    const item = (sign, label, run, testId) =>
      h("button", { type: "button", class: "menu-item", "data-testid": testId, on: { click: run } }, icon(sign), h("span", { text: label }));
    const isFolded = folded();
    const then = (/** @type {() => void} */ run) => () => {
      this.closeMenu();
      run();
    };
    return [
      item("plus", t("chats.new"), then(this.#on.onNewChat), "menu-new-chat"),
      item("chats", t("chats.title"), then(this.#on.onChats), "menu-chats"),
      item("search", t("menu.search"), then(this.#on.onSearch), "menu-search"),
      this.#save(),
      h("a", { class: "menu-item", href: `memory_browser?${new URLSearchParams({ character: this.#nameText }).toString()}`, "data-testid": "menu-memory" }, icon("memory"), h("span", { text: t("menu.memory") })),
      h("a", { class: "menu-item", href: "agent", "data-testid": "menu-agent" }, icon("hand"), h("span", { text: t("menu.agent") })),
      item("off-record", t(this.#on.offRecord().on ? "off_record.end" : "off_record.begin"), then(() => {
        const offRecord = this.#on.offRecord();
        void offRecord.set(!offRecord.on);
      }), "menu-off-record"),
      item("private", t(privacy.isOn ? "privacy.end_all" : "privacy.begin"), then(() => void privacy.set(!privacy.isOn)), "menu-private"),
      h("hr"),
      item("character", t("settings.pages.characters"), go("characters"), "menu-characters"),
      item("model", t("settings.pages.model"), go("model"), "menu-model"),
      item("look", t("settings.pages.look"), go("look"), "menu-look"),
      item("settings", t("menu.settings"), go(""), "menu-settings"),
      h("div", { class: "menu-wide" }, item("fold", t(isFolded ? "menu.unfold" : "menu.fold"), () => {
        fold(!isFolded);
        this.closeMenu();
      }, "menu-fold")),
    ];
  }

  /** The whole talk as a file. */
  #save() {
    const path = `api/history/${encodeURIComponent(this.#name.textContent)}/export`;
    const link = (/** @type {string} */ form, /** @type {string} */ name) =>
      h("a", { href: `${path}?form=${form}`, download: true, "data-testid": `save-${form}`, text: name, on: { click: () => this.closeMenu() } });
    return h("div", { class: "menu-save" }, icon("save"), h("span", { text: t("menu.save") }), link("markdown", "Markdown"), link("json", "JSON"));
  }

  #relabel() {
    this.setState(this.#state);
    this.#drawConnection();
    this.#drawMuted();
    this.#name.title = t("settings.pages.characters");
    this.#button.setAttribute("aria-label", t("menu.label"));
    this.#button.title = t("menu.label");
  }
}
