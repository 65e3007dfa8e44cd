/**
 * The talk on the page. Lines live in pages of some forty; a page out of sight costs nothing
 * (`content-visibility`), and knows its height, so that scrolling does not jump.
 */
import { h } from "./element.js";
import { currentLanguage, onLanguage, t } from "./i18n.js";
import { LineView } from "./line_view.js";

const PAGE_LINES = 40;

function dayOf(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

function dayName(at) {
  const date = new Date(at);
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (dayOf(date) === dayOf(today)) return t("talk.today");
  if (dayOf(date) === dayOf(yesterday)) return t("talk.yesterday");
  const year = date.getFullYear() === today.getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(currentLanguage(), { weekday: "long", day: "numeric", month: "long", year }).format(date);
}

export class LogView {
  #pages;
  #tail;
  #follow;
  #actions;
  #views = new Map();

  constructor({ pages, tail, follow, actions }) {
    this.#pages = pages;
    this.#tail = tail;
    this.#follow = follow;
    this.#actions = actions;
    pages.addEventListener("keydown", (event) => this.#walk(event));
    onLanguage(() => this.#relabel());
  }

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

  update(entry) {
    const view = this.#views.get(entry);
    if (!view) return;
    view.draw();
    this.#pages.closest("[role=log]").setAttribute("aria-busy", String(entry.state === "streaming"));
    if (entry.state === "streaming") this.#follow.news();
  }

  remove(entry) {
    const view = this.#views.get(entry);
    if (!view) return;
    const following = this.#nextLine(view.element);
    this.#dropSeparator(view.element);
    view.element.remove();
    this.#views.delete(entry);
    if (following) this.#separate(following);
    this.#markLast();
  }

  /** Older lines, oldest first, in front of all others, without moving what is in view. */
  prepend(entries) {
    if (!entries.length) return;
    const log = this.#pages.closest("[role=log]");
    log.setAttribute("aria-live", "off");
    const pages = [];
    for (let at = 0; at < entries.length; at += PAGE_LINES) {
      const views = entries.slice(at, at + PAGE_LINES).map((entry) => this.#make(entry));
      pages.push(h("div", { class: "log-page" }, views.map((view) => view.element)));
    }
    const first = this.#pages.querySelector(".line");
    this.#follow.holding(() => {
      this.#pages.prepend(...pages);
      for (const page of pages) for (const line of [...page.querySelectorAll(".line")]) this.#separate(line);
      if (first) this.#separate(first);
      for (const page of pages) this.#rest(page);
    });
    this.#markLast();
    requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
  }

  /** The three dots while she has not begun to answer. */
  showTyping(shown) {
    const present = this.#tail.querySelector(".typing");
    if (shown === Boolean(present)) return;
    if (present) present.remove();
    else this.#tail.prepend(h("div", { class: "typing", "data-testid": "typing", "aria-label": t("talk.typing") }, h("i"), h("i"), h("i")));
    if (shown) this.#follow.keep();
  }

  /** A reply that is being said anew: "leaving" (dim), "gone" (its successor is on the page) or "" (it stays). */
  markRetried(entry, how) {
    const line = this.#views.get(entry)?.element;
    line?.classList.toggle("is-leaving", how === "leaving");
    line?.classList.toggle("is-gone", how === "gone");
  }

  #make(entry) {
    const view = new LineView(entry, this.#actions);
    this.#views.set(entry, view);
    return view;
  }

  /** The page that takes new lines; a full one is put to rest. */
  #lastPage() {
    const last = this.#pages.lastElementChild;
    if (last && last.querySelectorAll(".line").length < PAGE_LINES) return last;
    if (last) this.#rest(last);
    const page = h("div", { class: "log-page" });
    this.#pages.append(page);
    return page;
  }

  #rest(page) {
    page.style.containIntrinsicBlockSize = `auto ${Math.ceil(page.getBoundingClientRect().height)}px`;
    page.classList.add("is-resting");
  }

  #previousLine(line) {
    const lines = [...line.parentElement.querySelectorAll(".line")];
    const at = lines.indexOf(line);
    if (at > 0) return lines[at - 1];
    return [...(line.parentElement.previousElementSibling?.querySelectorAll(".line") ?? [])].at(-1) ?? null;
  }

  #nextLine(line) {
    let next = line.nextElementSibling;
    while (next && !next.classList.contains("line")) next = next.nextElementSibling;
    return next ?? line.parentElement.nextElementSibling?.querySelector(".line") ?? null;
  }

  #dropSeparator(line) {
    if (line.previousElementSibling?.classList.contains("day")) line.previousElementSibling.remove();
  }

  /** A thin line with the date where a day begins; lines of one speaker stand closer. */
  #separate(line) {
    this.#dropSeparator(line);
    const at = line.querySelector("time").dateTime;
    const previous = this.#previousLine(line);
    const newDay = !previous || dayOf(previous.querySelector("time").dateTime) !== dayOf(at);
    line.classList.toggle("is-next", !newDay && previous.dataset.role === line.dataset.role);
    if (newDay) line.before(h("div", { class: "day", role: "separator", "data-at": at }, h("span", { text: dayName(at) })));
  }

  /** Her last words keep their foot in view. One line is a stop of the Tab key; the arrows go on from there. */
  #markLast() {
    const last = [...(this.#pages.lastElementChild?.querySelectorAll(".line") ?? [])].at(-1) ?? null;
    for (const line of this.#pages.querySelectorAll(".line.is-last")) line.classList.remove("is-last");
    if (last?.dataset.role === "assistant") last.classList.add("is-last");
    if (last) this.#stopAt(last);
  }

  #stopAt(line) {
    for (const act of this.#pages.querySelectorAll('.line-act[tabindex="0"]')) act.tabIndex = -1;
    for (const act of line.querySelectorAll(".line-act")) act.tabIndex = 0;
  }

  #walk(event) {
    const line = event.target.closest(".line");
    const next = line && { ArrowUp: () => this.#previousLine(line), ArrowDown: () => this.#nextLine(line) }[event.key]?.();
    if (!next) return;
    event.preventDefault();
    this.#stopAt(next);
    next.querySelector(".line-copy").focus();
  }

  #relabel() {
    for (const view of this.#views.values()) view.label();
    for (const day of this.#pages.querySelectorAll(".day")) day.firstChild.textContent = dayName(day.dataset.at);
  }
}
