/**
 * All her tasks, those that run and those that are over: searched, by their state, each with what came of it.
 *
 * @import { AgentTask } from "../wire.js"
 * @import { ViewParts } from "./view.js"
 */
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { latestTasks } from "./calls.js";
import { TaskCard } from "./task_card.js";
import { isOver, isReminder, stateOf, titleOf } from "./tasks.js";
import { empty, failed } from "./view.js";

/** While something runs, and while nothing does. */
const LOOK_MS = 2000;
const LOOK_IDLE_MS = 8000;
const FILTERS = /** @type {const} */ (["all", "running", "done", "failed"]);

/** @typedef {typeof FILTERS[number]} Filter */

/** @type {Record<Filter, (task: AgentTask) => boolean>} */
const FITS = {
  all: () => true,
  running: (task) => !isOver(task) && !isReminder(task),
  done: (task) => ["completed", "partial"].includes(stateOf(task)),
  failed: (task) => ["failed", "interrupted", "cancelled"].includes(stateOf(task)),
};

export class TasksView {
  #view;
  #go;
  #tell;
  /** @type {AgentTask[]} */
  #tasks = [];
  /** @type {Map<string, TaskCard>} */
  #cards = new Map();
  /** @type {Filter} */
  #filter = "all";
  #words = h("input", { class: "input", type: "search", spellcheck: "false", maxlength: 200, "data-testid": "task-search" });
  #filters = h("div", { class: "agent-filters", role: "group", "data-testid": "task-filters" });
  #list = h("div", { class: "agent-tasks", "data-testid": "tasks" });
  #timer = 0;
  #open = false;
  /** The task that the address names. */
  #named = "";

  /**
   * @param {ViewParts} parts
   * @param {(running: number) => void} tell how many run
   */
  constructor({ view, go }, tell) {
    this.#view = view;
    this.#go = go;
    this.#tell = tell;
    this.#words.addEventListener("input", () => this.#draw());
    document.addEventListener("visibilitychange", () => {
      if (this.#open && !document.hidden) void this.look();
    });
  }

  /** @param {string} id of a task, or "" */
  async show(id) {
    this.#open = true;
    this.#named = id;
    this.#words.value = "";
    this.#words.placeholder = t("agent.search_tasks");
    this.#words.setAttribute("aria-label", t("agent.search_tasks"));
    this.#filters.setAttribute("aria-label", t("agent.filter"));
    this.#view.removeAttribute("aria-busy");
    this.#view.dataset.turn = String(Number(this.#view.dataset.turn ?? 0) + 1);
    this.#view.replaceChildren(h("search", { class: "memory-search" }, icon("search"), this.#words), this.#filters, this.#list);
    this.#cards.clear();
    this.#list.replaceChildren();
    await this.look();
  }

  leave() {
    this.#open = false;
    clearTimeout(this.#timer);
  }

  /** Ask again, and again while this is looked at. */
  async look() {
    clearTimeout(this.#timer);
    try {
      this.#tasks = (await latestTasks()).tasks;
    } catch (error) {
      if (this.#open && this.#tasks.length === 0) this.#list.replaceChildren(failed(error, () => void this.look()));
      if (this.#open && this.#tasks.length > 0) this.#timer = setTimeout(() => void this.look(), LOOK_MS);
      return;
    }
    const running = this.#tasks.filter(FITS.running).length;
    this.#tell(running);
    if (!this.#open) return;
    this.#draw();
    if (!document.hidden) this.#timer = setTimeout(() => void this.look(), running > 0 ? LOOK_MS : LOOK_IDLE_MS);
  }

  #draw() {
    const words = this.#words.value.trim().toLowerCase();
    const holds = (/** @type {AgentTask} */ task) => !words || [titleOf(task), task.neko?.instruction, task.neko?.result, task.error].some((one) => one?.toLowerCase().includes(words));
    const found = this.#tasks.filter((task) => (this.#named ? task.id === this.#named : FITS[this.#filter](task) && holds(task)));
    this.#drawFilters();
    for (const [id, card] of this.#cards) {
      if (found.some((task) => task.id === id)) continue;
      card.element.remove();
      this.#cards.delete(id);
    }
    for (const note of this.#list.querySelectorAll(".agent-empty")) note.remove();
    found.forEach((task, at) => {
      const card = this.#cards.get(task.id) ?? this.#make(task);
      card.update(task);
      if (this.#list.children[at] !== card.element) this.#list.insertBefore(card.element, this.#list.children[at] ?? null);
    });
    if (found.length === 0) this.#list.append(this.#tasks.length === 0 ? empty(t("agent.no_tasks"), t("agent.no_tasks_more")) : empty(t("agent.none_fits")));
  }

  /** @param {AgentTask} task */
  #make(task) {
    const card = new TaskCard(task, { now: () => Date.now(), onCommand: () => void this.look(), folded: isOver(task) && task.id !== this.#named });
    if (!isReminder(task)) {
      card.element.append(this.#trailButton(task));
    }
    this.#cards.set(task.id, card);
    return card;
  }

  /** @param {AgentTask} task */
  #trailButton(task) {
    return h("button", {
      type: "button", class: "task-more", "data-testid": "task-trail", text: t("agent.what_it_did"), "aria-label": `${t("agent.what_it_did")}: ${titleOf(task)}`,
      on: { click: () => this.#go(`trail/${task.id}`) },
    });
  }

  #drawFilters() {
    const had = document.activeElement instanceof HTMLElement && this.#filters.contains(document.activeElement) ? document.activeElement.dataset.filter : "";
    const chips = FILTERS.map((name) => h("button", {
      type: "button", class: "agent-chip", "data-filter": name, "data-testid": `filter-${name}`, "aria-pressed": String(!this.#named && name === this.#filter),
      text: `${t(`agent.filters.${name}`)} ${this.#tasks.filter(FITS[name]).length}`,
      on: { click: () => {
        this.#filter = name;
        this.#named = "";
        this.#draw();
      } },
    }));
    this.#filters.replaceChildren(...chips);
    chips.find((chip) => chip.dataset.filter === had)?.focus();
  }
}
