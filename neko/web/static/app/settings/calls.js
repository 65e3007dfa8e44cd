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
  element = h("section", { class: "settings-group" }, this.#rows, this.#now, this.#problem);

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
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.testid : "";
    const provider = now.providers.find(({ key }) => key === now.provider);
    const ways = /** @type {[string, string][]} */ (["auto", "direct", "text"].map((way) => [way, t(`calls.${way}`)]));
    const way = select(ways, now.chosen ?? "auto", (value) => void this.#change({ way: /** @type {"auto"} */ (value) }), "calls-way");
    const who = select(now.providers.map(({ key, name }) => [key, name]), provider ? now.provider : "", (value) => void this.#change({ provider: value }), "calls-provider");
    this.#rows.replaceChildren(
      row(t("calls.way"), way, t("calls.way_hint")),
      ...now.chosen === "direct" || now.way === "direct" ? [row(t("calls.provider"), who, provider?.description), this.#keyField(who, provider?.has_key ?? false)] : []);
    const isMissing = now.chosen === "direct" && now.way === "text";
    this.#now.textContent = isMissing ? t("calls.no_key") : t(`calls.goes_${now.way}`, { model: now.model, provider: provider?.name ?? now.provider });
    this.#now.classList.toggle("is-bad", isMissing);
    if (focused) for (const control of this.#rows.querySelectorAll("select, input")) if (control instanceof HTMLElement && control.dataset.testid === focused) control.focus();
    this.#onShow(now);
  }

  /**
   * The key is for the provider that is shown beside it at that moment.
   * @param {HTMLSelectElement} who
   * @param {boolean} hasKey
   */
  #keyField(who, hasKey) {
    /** @type {HTMLInputElement} */
    const input = h("input", {
      class: "input", type: "password", spellcheck: "false", autocomplete: "off", placeholder: hasKey ? t("model.key_saved_placeholder") : "",
      "data-testid": "calls-key", on: { change: () => void this.#change({ provider: who.value, api_key: input.value.trim() }) },
    });
    return h("label", { class: "field" }, h("span", { class: "field-name", text: t("calls.key") }), input);
  }
}
