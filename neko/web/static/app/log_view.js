/**
 * The talk on the page. Lines live in pages of some forty; a page out of sight costs nothing
 * (`content-visibility`), and knows its height, so that scrolling does not jump.
 *
 * @import { Follow } from "./follow.js"
 * @import { Entry } from "./transcript.js"
 */
import { closest, h } from "./element.js";
import { Emitter } from "./emitter.js";
import { currentLanguage, onLanguage, t } from "./i18n.js";
import { LineView } from "./line_view.js";

const PAGE_LINES = 40;
const MOST_TRIES = 20;

/** @param {string | Date} at */
function dayOf(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** @param {string} at */
function dayName(at) {
  const date = new Date(at);
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (dayOf(date) === dayOf(today)) return t("talk.today");
  if (dayOf(date) === dayOf(yesterday)) return t("talk.yesterday");
  const year = date.getFullYear() === today.getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(currentLanguage(), { weekday: "long", day: "numeric", month: "long", year }).format(date);
}

/** @extends {Emitter<{ retry: [entry: Entry], remove: [entry: Entry], edit: [entry: Entry], step: [entry: Entry, by: 1 | -1], picture: [entry: Entry, at: number], why: [entry: Entry] }>} */
export class LogView extends Emitter {
  #log;
  #pages;
  #tail;
  #follow;
  /** @type {Map<Entry, LineView>} */
  #views = new Map();
  /** @type {WeakMap<Element, Entry>} The entry that a line shows. */
  #entries = new WeakMap();
  /** @type {Map<HTMLElement, string>} The separators and the time whose day each of them names. */
  #days = new Map();
  /** @type {HTMLElement | null} */
  #typing = null;

  /** @param {{ log: HTMLElement, pages: HTMLElement, tail: HTMLElement, follow: Follow }} places `pages` and `tail` are in `log` */
  constructor({ log, pages, tail, follow }) {
    super();
    this.#log = log;
    this.#pages = pages;
    this.#tail = tail;
    this.#follow = follow;
    pages.addEventListener("keydown", (event) => this.#walk(event));
    onLanguage(() => this.#relabel());
  }

  /**
   * @param {Entry} entry
   * @param {Entry | null} before
   */
  insert(entry, before) {
    const view = this.#make(entry);
    const next = before && this.#views.get(before)?.element;
    if (next) next.before(view.element);
    else this.#lastPage().append(view.element);
    this.#separate(view.element);
    const following = this.#nextLine(view.element);
    if (following) this.#separate(following);
    this.#markLast();
    if (entry.role === "user" && entry.state === "sent") this.#follow.toEnd();
    else if (!next) this.#follow.news();
  }

  /** @param {Entry} entry */
  update(entry) {
    const view = this.#views.get(entry);
    if (!view) return;
    view.draw();
    this.#log.setAttribute("aria-busy", String(entry.state === "streaming"));
    if (entry.state === "streaming") this.#follow.news();
  }

  /** @param {Entry} entry */
  remove(entry) {
    const view = this.#views.get(entry);
    if (!view) return;
    const following = this.#nextLine(view.element);
    const page = view.element.parentElement;
    this.#dropSeparator(view.element);
    view.element.remove();
    if (!page?.childElementCount) page?.remove();
    this.#views.delete(entry);
    if (following) this.#separate(following);
    this.#markLast();
  }

  /**
   * She thinks, writes or speaks.
   * @param {boolean} busy
   */
  setBusy(busy) {
    this.#log.toggleAttribute("data-busy", busy);
  }

  /**
   * Something that belongs to a line and is none: below it, or at the end. It stays in view unless the talk went on.
   * @param {HTMLElement} element
   * @param {Entry | null} entry
   */
  putBelow(element, entry) {
    const line = entry && this.#views.get(entry)?.element;
    if (line) line.after(element);
    else this.#lastPage().append(element);
    const said = [...this.#log.querySelectorAll(".line[data-role=user]")].at(-1);
    if (!line || line === said) this.#follow.hold(element);
  }

  /**
   * Older lines, oldest first, in front of all others, without moving what is in view.
   * @param {Entry[]} entries
   */
  prepend(entries) {
    if (!entries.length) return;
    this.#log.setAttribute("aria-live", "off");
    /** @type {{ page: HTMLElement, lines: HTMLElement[] }[]} */
    const pages = [];
    for (let at = 0; at < entries.length; at += PAGE_LINES) {
      const lines = entries.slice(at, at + PAGE_LINES).map((entry) => this.#make(entry).element);
      pages.push({ page: h("div", { class: "log-page" }, lines), lines });
    }
    const first = this.#pages.querySelector(".line");
    this.#follow.holding(() => {
      this.#pages.prepend(...pages.map(({ page }) => page));
      for (const { lines } of pages) for (const line of lines) this.#separate(line);
      if (first) this.#separate(first);
      for (const { page } of pages) this.#rest(page);
    });
    this.#markLast();
    requestAnimationFrame(() => this.#log.setAttribute("aria-live", "polite"));
  }

  /**
   * The three dots while she has not begun to answer.
   * @param {boolean} shown
   */
  showTyping(shown) {
    if (shown === (this.#typing !== null)) return;
    this.#typing?.remove();
    this.#typing = null;
    if (!shown) return;
    this.#typing = h("div", { class: "waits" },
      h("div", { class: "typing", "data-testid": "typing", "aria-label": t("talk.typing") }, h("i"), h("i"), h("i")),
      h("p", { class: "waits-for", "data-testid": "waits-for" }, h("span", { role: "status" }), " ", h("span", { "aria-hidden": "true" })));
    this.#tail.prepend(this.#typing);
    this.#follow.keep();
  }

  /**
   * What is waited for, beside the dots.
   * @param {string} words "" for nothing
   * @param {string} time how long already; not read aloud
   */
  showWaitingFor(words, time) {
    const [said, since] = this.#typing?.querySelectorAll(".waits-for > span") ?? [];
    if (!said || !since) return;
    since.textContent = time;
    if (said.textContent === words) return;
    said.textContent = words;
    this.#follow.keep();
  }

  /**
   * A reply that is being said anew: "leaving" (dim), "gone" (its successor is on the page) or "" (it stays).
   * @param {Entry} entry
   * @param {"leaving" | "gone" | ""} how
   */
  markRetried(entry, how) {
    const line = this.#views.get(entry)?.element;
    line?.classList.toggle("is-leaving", how === "leaving");
    line?.classList.toggle("is-gone", how === "gone");
  }

  /**
   * Lines that are about to be deleted are out of sight until that is done, or undone.
   * @param {Entry[]} entries
   * @param {boolean} hidden
   */
  hide(entries, hidden) {
    for (const entry of entries) this.#views.get(entry)?.element.classList.toggle("is-gone", hidden);
    this.#markLast();
  }

  /**
   * Bring a stored line into view and let it be seen.
   * @param {number} id
   */
  async point(id) {
    const line = this.#pages.querySelector(`.line[data-id="${id}"]`);
    if (!(line instanceof HTMLElement)) return;
    line.closest(".log-page")?.classList.remove("is-resting");
    for (let tries = 0, at = NaN; tries < MOST_TRIES && line.offsetTop !== at; tries += 1) { // what comes into view gets its real height
      at = line.offsetTop;
      line.scrollIntoView({ block: "center" });
      await new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); });
    }
    line.scrollIntoView({ block: "center" });
    line.classList.add("is-pointed-at");
    line.addEventListener("animationend", () => line.classList.remove("is-pointed-at"), { once: true });
    this.#stopAt(line);
  }

  /** @param {Entry} entry */
  #make(entry) {
    const view = new LineView(entry, {
      retry: () => this.emit("retry", entry),
      remove: () => this.emit("remove", entry),
      edit: () => this.emit("edit", entry),
      step: (by) => this.emit("step", entry, by),
      picture: (at) => this.emit("picture", entry, at),
      why: () => this.emit("why", entry),
    });
    this.#views.set(entry, view);
    this.#entries.set(view.element, entry);
    return view;
  }

  /** The page that takes new lines; a full one is put to rest. */
  #lastPage() {
    const last = this.#pages.lastElementChild;
    if (last && last.querySelectorAll(".line").length < PAGE_LINES) return last;
    if (last instanceof HTMLElement) this.#rest(last);
    const page = h("div", { class: "log-page" });
    this.#pages.append(page);
    return page;
  }

  /** @param {HTMLElement} page */
  #rest(page) {
    page.style.containIntrinsicBlockSize = `auto ${Math.ceil(page.getBoundingClientRect().height)}px`;
    page.classList.add("is-resting");
  }

  /** @param {Element} line */
  #previousLine(line) {
    let previous = line.previousElementSibling;
    while (previous && !this.#entries.has(previous)) previous = previous.previousElementSibling;
    return previous ?? lastLine(line.parentElement?.previousElementSibling);
  }

  /** @param {Element} line */
  #nextLine(line) {
    let next = line.nextElementSibling;
    while (next && !this.#entries.has(next)) next = next.nextElementSibling;
    return next ?? line.parentElement?.nextElementSibling?.querySelector(".line") ?? null;
  }

  /** @param {Element} line */
  #dropSeparator(line) {
    const day = line.previousElementSibling;
    if (day instanceof HTMLElement && this.#days.delete(day)) day.remove();
  }

  /**
   * A thin line with the date where a day begins; lines of one speaker stand closer.
   * @param {Element} line
   */
  #separate(line) {
    this.#dropSeparator(line);
    const entry = this.#entries.get(line);
    if (!entry) return;
    const before = this.#previousLine(line);
    const previous = before && this.#entries.get(before);
    const isDated = dayOf(entry.at) !== ""; // some lines of N.E.K.O.'s have no time
    const newDay = isDated && (!previous || dayOf(previous.at) !== dayOf(entry.at));
    line.classList.toggle("is-next", !newDay && previous?.role === entry.role);
    if (!newDay) return;
    const day = h("div", { class: "day", role: "separator" }, h("span", { text: dayName(entry.at) }));
    this.#days.set(day, entry.at);
    line.before(day);
  }

  /** Her last words keep their foot in view. One line is a stop of the Tab key; the arrows go on from there. */
  #markLast() {
    let page = this.#pages.lastElementChild;
    while (page && !lastLine(page)) page = page.previousElementSibling; // what belongs to no line has a page of its own
    const last = lastLine(page);
    for (const line of this.#pages.querySelectorAll(".line.is-last")) line.classList.remove("is-last");
    for (const line of this.#pages.querySelectorAll(".line.is-last-own")) line.classList.remove("is-last-own");
    [...this.#pages.querySelectorAll('.line[data-role="user"]')].at(-1)?.classList.add("is-last-own");
    if (!last) return;
    if (this.#entries.get(last)?.role === "assistant") last.classList.add("is-last");
    this.#stopAt(last);
  }

  /** @param {Element} line */
  #stopAt(line) {
    for (const act of this.#pages.querySelectorAll(':is(.line-act, .md-copy)[tabindex="0"]')) act.setAttribute("tabindex", "-1");
    for (const act of line.querySelectorAll(":is(.line-act, .md-copy)")) act.setAttribute("tabindex", "0");
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const line = closest(event.target, ".line");
    const entry = line && this.#entries.get(line);
    if (entry?.versions && closest(event.target, ".is-last > .line-foot") && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      event.preventDefault(); // with Alt it would be the browser's way back
      this.emit("step", entry, event.key === "ArrowLeft" ? -1 : 1);
      return;
    }
    if (!line || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const next = event.key === "ArrowUp" ? this.#previousLine(line) : this.#nextLine(line);
    const other = next && this.#entries.get(next);
    if (!next || !other) return;
    event.preventDefault();
    this.#stopAt(next);
    this.#views.get(other)?.copyButton.focus();
  }

  #relabel() {
    for (const view of this.#views.values()) view.label();
    for (const [day, at] of this.#days) day.firstElementChild?.replaceChildren(dayName(at));
  }
}

/** @param {Element | null | undefined} page */
function lastLine(page) {
  return [...(page?.querySelectorAll(".line") ?? [])].at(-1) ?? null;
}
