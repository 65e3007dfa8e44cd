/**
 * The days on which something was said, and what was said on one of them.
 *
 * @import { Line } from "../wire.js"
 * @import { Day } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { walk } from "../list_keys.js";
import { Activity } from "./activity.js";
import { Calls } from "./calls.js";
import { clock, dayName } from "./dates.js";
import { lineRow } from "./line_row.js";

const DAY = /^\d{4}-\d{2}-\d{2}/;

export class DaysView {
  #calls;
  #view;
  #go;
  #character;
  #asked = 0;
  /** @type {Day[]} */
  #days = [];
  /** @type {Activity | null} */
  #activity = null;
  #head = h("div", { class: "day-head" });
  #list = h("ol", { class: "memory-lines", "data-testid": "day-lines" });
  #rest = h("div", { class: "memory-rest" });

  /** @param {{ character: string, view: HTMLElement, go: (place: string) => void }} parts */
  constructor({ character, view, go }) {
    this.#character = character;
    this.#calls = new Calls(character);
    this.#view = view;
    this.#go = go;
    this.#list.addEventListener("keydown", (event) => {
      const rows = [...this.#list.querySelectorAll(".memory-act")];
      walk(event, /** @type {HTMLElement[]} */ (rows), this.#activity?.element ?? this.#list);
    });
    new ResizeObserver(() => this.#activity?.draw()).observe(view);
  }

  /** @param {string} place `2026-03-03`, or `2026-03-03/17` for a line of it; else the last day */
  async show(place) {
    const asked = ++this.#asked;
    const wait = waiting(this.#view);
    try {
      const { days } = await this.#calls.days();
      if (asked !== this.#asked) return;
      this.#days = days;
    } catch (error) {
      this.#view.replaceChildren(h("p", { class: "memory-empty is-bad", text: sentenceOf(error) }));
      return;
    } finally {
      wait();
    }
    if (!this.#days.length) {
      this.#activity = null;
      this.#view.replaceChildren(h("p", { class: "memory-empty", "data-testid": "memory-empty", text: t("memory.nothing", { name: this.#character }) }),
        h("div", { class: "memory-rest" }, h("button", { type: "button", class: "button", "data-testid": "bring", text: t("memory.bring.title"), on: { click: () => this.#go("manage") } })));
      return;
    }
    const [wanted, line] = DAY.test(place) ? place.split("/") : [];
    const day = (this.#days.find(({ date }) => date >= (wanted ?? "9")) ?? this.#days.at(-1))?.date ?? "";
    this.#activity = new Activity(this.#days, (chosen) => this.#go(chosen));
    const hadFocus = this.#view.querySelector(".activity")?.contains(document.activeElement);
    this.#view.replaceChildren(this.#activity.element, this.#head, this.#list, this.#rest);
    this.#activity.select(day);
    this.#activity.draw();
    if (hadFocus) this.#activity.element.focus();
    this.#drawHead(day);
    this.#list.replaceChildren();
    await this.#more(day, 0, Number(line ?? 0));
  }

  /** @param {string} day */
  #drawHead(day) {
    const at = this.#days.findIndex(({ date }) => date === day);
    const to = (/** @type {number} */ index, /** @type {string} */ sign, /** @type {string} */ label) => {
      const target = this.#days[index];
      return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, disabled: !target, "data-testid": `day-${sign}`, on: { click: () => target && this.#go(target.date) } }, icon(sign));
    };
    this.#head.replaceChildren(to(at - 1, "back", t("memory.day_before")),
      h("div", { class: "day-name" }, h("h2", { text: dayName(day), "data-testid": "day" }), h("p", { text: t("memory.lines", { count: this.#days[at]?.lines ?? 0 }) })),
      to(at + 1, "forward", t("memory.day_after")));
  }

  /**
   * @param {string} day
   * @param {number} after
   * @param {number} wanted the id of a line to bring into view
   */
  async #more(day, after, wanted = 0) {
    const asked = this.#asked;
    this.#rest.replaceChildren();
    try {
      const { lines, has_more: more } = await this.#calls.day(day, after);
      if (asked !== this.#asked) return;
      this.#list.append(...lines.map((line) => lineRow(line, {
        calls: this.#calls, when: (one) => clock(one.at), changed: () => void this.show(day),
      })));
      const last = lines.at(-1);
      if (more && last && wanted > last.id) await this.#more(day, last.id, wanted);
      else if (more && last) this.#rest.replaceChildren(h("button", { type: "button", class: "button is-quiet", "data-testid": "day-more", text: t("memory.more"), on: { click: () => void this.#more(day, last.id) } }));
      const row = wanted && this.#list.querySelector(`[data-id="${wanted}"]`);
      if (row instanceof HTMLElement) {
        row.scrollIntoView({ block: "center" });
        row.classList.add("is-pointed-at");
      }
    } catch (error) {
      if (asked === this.#asked) this.#rest.replaceChildren(h("p", { class: "memory-empty is-bad", text: sentenceOf(error) }));
    }
  }
}

/**
 * Tell after a moment that something takes long. Returns what ends that.
 * @param {HTMLElement} view
 */
export function waiting(view) {
  const timer = setTimeout(() => view.setAttribute("aria-busy", "true"), 250);
  return () => {
    clearTimeout(timer);
    view.removeAttribute("aria-busy");
  };
}

/**
 * Where in the address a line is.
 * @param {Line} line
 */
export function placeOf(line) {
  return `${line.at.slice(0, 10)}/${line.id}`;
}
