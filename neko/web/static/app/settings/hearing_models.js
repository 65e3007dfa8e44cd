/**
 * The models that hear on this computer: fetched with one tap, watched while they come, chosen, removed.
 *
 * @import { HearingChange, HearingModel, HearingSettings } from "../rest.js"
 */
import { get, post, remove, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { sizeOf } from "../small_model.js";

const LOOK_AGAIN_MS = 700;

export class HearingModels {
  #onChange;
  #choose;
  #rows = h("div", { class: "model-rows", "data-testid": "hearing-models" });
  #problem = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  #timer = 0;
  element = h("div", { class: "settings-group" });

  /**
   * @param {HearingSettings} settings
   * @param {(now: HearingSettings) => void} onChange
   * @param {(change: HearingChange) => Promise<void>} choose
   */
  constructor(settings, onChange, choose) {
    this.#onChange = onChange;
    this.#choose = choose;
    this.element.append(this.#rows, this.#problem, h("p", { class: "form-note", text: t("hearing.own", { folder: settings.folder }) }));
  }

  /** @param {HearingSettings} now */
  show(now) {
    const focused = [...this.#rows.children].findIndex((row) => row.contains(document.activeElement));
    this.#rows.replaceChildren(...now.models.map((model) => this.#row(model, now)));
    const button = this.#rows.children[focused]?.querySelector("button:not([disabled])");
    if (button instanceof HTMLElement) button.focus();
    clearTimeout(this.#timer);
    if (now.models.some(({ fetch }) => fetch?.state === "fetching")) this.#timer = setTimeout(() => void this.#look(), LOOK_AGAIN_MS);
  }

  /**
   * Hear with this one, whatever was chosen before.
   * @param {string} model
   */
  async use(model) {
    await this.#ask(post("api/hearing", { engine: "local", local_model: model }));
  }

  async #look() {
    if (!this.element.isConnected) return;
    await this.#ask(get("api/hearing"));
  }

  /** @param {Promise<HearingSettings>} answer */
  async #ask(answer) {
    try {
      const now = await answer;
      this.#problem.hidden = true;
      this.#onChange(now);
    } catch (error) {
      this.#problem.textContent = sentenceOf(error);
      this.#problem.hidden = false;
    }
  }

  /**
   * @param {HearingModel} model
   * @param {HearingSettings} now
   */
  #row(model, now) {
    const { fetch } = model;
    const isComing = fetch?.state === "fetching";
    const share = fetch?.total ? Math.min(1, fetch.count / fetch.total) : 0;
    const about = [sizeOf(model.size), this.#languages(model), model.licence].filter(Boolean).join(" · ");
    const percent = new Intl.NumberFormat(currentLanguage(), { style: "percent" }).format(share);
    return h("div", { class: "model-row is-offer" },
      h("div", { class: "model-row-name" }, h("strong", { text: model.title }), h("span", { text: about })),
      h("div", { class: "model-row-acts" }, this.#acts(model, now)),
      isComing && h("div", { class: "fetching", "data-testid": `fetching-${model.name}` },
        h("progress", { max: "1", ...(share && { value: String(share) }), "aria-label": t("hearing.fetching", { model: model.title }) }),
        h("span", { class: "form-note", text: share ? percent : t("model.loading") })),
      fetch?.state === "failed" && h("p", { class: "form-note is-bad", role: "alert", text: [fetch.error, fetch.remedy].filter(Boolean).join(" ") }));
  }

  /**
   * @param {HearingModel} model
   * @param {HearingSettings} now
   */
  #acts(model, now) {
    const path = `api/hearing/models/${encodeURIComponent(model.name)}`;
    const button = (/** @type {string} */ act, /** @type {string} */ words, /** @type {() => void} */ click, isMain = false) => h("button", {
      type: "button", class: isMain ? "button is-main" : "button", "data-testid": `${act}-${model.name}`, text: words, "aria-label": `${words}: ${model.title}`, on: { click },
    });
    if (model.fetch?.state === "fetching") return [button("stop", t("hearing.stop"), () => void this.#ask(post(`${path}/cancel`, {})))];
    if (!model.here) return model.fetchable ? [button("fetch", t(model.fetch?.count ? "hearing.go_on" : "hearing.fetch"), () => void this.#ask(post(`${path}/fetch`, {})), true)] : [];
    const use = button("use", t(model.in_use ? "model.in_use" : "model.use_short"), () => void this.#choose({ engine: now.chosen ?? "local", local_model: model.name }), true);
    use.disabled = model.in_use;
    return [use, model.removable && button("remove", t("hearing.remove"), () => void this.#ask(/** @type {Promise<HearingSettings>} */ (remove(path))))];
  }

  /** @param {HearingModel} model */
  #languages({ languages }) {
    if (!languages) return t("hearing.any_language");
    const names = new Intl.DisplayNames(currentLanguage(), { type: "language" });
    return t("small.speaks", { languages: languages.map((code) => names.of(code) ?? code).join(", ") });
  }
}
