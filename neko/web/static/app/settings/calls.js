/**
 * Settings › Hearing, its first part: whether a call goes straight to a provider's voice model, or through text.
 *
 * @import { CallsChange, CallsSettings } from "../rest.js"
 */
import { get, post, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { row, select } from "./controls.js";

export class CallsChoice {
  #onShow;
  #problem = h("p", { class: "form-note is-bad", role: "alert", hidden: true, "data-testid": "calls-problem" });
  #now = h("p", { class: "form-note", role: "status", "data-testid": "calls-now" });
  #rows = h("div", { class: "settings-group" });
  #provider = "";
  #key = /** @type {HTMLInputElement} */ (h("input", {
    class: "input", type: "password", spellcheck: "false", autocomplete: "off", "data-testid": "calls-key", on: { change: () => void this.#saveKey() },
  }));
  /** It stays where it is while the rest is drawn anew: somebody may be typing. */
  #keyField = h("form", { class: "form", autocomplete: "off", hidden: true, on: { submit: (event) => event.preventDefault() } },
    h("label", { class: "field" }, h("span", { class: "field-name", text: t("calls.key") }), this.#key));
  element = h("section", { class: "settings-group" }, this.#rows, this.#keyField, this.#now, this.#problem);

  /** @param {(now: CallsSettings) => void} onShow */
  constructor(onShow) {
    this.#onShow = onShow;
  }

  async load() {
    await this.#ask(get("api/calls"));
  }

  /** @param {CallsChange} change */
  async #change(change) {
    await this.#ask(post("api/calls", change));
  }

  /** @param {string} provider */
  #choose(provider) {
    this.#provider = provider;
    void this.#change({ provider });
  }

  /** The key is for the provider that is shown beside it at that moment. */
  async #saveKey() {
    const typed = this.#key.value;
    await this.#change({ provider: this.#provider, api_key: typed.trim() });
    if (this.#problem.hidden && this.#key.value === typed) this.#key.value = "";
  }

  /** @param {Promise<CallsSettings>} answer */
  async #ask(answer) {
    try {
      this.#show(await answer);
      this.#problem.hidden = true;
    } catch (error) {
      this.#problem.textContent = sentenceOf(error);
      this.#problem.hidden = false;
    }
  }

  /** @param {CallsSettings} now */
  #show(now) {
    const provider = now.providers.find(({ key }) => key === now.provider);
    const ways = /** @type {[string, string][]} */ (["auto", "direct", "text"].map((way) => [way, t(`calls.${way}`)]));
    const way = select(ways, now.chosen ?? "auto", (value) => void this.#change({ way: /** @type {"auto"} */ (value) }), "calls-way");
    const who = select(now.providers.map(({ key, name }) => [key, name]), provider ? now.provider : "", (value) => this.#choose(value), "calls-provider");
    const isDirect = now.chosen === "direct" || now.way === "direct";
    this.#provider = now.provider;
    this.#key.placeholder = provider?.has_key ? t("model.key_saved_placeholder") : "";
    this.#keyField.hidden = !isDirect;
    this.#rows.replaceChildren(
      row(t("calls.way"), way, t("calls.way_hint")),
      ...isDirect ? [row(t("calls.provider"), who, provider?.description), ...this.#ofModel(now)] : []);
    const isMissing = now.chosen === "direct" && now.way === "text";
    this.#now.textContent = isMissing ? t("calls.no_key") : t(now.way === "direct" && now.voice === "hers" ? "calls.goes_direct_hers" : `calls.goes_${now.way}`, { model: now.model, provider: provider?.name ?? now.provider });
    this.#now.classList.toggle("is-bad", isMissing);
    this.#onShow(now);
  }

  /**
   * Whose voice is heard, and who finds out that the user has finished.
   * @param {CallsSettings} now
   */
  #ofModel(now) {
    const voices = /** @type {[string, string][]} */ (["auto", "model", "hers"].map((voice) => [voice, t(`calls.voice_${voice}`)]));
    const turns = /** @type {[string, string][]} */ (["auto", "model", "here"].map((who) => [who, t(`calls.turns_${who}`)]));
    const voice = select(voices, now.voice_chosen ?? "auto", (value) => void this.#change({ voice: /** @type {"auto"} */ (value) }), "calls-voice");
    const turn = select(turns, now.turns_chosen ?? "auto", (value) => void this.#change({ turns: /** @type {"auto"} */ (value) }), "calls-turns");
    const rows = [row(t("calls.voice"), voice, t("calls.voice_hint"))];
    return now.turns_can_be_found_here ? [...rows, row(t("calls.turns"), turn, t("calls.turns_hint"))] : rows;
  }
}
