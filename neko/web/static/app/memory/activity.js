/**
 * How much was said on each day, as bars: one control, a slider over the days on which something was said.
 *
 * @import { Day } from "./calls.js"
 */
import { h } from "../element.js";
import { t } from "../i18n.js";
import { dayName, daysBetween } from "./dates.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 72;
const LABELS = 20;
const NARROWEST = 5;
const WIDEST = 16;
/** Days that Page Up and Page Down go. */
const FAR = 30;
/** Days that are drawn in their places, and of them those to come. */
const LONGEST = 60 * 366;
const SOON = 366;
const DAY_MS = 86_400_000;

export class Activity {
  #days;
  #choose;
  #at = 0;
  #step = NARROWEST;
  #caption = h("p", { class: "activity-caption", "aria-hidden": "true" });
  #svg = document.createElementNS(SVG, "svg");
  #scroller = h("div", { class: "activity-scroller" });
  element = h("div", { class: "activity", role: "slider", tabindex: "0", "aria-valuemin": "0", "data-testid": "activity" }, this.#caption, this.#scroller);

  /**
   * @param {Day[]} days not empty, the oldest first
   * @param {(day: string) => void} choose
   */
  constructor(days, choose) {
    this.#days = days;
    this.#choose = choose;
    this.#scroller.append(this.#svg);
    this.element.setAttribute("aria-label", t("memory.activity"));
    this.element.setAttribute("aria-valuemax", String(days.length - 1));
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.#svg.addEventListener("pointermove", (event) => this.#tell(this.#nearest(event)));
    this.#svg.addEventListener("pointerleave", () => this.#tell(this.#at));
    this.#svg.addEventListener("click", (event) => this.#go(this.#nearest(event)));
  }

  /** Draw for the width that there is; the element has to be on the page. */
  draw() {
    const [first, places] = this.#places();
    const span = (places.at(-1) ?? 0) + 1;
    const room = this.#scroller.clientWidth;
    this.#step = Math.min(WIDEST, Math.max(NARROWEST, Math.floor((room / span) * 100) / 100));
    const width = Math.max(room, span * this.#step);
    const left = width - span * this.#step;
    const most = Math.max(...this.#days.map(({ lines }) => lines));
    this.#svg.setAttribute("width", String(width));
    this.#svg.setAttribute("height", String(HEIGHT + LABELS));
    this.#svg.replaceChildren(...this.#months(first, span, left),
      ...this.#days.map(({ lines }, index) => bar(left + (places[index] ?? 0) * this.#step, this.#step, Math.max(3, HEIGHT * Math.sqrt(lines / most)))));
    this.#mark();
  }

  /** @param {string} day one of the days */
  select(day) {
    this.#at = Math.max(0, this.#days.findIndex(({ date }) => date === day));
    this.#mark();
  }

  /** The first day that is drawn in its place, and where each one stands: one far away, by a wrong clock, at the edge. */
  #places() {
    const dates = this.#days.map(({ date }) => date);
    const soon = isoDay(new Date(Date.now() + SOON * DAY_MS));
    const last = dates.findLast((date) => date <= soon) ?? dates[0] ?? "";
    const first = dates.find((date) => daysBetween(date, last) < LONGEST) ?? last;
    const most = daysBetween(first, last) + 1;
    return /** @type {const} */ ([first, dates.map((date) => Math.min(most, Math.max(0, daysBetween(first, date))))]);
  }

  #bars() {
    return [...this.#svg.querySelectorAll("rect")];
  }

  #mark() {
    const bars = this.#bars();
    for (const [index, one] of bars.entries()) one.toggleAttribute("data-chosen", index === this.#at);
    this.#tell(this.#at);
    this.element.setAttribute("aria-valuenow", String(this.#at));
    this.element.setAttribute("aria-valuetext", this.#caption.textContent);
    const x = Number(bars[this.#at]?.getAttribute("x") ?? 0);
    const { scrollLeft, clientWidth } = this.#scroller;
    if (x < scrollLeft + 20 || x > scrollLeft + clientWidth - 20) this.#scroller.scrollLeft = x - clientWidth / 2;
  }

  /** @param {number} index */
  #tell(index) {
    const day = this.#days[index];
    this.#caption.textContent = day ? t("memory.day_lines", { day: dayName(day.date, { dateStyle: "medium" }), count: day.lines }) : "";
  }

  /** @param {MouseEvent} event */
  #nearest({ clientX }) {
    const x = clientX - this.#svg.getBoundingClientRect().left - this.#step / 2;
    let best = 0;
    let least = Infinity;
    for (const [index, one] of this.#bars().entries()) {
      const off = Math.abs(Number(one.getAttribute("x")) - x);
      if (off < least) [best, least] = [index, off];
    }
    return best;
  }

  /** @param {number} index */
  #go(index) {
    const day = this.#days[Math.min(this.#days.length - 1, Math.max(0, index))];
    if (day) this.#choose(day.date);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const to = { ArrowLeft: this.#at - 1, ArrowDown: this.#at - 1, ArrowRight: this.#at + 1, ArrowUp: this.#at + 1, PageDown: this.#at - FAR, PageUp: this.#at + FAR, Home: 0, End: this.#days.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#go(to);
  }

  /**
   * The names of months, where there is room for them.
   * @param {string} first
   * @param {number} span in days
   * @param {number} left where the first day is
   */
  #months(first, span, left) {
    const labels = [];
    const start = new Date(`${first}T12:00:00`);
    let free = 0;
    for (let place = 0; place < span; place++) {
      const date = new Date(start.getFullYear(), start.getMonth(), start.getDate() + place, 12);
      const x = left + place * this.#step;
      if ((date.getDate() !== 1 && place > 0) || x < free) continue;
      const text = document.createElementNS(SVG, "text");
      text.textContent = dayName(isoDay(date), date.getMonth() === 0 || place === 0 ? { month: "short", year: "numeric" } : { month: "short" });
      const wide = text.textContent.length * 8 + 12;
      text.setAttribute("x", String(Math.min(x, left + span * this.#step - wide)));
      text.setAttribute("y", String(HEIGHT + LABELS - 4));
      labels.push(text);
      free = x + wide;
    }
    return labels;
  }
}

/** @param {Date} date */
function isoDay(date) {
  return `${String(date.getFullYear()).padStart(4, "0")}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
}

/**
 * @param {number} x
 * @param {number} step
 * @param {number} height
 */
function bar(x, step, height) {
  const gap = step > 6 ? 3 : 1;
  const one = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ x, y: HEIGHT - height, width: Math.max(2, step - gap), height, rx: Math.min(3, step / 3) })) one.setAttribute(name, String(value));
  return one;
}
