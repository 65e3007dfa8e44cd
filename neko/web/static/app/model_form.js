/** Choose who thinks for her: a tile, a key, a test in plain words, a model, done. */
import { get, post } from "./api.js";
import { h } from "./element.js";
import { has, t } from "./i18n.js";

const TEST_DEADLINE = 45_000;
const OTHER = "\u0000other";

export class ModelForm {
  #builtin;
  #onDone;
  #current = null;
  #provider = null;
  #tiles = h("div", { class: "tiles", role: "radiogroup" });
  #fields = h("div", { class: "form", hidden: true });
  #parts = {};
  element = h("div", { class: "model-form" }, this.#tiles, this.#fields);

  /** `builtin`: offer the built-in model as a tile. `onDone(model)` after the choice is saved. */
  constructor({ builtin, onDone }) {
    this.#builtin = builtin;
    this.#onDone = onDone;
    this.#tiles.setAttribute("aria-label", t("model.provider"));
  }

  /** Fetch what there is to choose from; returns the answer of `api/models/current`. */
  async load() {
    this.#tiles.replaceChildren(h("p", { class: "form-note", text: t("model.loading") }));
    try {
      this.#current = await get("api/models/current");
    } catch (error) {
      this.#tiles.replaceChildren(h("p", { class: "form-note is-bad", text: `${error.message} ${error.remedy}` }));
      return null;
    }
    this.#drawTiles();
    return this.#current;
  }

  #providers() {
    const known = this.#current.providers.filter(({ key }) => !["local", "offline"].includes(key));
    const custom = known.find(({ key }) => key === "custom") ?? { key: "custom", name: "", base_url: "", needs_key: false, has_key: false };
    const list = [...known.filter(({ key }) => key !== "custom"), custom];
    return this.#builtin ? [{ key: "offline", name: "", needs_key: false }, ...list] : list;
  }

