/**
 * What holds the words that are searched for, in every layer, as they are typed.
 *
 * @import { FoundLines } from "../rest.js"
 * @import { Line } from "../wire.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { walk } from "../list_keys.js";
import { marked } from "../marked_words.js";
import { Calls, MOST_LINES } from "./calls.js";
import { moment } from "./dates.js";
import { placeOf, waiting } from "./days_view.js";
import { factCard } from "./fact_card.js";
import { askToForget } from "./forgetting.js";
import { lineRow } from "./line_row.js";
import { memoCard } from "./memos_view.js";

export class FoundView {
  #calls;
  #character;
  #view;
  #go;
  #asked = 0;
  #words = "";
  #count = h("p", { class: "memory-lead", role: "status", "data-testid": "memory-count" });
  #facts = h("ol", { class: "memory-memos", "data-testid": "found-facts" });
  #memos = h("ol", { class: "memory-memos" });
  #lines = h("ol", { class: "memory-lines", "data-testid": "memory-found" });
  #near = h("section", { class: "memory-near" });
  #rest = h("div", { class: "memory-rest" });
  #report = h("div", { class: "memory-report", hidden: true });
  #bar = h("div", { class: "memory-bar", "data-testid": "memory-bar" });
  /** @type {Set<number>} The ids of lines that are to be forgotten. */
  #ticked = new Set();
  /** The id of the last line shown, when there are older ones. */
  #older = 0;

  /** @param {{ character: string, view: HTMLElement, go: (place: string) => void }} parts */
  constructor({ character, view, go }) {
    this.#calls = new Calls(character);
    this.#character = character;
    this.#view = view;
    this.#go = go;
    view.addEventListener("keydown", (event) => {
      const places = /** @type {HTMLElement[]} */ ([...view.querySelectorAll(".memory-open")]);
      const field = document.getElementById("words");
      if (this.#count.isConnected && field && event.target instanceof HTMLElement && places.includes(event.target)) walk(event, places, field);
    });
  }

  /** Go from the field to the first line that was found. */
  enter() {
    const first = this.#view.querySelector(".memory-open");
    if (this.#count.isConnected && first instanceof HTMLElement) first.focus();
  }

  /** @param {string} words */
  async show(words) {
    const asked = ++this.#asked;
    const done = waiting(this.#view);
    try {
      const [{ facts }, memos, lines] = await Promise.all([this.#calls.facts({ q: words }), this.#calls.memos(words, { limit: 10 }), this.#calls.find(words)]);
      if (asked !== this.#asked) return;
      if (words !== this.#words) this.#report.hidden = true;
      this.#words = words;
      this.#ticked.clear();
      const changed = () => void this.show(words);
      const parts = { calls: this.#calls, character: this.#character, all: facts, changed, go: this.#go };
      this.#facts.replaceChildren(...facts.map((fact) => factCard(fact, parts, { named: true, words: marked(fact.value, words, Infinity) })));
      this.#memos.replaceChildren(...memos.memos.map((memo) => memoCard(memo, { calls: this.#calls, changed, go: this.#go }, marked(memo.text, words, Infinity))));
      this.#lines.replaceChildren();
      this.#add(lines);
      this.#view.replaceChildren(this.#report, this.#count, this.#facts, this.#memos, this.#lines, this.#rest, this.#near, this.#bar);
      await this.#addNear(words, asked);
    } catch (error) {
      if (asked === this.#asked) this.#view.replaceChildren(h("p", { class: "memory-empty is-bad", text: sentenceOf(error) }));
    } finally {
      done();
    }
  }

  /**
   * @param {FoundLines} found
   */
  #add({ lines, has_more: more, incomplete }) {
    const parts = {
      calls: this.#calls, when: (/** @type {Line} */ line) => moment(line.at), changed: () => void this.show(this.#words),
      open: (/** @type {Line} */ line) => this.#go(placeOf(line)),
      tick: (/** @type {number} */ id, /** @type {boolean} */ ticked) => {
        if (ticked) this.#ticked.add(id);
        else this.#ticked.delete(id);
        this.#drawBar();
      },
    };
    this.#lines.append(...lines.map((line) => lineRow(line, parts, marked(line.text, this.#words, 400))));
    this.#older = more ? lines.at(-1)?.id ?? 0 : 0;
    const count = this.#lines.childElementCount + this.#memos.childElementCount + this.#facts.childElementCount;
    const told = count ? t(more ? "search.first" : "search.found", { count }) : t("search.nothing");
    this.#count.textContent = [told, incomplete].filter(Boolean).join(" ");
    this.#rest.replaceChildren(this.#older ? h("button", { type: "button", class: "button is-quiet", "data-testid": "found-more", text: t("search.more"), on: { click: () => void this.#more() } }) : "");
    this.#drawBar();
  }

  /**
   * What recall finds besides: other forms of the words, and what is near in meaning.
   * @param {string} words
   * @param {number} asked
   */
  async #addNear(words, asked) {
    this.#near.replaceChildren();
    const { lines } = await this.#calls.near(words).catch(() => ({ lines: [] }));
    if (asked !== this.#asked) return;
    const shown = new Set([...this.#lines.children].map((row) => Number(row.getAttribute("data-id"))));
    const others = lines.filter(({ line }) => !shown.has(line.id));
    if (!others.length) return;
    const parts = { calls: this.#calls, when: (/** @type {Line} */ line) => moment(line.at), changed: () => void this.show(words), open: (/** @type {Line} */ line) => this.#go(placeOf(line)) };
    this.#near.append(h("h2", { text: t("memory.near") }), h("ol", { class: "memory-lines", "data-testid": "memory-near" },
      others.map(({ line, pieces }) => {
        const row = lineRow(line, parts, pieces.map(({ text, hit }) => (hit ? h("mark", { text }) : text)));
        row.dataset.testid = "near-line";
        return row;
      })));
  }

  async #more(limit = 50) {
    const asked = this.#asked;
    try {
      const found = await this.#calls.find(this.#words, { before: this.#older, limit });
      if (asked === this.#asked) this.#add(found);
    } catch (error) {
      this.#rest.replaceChildren(h("p", { class: "memory-empty is-bad", text: sentenceOf(error) }));
    }
  }

  /** @returns {HTMLInputElement[]} */
  #ticks() {
    return [...this.#lines.querySelectorAll("input")].filter((one) => one.type === "checkbox");
  }

  /** @param {boolean} ticked */
  async #tickAll(ticked) {
    while (ticked && this.#older && this.#ticks().length < MOST_LINES) {
      const before = this.#older;
      await this.#more(200);
      if (this.#older === before) return;
    }
    for (const one of this.#ticks()) one.checked = ticked;
    this.#ticked = new Set(ticked ? [...this.#lines.children].slice(0, MOST_LINES).map((row) => Number(row.getAttribute("data-id"))) : []);
    this.#drawBar();
  }

  #drawBar() {
    const count = this.#ticks().length;
    const all = h("input", { type: "checkbox", class: "tick", "data-testid": "tick-all", checked: count > 0 && this.#ticked.size === count, on: { change: (event) => void this.#tickAll(event.target instanceof HTMLInputElement && event.target.checked) } });
    const hadFocus = this.#bar.querySelector(".tick") === document.activeElement;
    this.#bar.hidden = !count;
    this.#bar.replaceChildren(
      h("label", { class: "memory-all" }, all, h("span", { text: t("memory.all") })),
      h("button", {
        type: "button", class: "button is-main", disabled: !this.#ticked.size, "data-testid": "forget-ticked",
        text: this.#ticked.size ? t("memory.forget_count", { count: this.#ticked.size }) : t("memory.forget"), on: {
          click: () => askToForget({ ids: [...this.#ticked], words: this.#words, calls: this.#calls, changed: () => this.show(this.#words), report: this.#report }),
        },
      }));
    if (hadFocus) all.focus();
  }
}
