/**
 * The trail: each act that was wanted, who wanted it, exactly what it was given, who allowed it, and what came of it.
 *
 * @import { TrailRow } from "./calls.js"
 * @import { ViewParts } from "./view.js"
 */
import { sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { toast } from "../notices.js";
import { PAGE, trail, trailFile } from "./calls.js";
import { enlarge, ownAddress } from "./pictures.js";
import { handSign } from "./signs.js";
import { empty, fill, moment } from "./view.js";

const PAUSE_MS = 200;

export class TrailView {
  #view;
  #go;
  #task = "";
  #timer = 0;
  #words = h("input", { class: "input", type: "search", spellcheck: "false", maxlength: 200, "data-testid": "trail-search" });
  #found = h("div", { class: "trail-found" });
  #list = h("ol", { class: "trail", "data-testid": "trail" });
  #more = h("button", { type: "button", class: "button", "data-testid": "trail-more" });
  /** @type {TrailRow[]} */
  #rows = [];

  /** @param {ViewParts} parts */
  constructor({ view, go }) {
    this.#view = view;
    this.#go = go;
    this.#words.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#load(), PAUSE_MS);
    });
    this.#more.addEventListener("click", () => void this.#loadMore());
  }

  /** @param {string} task its id: only what was done for it; "" for all */
  async show(task) {
    this.#task = task;
    this.#words.value = "";
    this.#words.placeholder = t("agent.search_trail");
    this.#words.setAttribute("aria-label", t("agent.search_trail"));
    this.#more.textContent = t("memory.more");
    this.#view.removeAttribute("aria-busy");
    this.#view.dataset.turn = String(Number(this.#view.dataset.turn ?? 0) + 1);
    const file = (/** @type {"json" | "csv"} */ form) => h("a", { class: "button", href: trailFile(form), download: "", "data-testid": `trail-${form}`, text: form.toUpperCase(), "aria-label": t("agent.save_as", { form: form.toUpperCase() }) });
    this.#view.replaceChildren(
      h("p", { class: "memory-lead", text: t("agent.trail_lead") }),
      h("search", { class: "memory-search" }, icon("search"), this.#words),
      h("div", { class: "trail-bar" },
        task ? h("button", { type: "button", class: "agent-chip", "aria-pressed": "true", "data-testid": "trail-all", text: t("agent.one_task"), on: { click: () => this.#go("trail") } }) : h("span"),
        h("span", { class: "trail-save" }, icon("save"), h("span", { text: t("agent.save") }), file("json"), file("csv"))),
      this.#found);
    await this.#load();
  }

  async #load() {
    await fill(this.#found, async () => {
      const { rows } = await trail({ task: this.#task, q: this.#words.value.trim() });
      this.#rows = rows;
      this.#list.replaceChildren(...rows.map((row) => this.#row(row)));
      this.#more.hidden = rows.length < PAGE;
      if (rows.length === 0) return [this.#words.value.trim() ? empty(t("agent.none_fits")) : empty(t("agent.no_trail"), t("agent.no_trail_more"))];
      return [this.#list, h("div", { class: "memory-rest" }, this.#more)];
    });
  }

  async #loadMore() {
    this.#more.disabled = true;
    try {
      const { rows } = await trail({ task: this.#task, q: this.#words.value.trim(), before: this.#rows.at(-1)?.id });
      this.#rows.push(...rows);
      this.#list.append(...rows.map((row) => this.#row(row)));
      this.#more.hidden = rows.length < PAGE;
    } catch (error) {
      toast(sentenceOf(error));
    }
    this.#more.disabled = false;
  }

  /** @param {TrailRow} row */
  #row(row) {
    const address = ownAddress(row.picture);
    const label = t("hands.picture_of", { title: row.title || row.tool });
    const given = row.arguments && row.arguments !== "{}" ? row.arguments : "";
    return h("li", { class: "trail-row", "data-testid": "trail-row", "data-verdict": row.verdict, "data-outcome": row.outcome },
      h("span", { class: "task-sign", "aria-hidden": "true" }, icon(handSign(row.hand))),
      h("div", { class: "trail-words" },
        h("p", { class: "trail-title", text: row.title || row.tool }),
        h("p", { class: "trail-line" }, moment(row.at, currentLanguage()), h("span", { text: [row.character, row.place, row.tool].filter(Boolean).join(" · ") })),
        h("p", { class: "trail-line" },
          h("span", { class: "trail-act", "data-act": row.act, text: t(`agent.acts.${row.act}`) }),
          h("span", { class: "trail-verdict", text: t(`agent.verdicts.${row.verdict}`) }),
          row.outcome && h("span", { class: "trail-outcome", text: t(`agent.outcomes.${row.outcome}`) })),
        row.detail && h("p", { class: "trail-detail", text: row.detail }),
        given && h("details", { class: "trail-given" }, h("summary", { text: t("approval.arguments") }), h("pre", { tabindex: "0", text: given })),
        row.task_id && !this.#task && h("button", { type: "button", class: "task-more", text: t("agent.its_task"), on: { click: () => this.#go(`tasks/${row.task_id}`) } })),
      address && h("button", { type: "button", class: "trail-picture", "aria-label": label, on: { click: () => enlarge(address, label) } }, h("img", { src: address, alt: "", loading: "lazy" })));
  }
}