  #name(provider) {
    if (provider.key === "offline") return t("connection.builtin");
    return provider.key === "custom" ? t("model.custom") : provider.name;
  }

  #drawTiles() {
    const inUse = this.#current.offline ? "offline" : this.#current.provider;
    this.#tiles.replaceChildren(...this.#providers().map((provider) => {
      const note = provider.key === inUse ? t("model.in_use")
        : provider.key === "custom" ? t("model.custom_hint")
        : !provider.needs_key ? t("model.no_key")
        : provider.has_key ? t("model.key_saved") : t("model.needs_key");
      return h("button", {
        type: "button", class: "tile", role: "radio", "aria-checked": "false", "data-testid": `provider-${provider.key}`,
        "data-key": provider.key, "data-in-use": provider.key === inUse, on: { click: () => this.choose(provider.key) },
      }, h("span", { class: "tile-name", text: this.#name(provider) }), h("span", { class: "tile-note", text: note }));
    }));
  }

  choose(key) {
    this.#provider = this.#providers().find((provider) => provider.key === key);
    for (const tile of this.#tiles.children) tile.setAttribute("aria-checked", String(tile.dataset.key === key));
    this.#drawFields();
    (this.#fields.querySelector("input") ?? this.#fields.querySelector("button"))?.focus({ preventScroll: true });
    this.#fields.lastElementChild.scrollIntoView({ block: "nearest" });
  }

  #drawFields() {
    const provider = this.#provider;
    this.#fields.hidden = false;
    const use = h("button", { type: "button", class: "button is-main", "data-testid": "model-use", text: t("model.use"), on: { click: () => this.#use() } });
    const note = h("p", { class: "form-note", role: "status", hidden: true, "data-testid": "model-note" });
    if (provider.key === "offline") {
      this.#parts = { use, note };
      this.#fields.replaceChildren(h("p", { class: "form-note", text: t("model.builtin_words") }), note, h("div", { class: "form-acts" }, use));
      return;
    }
    const mine = this.#current.provider === provider.key && !this.#current.offline;
    const model = (mine && this.#current.model) || provider.models?.conversation || "";
    const url = h("input", {
      class: "input", type: "url", inputmode: "url", spellcheck: "false", "data-testid": "model-url", placeholder: "http://localhost:8000/v1",
      value: (mine && this.#current.base_url) || provider.base_url || "",
    });
    const key = h("input", {
      class: "input", type: "password", autocomplete: "off", spellcheck: "false", "data-testid": "model-key",
      placeholder: provider.has_key ? t("model.key_saved_placeholder") : t("model.key_placeholder"),
    });
    const list = h("select", { class: "select", "data-testid": "model-list" }, h("option", { value: model, text: model || t("model.any") }));
    const typed = h("input", { class: "input", spellcheck: "false", "data-testid": "model-name", "aria-label": t("model.model"), value: model, hidden: true });
    const test = h("button", { type: "button", class: "button", "data-testid": "model-test", text: t("model.test"), on: { click: () => this.#test() } });
    this.#parts = { url, key, list, typed, test, use, note };
    const custom = provider.key === "custom";
    list.addEventListener("change", () => {
      typed.hidden = list.value !== OTHER;
      if (!typed.hidden) typed.focus();
    });
    this.#offerModels(model ? [model] : [], model);
    key.addEventListener("change", () => this.#listModels());
    url.addEventListener("change", () => this.#listModels());
    const label = (text, control, hint) => {
      if (hint) {
        hint.id = `${control.dataset.testid}-hint`;
        control.setAttribute("aria-label", text); // the hint describes it and is not part of its name
        control.setAttribute("aria-describedby", hint.id);
      }
      return h("label", { class: "field" }, h("span", { class: "field-name", text }), control, hint);
    };
    const site = provider.site && h("a", { class: "field-hint", href: provider.site, target: "_blank", rel: "noopener noreferrer", text: t("model.get_key") });
    this.#fields.replaceChildren(
      custom ? label(t("model.url"), url, h("span", { class: "field-hint", text: t("model.url_hint") })) : "",
      provider.needs_key || custom ? label(custom ? t("model.key_optional") : t("model.key"), key, site) : "",
      label(t("model.model"), h("span", { class: "field-pair" }, list, typed)),
      this.#pinned(),
      note,
      h("div", { class: "form-acts" }, test, use));
  }

  #pinned() {
    const pins = [...new Set(Object.values(this.#current.pinned ?? {}))];
    return pins.length ? h("p", { class: "form-note", text: t("model.pinned", { names: pins.join(", ") }) }) : "";
  }

  /** What the form says now, as the REST calls want it. An empty key means the stored one. */
  #request({ model = true } = {}) {
    const { url, key } = this.#parts;
    const request = { provider: this.#provider.key };
    if (this.#provider.key === "custom") request.base_url = url.value.trim();
    if (key?.value.trim()) request.api_key = key.value.trim();
    if (model && this.#model()) request.model = this.#model();
    return request;
  }

  #model() {
    const { list, typed } = this.#parts;
    if (!list) return "";
    return (typed.hidden ? list.value : typed.value).replace(OTHER, "").trim();
  }

  #say(text, kind = "") {
    const { note } = this.#parts;
    note.hidden = !text;
    note.className = `form-note ${kind}`;
    note.textContent = text;
    this.#fields.lastElementChild.scrollIntoView({ block: "nearest" });
  }

  #offerModels(models, chosen) {
    const { list, typed } = this.#parts;
    const all = chosen && !models.includes(chosen) ? [chosen, ...models] : models;
    list.replaceChildren(...all.map((model) => h("option", { value: model, text: model })), h("option", { value: OTHER, text: t("model.other") }));
    list.value = chosen || all[0] || OTHER;
    typed.hidden = list.value !== OTHER;
  }

  async #listModels() {
    const provider = this.#provider;
    const { models } = await post("api/models/list", this.#request({ model: false }), TEST_DEADLINE).catch(() => ({ models: [] }));
    if (provider === this.#provider && models.length) this.#offerModels(models, this.#model() || models[0]);
  }

  async #busily(work) {
    const { test, use } = this.#parts;
    for (const button of [test, use]) if (button) button.disabled = true;
    try {
      await work();
    } catch (error) {
      this.#say(this.#fault(error), "is-bad");
    } finally {
      for (const button of [test, use]) if (button) button.disabled = false;
    }
  }

  /** What the server said; a refusal by the provider in the words of this page, where the remedy is at hand. */
  #fault(error) {
    const key = `model.faults.${error.code}`;
    if (has(key)) return t(key, { provider: this.#address() || this.#name(this.#provider), model: this.#model() });
    return [error.message, error.remedy].filter(Boolean).join(" ");
  }

  /** The custom address without what everybody knows of it. */
  #address() {
    return this.#provider.key === "custom" ? this.#parts.url.value.trim().replace(/^https?:\/\//, "").replace(/\/.*/, "") : "";
  }

  #test() {
    return this.#busily(async () => {
      this.#say(t("model.testing"));
      if (!this.#model()) await this.#listModels();
      const result = await post("api/models/test", this.#request(), TEST_DEADLINE);
      this.#say(t("model.works", { model: result.model ?? this.#model(), ms: Math.round(result.latency_ms) }), "is-good");
      await this.#listModels();
    });
  }

  #use() {
    return this.#busily(async () => {
      await post("api/models/use", this.#request());
      this.#onDone(this.#provider.key === "offline" ? t("connection.builtin") : this.#model() || this.#name(this.#provider));
    });
  }
}
