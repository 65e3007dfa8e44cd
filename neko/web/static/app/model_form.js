/**
 * Choose who thinks for her: a tile, a key, a test in plain words, a model, done.
 *
 * @import { CurrentModel, ModelChoice, ModelNames, ModelTested, Provider } from "./rest.js"
 *
 * @typedef {object} Fields The controls of the chosen provider; the built-in model has only `use`.
 * @property {HTMLInputElement} url
 * @property {HTMLInputElement} key
 * @property {HTMLSelectElement} list
 * @property {HTMLInputElement} typed a name that is not in the list
 * @property {HTMLButtonElement} test
 */
import { ApiError, get, post, sentenceOf } from "./api.js";
import { h } from "./element.js";
import { has, t } from "./i18n.js";

const LIST_TIMEOUT_MS = 45_000;
const LATE_MS = 10_000;
/** Longer than the server waits for the first words of a model. */
const TEST_TIMEOUT_MS = 630_000;
const OTHER = "\u0000other";
/** @type {Provider} */
const OFFLINE = { key: "offline", name: "", base_url: "", models: {}, needs_key: false, has_key: false, key_from: "", site: "", group: "" };
/** @type {Provider} */
const CUSTOM = { ...OFFLINE, key: "custom" };

export class ModelForm {
  #builtin;
  #onDone;
  /** @type {CurrentModel | null} */
  #current = null;
  /** @type {Provider} */
  #provider = OFFLINE;
  #tiles = h("div", { class: "tiles", role: "radiogroup" });
  #fields = h("form", { class: "form", hidden: true, autocomplete: "off", novalidate: true, on: { submit: (event) => {
    event.preventDefault();
    void this.#save();
  } } });
  /** @type {Fields | null} */
  #controls = null;
  /** The choice of the last test, whatever came of it: it is taken without another one. */
  #known = "";
  #use = h("button", { type: "submit", class: "button is-main", "data-testid": "model-use" });
  #note = h("p", { class: "form-note", role: "status", hidden: true, "data-testid": "model-note" });
  element = h("div", { class: "model-form" }, this.#tiles, this.#fields);

  /**
   * `builtin`: offer the built-in model as a tile. `onDone(model)` after the choice is saved.
   * @param {{ builtin: boolean, onDone: (model: string) => void }} options
   */
  constructor({ builtin, onDone }) {
    this.#builtin = builtin;
    this.#onDone = onDone;
    this.#tiles.setAttribute("aria-label", t("model.provider"));
  }

  /**
   * Fetch what there is to choose from.
   * @returns {Promise<CurrentModel | null>} null when it could not be had; the form says so
   */
  async load() {
    this.#tiles.replaceChildren(h("p", { class: "form-note", text: t("model.loading") }));
    try {
      /** @type {CurrentModel} */
      const current = await get("api/models/current");
      this.#current = current;
      this.#drawTiles(current);
      return current;
    } catch (error) {
      this.#tiles.replaceChildren(h("p", { class: "form-note is-bad", text: sentenceOf(error) }));
      return null;
    }
  }

  #providers() {
    const providers = this.#current?.providers ?? [];
    const custom = providers.find(({ key }) => key === "custom") ?? CUSTOM;
    const known = providers.filter(({ key }) => !["local", "offline", "custom"].includes(key));
    const grouped = ["", "international", "chinese"].flatMap((group) => known.filter((provider) => provider.group === group));
    return [...(this.#builtin ? [OFFLINE] : []), custom, ...grouped];
  }

  /** @param {Provider} provider */
  #name(provider) {
    if (provider.key === "offline") return t("connection.builtin");
    return provider.key === "custom" ? t("model.custom") : provider.name;
  }

  /** @param {CurrentModel} current */
  #drawTiles(current) {
    const inUse = tileInUse(current);
    let group = "";
    this.#tiles.replaceChildren(...this.#providers().flatMap((provider) => {
      const heading = provider.group && provider.group !== group ? [h("p", { class: "tiles-group", text: t(`model.groups.${provider.group}`) })] : [];
      group = provider.group;
      const note = provider.key === inUse ? inUseNote(current)
        : provider.key === "custom" ? t("model.custom_hint")
        : !provider.needs_key ? t("model.no_key")
        : provider.has_key ? t("model.key_saved") : t("model.needs_key");
      return [...heading, h("button", {
        type: "button", class: "tile", role: "radio", "aria-checked": "false", "data-testid": `provider-${provider.key}`,
        "data-key": provider.key, "data-in-use": provider.key === inUse, on: { click: () => this.choose(provider.key) },
      }, h("span", { class: "tile-name", text: this.#name(provider) }), h("span", { class: "tile-note", text: note }))];
    }));
  }

  /** @param {string} key of a provider */
  choose(key) {
    this.#provider = this.#providers().find((provider) => provider.key === key) ?? OFFLINE;
    for (const tile of this.#tiles.querySelectorAll(".tile")) tile.setAttribute("aria-checked", String(tile.getAttribute("data-key") === key));
    this.#drawFields();
    (this.#fields.querySelector("input") ?? this.#fields.querySelector("button"))?.focus({ preventScroll: true });
    this.#fields.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  #drawFields() {
    const provider = this.#provider;
    this.#fields.hidden = false;
    this.#use.textContent = t("model.use");
    this.#known = "";
    this.#note.hidden = true;
    if (provider.key === "offline") {
      this.#controls = null;
      this.#fields.replaceChildren(h("p", { class: "form-note", text: t("model.builtin_words") }), this.#note, h("div", { class: "form-acts" }, this.#use));
      return;
    }
    const controls = this.#makeControls(provider);
    const { url, key, list, typed, test } = controls;
    const custom = provider.key === "custom";
    const site = provider.site && h("a", { class: "field-hint", href: provider.site, target: "_blank", rel: "noopener noreferrer", text: t("model.get_key") });
    this.#fields.replaceChildren(
      custom ? field(t("model.url"), url, h("span", { class: "field-hint", text: t("model.url_hint") })) : "",
      provider.needs_key || custom ? field(custom ? t("model.key_optional") : t("model.key"), key, site) : "",
      field(t("model.model"), h("span", { class: "field-pair" }, list, typed)),
      custom ? "" : this.#receives(provider),
      provider.key_from && h("p", { class: "form-note", "data-testid": "key-from", text: t("model.key_from", { name: provider.key_from }) }),
      this.#pinned(),
      this.#note,
      h("div", { class: "form-acts" }, this.#forget(provider), test, this.#use));
  }

  /** @param {Provider} provider */
  #makeControls(provider) {
    const mine = this.#current && tileInUse(this.#current) === provider.key ? this.#current : null;
    const model = mine?.model || provider.models.conversation || "";
    const url = h("input", {
      class: "input", type: "url", inputmode: "url", spellcheck: "false", "data-testid": "model-url", placeholder: "http://localhost:8000/v1",
      value: mine?.base_url || provider.base_url,
    });
    const key = h("input", {
      class: "input", type: "password", autocomplete: "off", spellcheck: "false", "data-testid": "model-key",
      placeholder: provider.has_key ? t("model.key_saved_placeholder") : t("model.key_placeholder"),
    });
    const list = h("select", { class: "select", "data-testid": "model-list" }, h("option", { value: model, text: model || t("model.any") }));
    const typed = h("input", { class: "input", spellcheck: "false", "data-testid": "model-name", "aria-label": t("model.model"), value: model, hidden: true });
    const test = h("button", { type: "button", class: "button", "data-testid": "model-test", text: t("model.test"), on: { click: () => this.#test() } });
    const controls = { url, key, list, typed, test };
    this.#controls = controls;
    list.addEventListener("change", () => {
      typed.hidden = list.value !== OTHER;
      if (!typed.hidden) typed.focus();
    });
    for (const control of [url, key, list, typed]) {
      control.addEventListener("input", () => {
        this.#known = "";
        this.#use.textContent = t("model.use");
      });
    }
    offerModels(controls, model ? [model] : [], model);
    key.addEventListener("change", () => void this.#listModels());
    url.addEventListener("change", () => void this.#listModels());
    return controls;
  }

  /**
   * The way to delete what is kept of this provider: its key, or the address typed in with its key.
   * @param {Provider} provider
   */
  #forget(provider) {
    const custom = provider.key === "custom";
    const current = this.#current;
    const kept = custom ? current && tileInUse(current) === "custom" : provider.needs_key && provider.has_key;
    if (!kept || provider.key_from) return "";
    return h("button", {
      type: "button", class: "button is-quiet", "data-testid": "model-forget", text: t(custom ? "model.forget_address" : "model.forget_key"),
      on: { click: () => this.#forgetIt(provider.key) },
    });
  }

  /** @param {string} key of a provider */
  #forgetIt(key) {
    return this.#busily(async () => {
      this.#current = /** @type {CurrentModel} */ (await post("api/models/forget", { provider: key }));
      this.#drawTiles(this.#current);
      this.choose(key);
      this.#say(t("model.forgotten"), "is-good");
    });
  }

  /**
   * Who gets to read what is said.
   * @param {Provider} provider
   */
  #receives(provider) {
    const host = hostOf(provider.base_url);
    if (!host) return "";
    return h("p", { class: "form-note", "data-testid": "model-receives", text: t(provider.needs_key ? "model.receives" : "model.receives_free", { host }) });
  }

  #pinned() {
    const { key_from: from } = this.#provider;
    const pins = [...new Set(Object.values(this.#current?.pinned ?? {}))].filter((name) => name !== from);
    return pins.length ? h("p", { class: "form-note", text: t("model.pinned", { names: pins.join(", ") }) }) : "";
  }

  /**
   * What the form says now, as the REST calls want it. An empty key means the stored one.
   * @returns {ModelChoice}
   */
  #request({ model = true } = {}) {
    /** @type {ModelChoice} */
    const request = { provider: this.#provider.key };
    const key = this.#controls?.key.value.trim();
    if (this.#provider.key === "custom") request.base_url = this.#controls?.url.value.trim() ?? "";
    if (key) request.api_key = key;
    if (model && this.#model()) request.model = this.#model();
    return request;
  }

  #model() {
    if (!this.#controls) return "";
    const { list, typed } = this.#controls;
    return (typed.hidden ? list.value : typed.value).replace(OTHER, "").trim();
  }

  /**
   * @param {string} text
   * @param {"" | "is-good" | "is-bad"} [kind]
   */
  #say(text, kind = "") {
    this.#note.hidden = !text;
    this.#note.className = `form-note ${kind}`;
    this.#note.textContent = text;
    this.#fields.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  async #listModels() {
    const controls = this.#controls;
    const models = await namesOf(this.#request({ model: false }));
    if (controls && controls === this.#controls && models.length) offerModels(controls, models, this.#model() || models[0]);
  }

  /** @param {() => Promise<void>} work */
  async #busily(work) {
    const buttons = [this.#use, ...(this.#controls ? [this.#controls.test] : [])];
    for (const button of buttons) button.disabled = true;
    try {
      await work();
    } catch (error) {
      this.#say(this.#problem(error), "is-bad");
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  /**
   * What the server said; a refusal by the provider in the words of this page, where the remedy is at hand.
   * @param {unknown} error
   */
  #problem(error) {
    const key = error instanceof ApiError ? `model.faults.${error.code}` : "";
    if (!(error instanceof ApiError) || !has(key)) return sentenceOf(error);
    const words = t(key, { provider: this.#address() || this.#name(this.#provider), model: this.#model() });
    return [words, error.said].filter(Boolean).join(" ");
  }

  /** The custom address without what everybody knows of it. */
  #address() {
    return this.#provider.key === "custom" ? hostOf(this.#controls?.url.value ?? "") : "";
  }

  #test() {
    return this.#busily(async () => {
      this.#say(t("model.testing"));
      if (!this.#model()) await this.#listModels();
      const result = await this.#tested();
      this.#say(t("model.works", { model: result.model, ms: Math.round(result.latency_ms) }), "is-good");
      await this.#listModels();
    });
  }

  /** A model that is loaded for this may take minutes, which is said. */
  async #tested() {
    const late = setTimeout(() => this.#say(t("model.testing_late")), LATE_MS);
    const choice = this.#request();
    this.#known = JSON.stringify(choice);
    this.#use.textContent = t("model.use");
    try {
      /** @type {ModelTested} */
      const result = await post("api/models/test", choice, TEST_TIMEOUT_MS);
      return result;
    } catch (error) {
      this.#use.textContent = t("model.use_anyway");
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  /** A choice that does not work is taken only when it is pressed once more. */
  #save() {
    return this.#busily(async () => {
      if (this.#controls && this.#known !== JSON.stringify(this.#request())) {
        this.#say(t("model.testing"));
        await this.#tested();
      }
      await post("api/models/use", this.#request());
      this.#onDone(this.#provider.key === "offline" ? t("connection.builtin") : this.#model() || this.#name(this.#provider));
    });
  }
}

/**
 * The models of a provider; none when it does not say.
 * @param {ModelChoice} choice
 */
async function namesOf(choice) {
  try {
    /** @type {ModelNames} */
    const { models } = await post("api/models/list", choice, LIST_TIMEOUT_MS);
    return models;
  } catch {
    return [];
  }
}

/**
 * A labelled row. A hint describes the control and is not part of its name.
 * @param {string} text
 * @param {HTMLElement} control
 * @param {HTMLElement | "" | undefined} [hint]
 */
function field(text, control, hint) {
  if (hint) {
    hint.id = `${control.dataset.testid}-hint`;
    control.setAttribute("aria-label", text);
    control.setAttribute("aria-describedby", hint.id);
  }
  return h("label", { class: "field" }, h("span", { class: "field-name", text }), control, hint);
}

/**
 * @param {Pick<Fields, "list" | "typed">} controls
 * @param {string[]} models
 * @param {string} [chosen]
 */
function offerModels({ list, typed }, models, chosen) {
  const all = chosen && !models.includes(chosen) ? [chosen, ...models] : models;
  list.replaceChildren(...all.map((model) => h("option", { value: model, text: model })), h("option", { value: OTHER, text: t("model.other") }));
  list.value = chosen || all[0] || OTHER;
  typed.hidden = list.value !== OTHER;
}

/**
 * The tile of what is in use: an own server stands under "Other address", on this machine or elsewhere.
 * @param {CurrentModel} current
 */
function tileInUse(current) {
  if (current.offline) return "offline";
  return current.provider === "local" ? "custom" : current.provider;
}

/** @param {CurrentModel} current */
function inUseNote(current) {
  return tileInUse(current) === "custom" ? t("model.in_use_at", { host: hostOf(current.base_url) }) : t("model.in_use");
}

/**
 * An address without what everybody knows of it.
 * @param {string} url
 */
function hostOf(url) {
  return url.trim().replace(/^[a-z]+:\/\//i, "").replace(/\/.*/, "").replace(/.*@/, "");
}
