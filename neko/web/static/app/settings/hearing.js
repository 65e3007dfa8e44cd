/**
 * Settings › Hearing: what turns speech into words, where the sound goes, and the models that hear on this computer.
 *
 * @import { HearingChange, HearingEngine, HearingSettings } from "../rest.js"
 */
import { canRecognise } from "../../sound/browser_recogniser.js";
import { get, post, sentenceOf } from "../api.js";
import { chooseBrowserRecogniser } from "../call.js";
import { h } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { CallsChoice } from "./calls.js";
import { row, select } from "./controls.js";
import { HearingModels } from "./hearing_models.js";

/** @type {("auto" | HearingEngine)[]} */
const ENGINES = ["auto", "local", "server", "browser", "off"];
const LANGUAGES = ["en", "zh-CN", "zh-TW", "ja", "ko"];
/** A server of one's own loads its model first. */
const TEST_TIMEOUT_MS = 130_000;

/** @param {HTMLElement} body */
export async function hearingPage(body) {
  const place = h("div", { class: "settings-group" }, h("p", { class: "form-note", text: t("model.loading") }));
  body.append(place);
  try {
    /** @type {HearingSettings} */
    const settings = await get("api/hearing");
    new HearingPage(place, settings);
  } catch (error) {
    place.replaceChildren(h("p", { class: "form-note is-bad", text: sentenceOf(error) }));
  }
}

class HearingPage {
  #settings;
  #now = h("p", { class: "form-note", role: "status", "data-testid": "hearing-now" });
  #remedy = h("p", { class: "form-note", "data-testid": "hearing-remedy", hidden: true });
  #problem = h("p", { class: "form-note is-bad", role: "alert", hidden: true, "data-testid": "hearing-problem" });
  #tested = h("p", { class: "form-note", role: "status", "data-testid": "hearing-tested" });
  #server = h("form", { class: "form", autocomplete: "off", hidden: true, on: { submit: (event) => event.preventDefault() } });
  #test = h("button", { type: "button", class: "button is-main", "data-testid": "hearing-test", text: t("model.test"), on: { click: () => void this.#tryOut() } });
  #tiles;
  #models;
  #speaksDirectly = false;
  #calls = new CallsChoice(({ way }) => {
    this.#speaksDirectly = way === "direct";
    this.#show(this.#settings);
  });

  /**
   * @param {HTMLElement} place
   * @param {HearingSettings} settings
   */
  constructor(place, settings) {
    this.#settings = settings;
    this.#tiles = ENGINES.map((engine) => h("button", {
      type: "button", class: "tile", role: "radio", "data-testid": `hearing-${engine}`, value: engine,
      on: { click: () => void this.#change({ engine }) },
    }, h("span", { class: "tile-name", text: t(`hearing.${engine}`) }), h("span", { class: "tile-note", text: t(`hearing.${engine}_hint`) })));
    this.#models = new HearingModels(settings, (now) => this.#show(now), (change) => this.#change(change));
    this.#drawServer();
    place.replaceChildren(
      this.#calls.element, this.#now, this.#remedy,
      h("div", { class: "tiles", role: "radiogroup", "aria-label": t("settings.pages.hearing") }, this.#tiles),
      this.#server, this.#models.element,
      row(t("hearing.language"), select(this.#languages(), settings.language, (language) => void this.#change({ language }), "hearing-language"), t("hearing.language_hint")),
      this.#problem,
      h("div", { class: "form-acts" }, this.#test), this.#tested);
    this.#show(settings);
    void this.#calls.load();
  }

  /** Words are sent in place of sound only where a text model is to be given them. */
  #chooseRecogniser() {
    chooseBrowserRecogniser(this.#settings.engine === "browser" && !this.#speaksDirectly);
  }

  /** @param {HearingSettings} now */
  #show(now) {
    this.#settings = now;
    this.#chooseRecogniser();
    const chosen = now.chosen ?? "auto";
    for (const tile of this.#tiles) tile.setAttribute("aria-checked", String(tile.value === chosen));
    this.#now.textContent = this.#words();
    this.#now.classList.toggle("is-bad", Boolean(now.error) && now.engine !== "browser" && now.chosen !== "off");
    this.#remedy.textContent = now.engine === "browser" || now.chosen === "off" ? "" : now.remedy;
    this.#remedy.hidden = !this.#remedy.textContent || this.#speaksDirectly;
    this.#now.hidden = this.#speaksDirectly; // nothing here hears a call then
    this.#server.hidden = chosen !== "server" && !now.url;
    this.#models.element.hidden = chosen !== "local" && chosen !== "auto";
    this.#test.disabled = !now.name;
    this.#models.show(now);
  }

  /** What hears, and where the sound goes. */
  #words() {
    const { engine, error, local, name, url } = this.#settings;
    if (engine === "browser") return t(canRecognise() ? "hearing.goes_browser" : "hearing.no_browser");
    if (error) return error;
    return t(local ? "hearing.goes_nowhere" : url ? "hearing.goes_address" : "hearing.goes_provider", { name, url });
  }

  /** @param {HearingChange} change */
  async #change(change) {
    this.#tell("");
    this.#tested.textContent = "";
    try {
      /** @type {HearingSettings} */
      const now = await post("api/hearing", change);
      this.#show(now);
    } catch (error) {
      this.#tell(sentenceOf(error));
    }
  }

  async #tryOut() {
    this.#tell("");
    this.#tested.textContent = t("model.loading");
    this.#test.disabled = true;
    try {
      /** @type {{ name: string, latency_ms: number }} */
      const { name, latency_ms: ms } = await post("api/hearing/test", {}, TEST_TIMEOUT_MS);
      this.#tested.textContent = t("hearing.works", { name, seconds: new Intl.NumberFormat(currentLanguage(), { maximumFractionDigits: 2 }).format(ms / 1000) });
    } catch (error) {
      this.#tested.textContent = "";
      this.#tell(sentenceOf(error));
    } finally {
      this.#test.disabled = false;
    }
  }

  /** @param {string} words */
  #tell(words) {
    this.#problem.textContent = words;
    this.#problem.hidden = !words;
  }

  #drawServer() {
    const { api_key: key, provider } = this.#settings;
    this.#server.append(
      ...[provider ? h("p", { class: "form-note", text: t("hearing.provider_serves", { name: provider }) }) : ""],
      this.#field("url", t("model.url"), "http://localhost:8000/v1"),
      this.#field("api_key", t("model.key_optional"), key ? t("model.key_saved_placeholder") : ""),
      this.#field("model", t("model.model"), "whisper-1"));
  }

  /**
   * @param {"url" | "api_key" | "model"} name
   * @param {string} label
   * @param {string} hint
   */
  #field(name, label, hint) {
    const secret = name === "api_key";
    /** @type {HTMLInputElement} */
    const input = h("input", {
      class: "input", type: secret ? "password" : "text", spellcheck: "false", autocomplete: "off", value: secret ? "" : this.#settings[name],
      placeholder: hint, "data-testid": `hearing-${name}`, on: { change: () => void this.#change({ [name]: input.value.trim() }) },
    });
    return h("label", { class: "field" }, h("span", { class: "field-name", text: label }), input);
  }

  /** @returns {[value: string, label: string][]} */
  #languages() {
    const names = new Intl.DisplayNames(currentLanguage(), { type: "language" });
    const { language } = this.#settings;
    const all = language && !LANGUAGES.includes(language) ? [...LANGUAGES, language] : LANGUAGES;
    return [["", t("hearing.finds_out")], ...all.map((/** @type {string} */ tag) => /** @type {[string, string]} */ ([tag, names.of(tag) ?? tag]))];
  }
}
