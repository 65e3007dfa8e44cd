/**
 * What she is doing, beside her: a column of cards where there is room, else a strip that opens a sheet. It floats over
 * the stage, so that nothing of the talk moves.
 *
 * @import { AgentSnapshot, AgentTask, TaskState } from "../wire.js"
 */
import { byId, h, icon } from "../element.js";
import { onLanguage, t } from "../i18n.js";
import { showToastsIn, toast } from "../notices.js";
import { recall, remember } from "../preferences.js";
import { command } from "./calls.js";
import { onDoubleEscape } from "./double_escape.js";
import { loadStyle } from "./style.js";
import { TaskCard } from "./task_card.js";
import { isOver, stateOf, Tasks, titleOf, wordsOf } from "./tasks.js";

const DISMISSED = "hands.dismissed";
const FOLDED = "hands.folded";
const MOST_DISMISSED = 60;
/** A task that was over longer ago than this before the page began is history: it stands on the page of the agent. */
const FRESH_MS = 10 * 60_000;
const MOST_CARDS = 12;
/** Pixels of the window from which on there is room for cards beside her, and beside the talk alone. */
const ROOM_BESIDE_HER = 1340;
const ROOM_BESIDE_TALK = 1480;
const TICK_MS = 1000;
/** @type {Set<TaskState>} Said to who listens; what lies between is seen. */
const SAID = new Set(["running", "paused", "asking", "completed", "partial", "failed", "cancelled", "interrupted"]);

export class Hud {
  tasks = new Tasks();
  #began = Date.now();
  /** @type {Map<string, TaskCard>} */
  #cards = new Map();
  #dismissed = new Set(recall(DISMISSED, "").split(" ").filter(Boolean));
  #status = h("p", { class: "visually-hidden", role: "status", "data-testid": "hands-said" });
  #count = h("span", { class: "hands-count" });
  #fold = h("button", { type: "button", class: "hands-title", "data-testid": "hands-fold" }, icon("chevron"), this.#count);
  #all = h("a", { class: "hands-all", href: "agent", "data-testid": "hands-all" });
  #list = h("div", { class: "hands-list", "data-testid": "hands-list" });
  #column = h("div", { class: "hands-column" });
  #strip = h("button", { type: "button", class: "hands-strip", "data-testid": "hands-strip", "aria-haspopup": "dialog" });
  #sheet = h("dialog", { class: "hands-sheet", "data-testid": "hands-sheet" });
  #sheetTitle = h("h2");
  #close = h("button", { type: "button", class: "icon-button", "data-testid": "hands-close" }, icon("close"));
  #stops = [this.#stop(), this.#stop(), this.#stop()];
  #root = h("section", { class: "hands", "data-testid": "hands" });
  #onStopAll;
  #timer = 0;

  /** @param {{ onStopAll: () => void }} parts what else ends when all is to stop */
  constructor({ onStopAll }) {
    this.#onStopAll = onStopAll;
    const [ofColumn, ofStrip, ofSheet] = this.#stops;
    this.#column.append(h("header", { class: "hands-head" }, this.#fold, this.#all, ofColumn ?? ""));
    this.#sheet.append(h("header", { class: "hands-head" }, this.#sheetTitle, this.#close), h("div", { class: "hands-place" }), h("footer", { class: "hands-foot" }, ofSheet ?? ""));
    this.#root.append(this.#status, this.#column, h("div", { class: "hands-narrow" }, this.#strip, ofStrip ?? ""), this.#sheet);
    this.#fold.addEventListener("click", () => {
      remember(FOLDED, !recall(FOLDED, false));
      this.#drawFrame();
    });
    this.#strip.addEventListener("click", () => this.#open());
    this.#close.addEventListener("click", () => this.#sheet.close());
    this.#sheet.addEventListener("click", (event) => {
      if (event.target === this.#sheet) this.#sheet.close();
    });
    this.#sheet.addEventListener("close", () => showToastsIn(null));
    this.tasks.on("task", (task, before) => this.#took(task, before));
    this.tasks.on("gone", (id) => this.#remove(id));
    onDoubleEscape({
      applies: () => this.tasks.running.length > 0,
      first: (withinMs) => toast(t("hands.escape_again"), { timeMs: withinMs }),
      twice: () => void this.stopAll(),
    });
    byId("app", HTMLElement).append(this.#root);
    window.addEventListener("resize", () => this.#arrange());
    new MutationObserver(() => this.#arrange()).observe(byId("app", HTMLElement), { attributeFilter: ["data-avatar"] });
    onLanguage(() => this.#relabel());
    this.#arrange();
  }

  static async load(/** @type {{ onStopAll: () => void }} */ parts) {
    await loadStyle("hands");
    return new Hud(parts);
  }

  async stopAll() {
    this.#onStopAll();
    for (const button of this.#stops) button.disabled = true;
    if (await command("stop_all")) toast(t("hands.stopped_all"));
    for (const button of this.#stops) button.disabled = false;
  }

  /** @param {string} id */
  shows(id) {
    return this.#cards.has(id);
  }

  /** @param {AgentSnapshot} snapshot */
  follow(snapshot) {
    this.tasks.follow(snapshot);
  }

  /**
   * @param {AgentTask} task
   * @param {AgentTask | null} before
   */
  #took(task, before) {
    if (this.#dismissed.has(task.id) || this.#isHistory(task)) return;
    const card = this.#cards.get(task.id);
    if (card) card.update(task);
    else this.#add(task);
    this.#say(task, before);
    this.#drawFrame();
    this.#setTimer();
  }

  /** @param {AgentTask} task */
  #isHistory(task) {
    return isOver(task) && !this.#cards.has(task.id) && Date.parse(task.end_time ?? task.start_time) < this.#began - FRESH_MS;
  }

  /** The newest stands first. @param {AgentTask} task */
  #add(task) {
    const card = new TaskCard(task, { now: () => this.tasks.now, onDismiss: () => this.#dismiss(task.id) });
    this.#cards.set(task.id, card);
    const after = this.tasks.all.filter((one) => one !== task && this.#cards.has(one.id) && one.start_time <= task.start_time)
      .sort((one, other) => other.start_time.localeCompare(one.start_time))[0];
    this.#list.insertBefore(card.element, (after && this.#cards.get(after.id)?.element) ?? null);
    const over = this.tasks.all.filter((one) => this.#cards.has(one.id) && isOver(one)).sort((one, other) => one.start_time.localeCompare(other.start_time));
    for (const one of over.slice(0, Math.max(0, this.#cards.size - MOST_CARDS))) this.tasks.drop(one.id);
  }

  /** @param {string} id */
  #dismiss(id) {
    const next = this.#cards.get(id)?.element.nextElementSibling ?? this.#list.firstElementChild;
    this.#dismissed.add(id);
    remember(DISMISSED, [...this.#dismissed].slice(-MOST_DISMISSED).join(" "));
    this.tasks.drop(id);
    if (next instanceof HTMLElement && next.isConnected) next.focus({ preventScroll: true });
    else byId("composer", HTMLElement).focus({ preventScroll: true });
  }

  /** @param {string} id */
  #remove(id) {
    this.#cards.get(id)?.element.remove();
    this.#cards.delete(id);
    this.#drawFrame();
  }

  /**
   * @param {AgentTask} task
   * @param {AgentTask | null} before
   */
  #say(task, before) {
    const state = stateOf(task);
    if (!SAID.has(state) || (before && stateOf(before) === state) || (!before && isOver(task))) return;
    this.#status.textContent = t("hands.said", { title: titleOf(task), state: t(`hands.states.${state}`) });
  }

  /** Once a second, while something runs and is looked at. */
  #setTimer() {
    if (this.#timer || this.tasks.running.length === 0) return;
    this.#timer = setInterval(() => {
      if (!document.hidden) for (const task of this.tasks.running) this.#cards.get(task.id)?.tick();
      if (this.tasks.running.length > 0) return;
      clearInterval(this.#timer);
      this.#timer = 0;
    }, TICK_MS);
  }

  #open() {
    this.#sheet.showModal();
    showToastsIn(this.#sheet);
    this.#close.focus();
  }

  /** Cards where there is room for them. */
  #arrange() {
    const app = byId("app", HTMLElement);
    const wide = window.innerWidth >= (app.dataset.avatar === "off" ? ROOM_BESIDE_TALK : ROOM_BESIDE_HER);
    const place = wide ? this.#column : this.#sheet.querySelector(".hands-place");
    this.#root.dataset.room = wide ? "wide" : "narrow";
    if (this.#list.parentElement === place) return;
    place?.append(this.#list);
    if (wide) this.#sheet.close();
  }

  /** Tasks of before the page began come in another order than those that begin now. */
  #newest() {
    return this.tasks.all.filter((task) => this.#cards.has(task.id)).sort((one, other) => one.start_time.localeCompare(other.start_time)).at(-1);
  }

  #drawFrame() {
    const running = this.tasks.running.filter((task) => this.#cards.has(task.id));
    const newest = running.find((task) => stateOf(task) === "asking") ?? running.findLast((task) => stateOf(task) === "running") ?? running.at(-1) ?? this.#newest();
    const isFolded = recall(FOLDED, false);
    this.#root.hidden = this.#cards.size === 0;
    if (this.#root.hidden && this.#sheet.open) this.#sheet.close();
    this.#count.textContent = running.length ? t("hands.at_work", { count: running.length }) : t("hands.nothing_runs");
    this.#fold.setAttribute("aria-expanded", String(!isFolded));
    this.#root.toggleAttribute("data-folded", isFolded);
    for (const button of this.#stops) button.hidden = running.length === 0;
    this.#root.dataset.state = newest ? stateOf(newest) : "";
    this.#strip.replaceChildren(h("span", { class: "hands-light", "aria-hidden": "true" }),
      h("span", { class: "hands-strip-words" }, h("span", { class: "hands-strip-title", text: newest ? titleOf(newest) : "" }),
        h("span", { class: "hands-strip-state", text: newest ? Object.values(wordsOf(newest)).filter(Boolean).join(" · ") : "" })),
      this.#cards.size > 1 ? h("span", { class: "hands-more", text: `+${this.#cards.size - 1}` }) : "", icon("up"));
  }

  #stop() {
    return h("button", { type: "button", class: "hands-stop", "data-testid": "hands-stop", on: { click: () => void this.stopAll() } }, icon("stop"), h("span"));
  }

  #relabel() {
    this.#root.setAttribute("aria-label", t("hands.title"));
    this.#sheet.setAttribute("aria-label", t("hands.title"));
    this.#sheetTitle.textContent = t("hands.title");
    this.#close.setAttribute("aria-label", t("hands.close"));
    this.#all.textContent = t("hands.all");
    for (const button of this.#stops) {
      button.title = t("hands.stop_all_keys");
      button.setAttribute("aria-label", t("hands.stop_all"));
      const words = button.querySelector("span");
      if (words) words.textContent = t("hands.stop_all");
    }
    for (const task of this.tasks.all) this.#cards.get(task.id)?.update(task);
    this.#drawFrame();
  }
}
