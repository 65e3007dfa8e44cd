/**
 * What is being done for the reader, as the server tells it: each task by its id, a telling replaces the one before.
 *
 * @import { AgentSnapshot, AgentTask, TaskState } from "../wire.js"
 */
import { get } from "../api.js";
import { Emitter } from "../emitter.js";
import { currentLanguage, t } from "../i18n.js";

/** Characters of a title that is made of what a task was given (`contract/agent.md` §8). */
const LONGEST_TITLE = 60;
/** Of an id that has to do for a title. */
const SHORT_ID = 8;
/** How many tasks are looked at when a page begins. */
const LATEST = 20;

/** What the server calls a reminder without words. */
const TIMER = "⏰";
const BY_STATUS = /** @type {const} */ ({ queued: "queued", running: "running", completed: "completed", failed: "failed", cancelled: "cancelled" });
/** @type {Set<TaskState>} */
const OVER = new Set(["completed", "partial", "failed", "cancelled", "interrupted"]);

/** @param {AgentTask} task @returns {TaskState} */
export function stateOf(task) {
  return task.neko?.state ?? BY_STATUS[task.status];
}

/** @param {AgentTask} task */
export function isOver(task) {
  return OVER.has(stateOf(task));
}

/** A reminder or timer that is set, or was. @param {AgentTask} task */
export function isReminder(task) {
  return task.neko?.source === "reminder";
}

/** @param {AgentTask} task */
function isTimer(task) {
  return isReminder(task) && task.neko?.title === TIMER;
}

/** In place of its state and of what is being done, both in the reader's words. @param {AgentTask} task */
export function wordsOf(task) {
  const { neko: details } = task;
  if (!isReminder(task) || isOver(task)) {
    const state = t(details?.waits_for ? `hands.waits.${details.waits_for}` : `hands.states.${stateOf(task)}`);
    return { state, action: isOver(task) ? "" : details?.action ?? "" };
  }
  const format = new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeStyle: "short" });
  return { state: isTimer(task) ? "" : t("hands.reminder"), action: details?.due ? format.format(new Date(details.due)) : "" };
}

/**
 * What it is about: our title, else what N.E.K.O.'s agent tells.
 * @param {AgentTask} task
 */
export function titleOf(task) {
  if (isTimer(task)) return t("hands.timer");
  if (task.neko?.title) return task.neko.title;
  const { query, instruction, tool_name: tool, action } = task.params ?? {};
  const words = [query, instruction, task.original_query, tool, action].find((one) => typeof one === "string" && one.trim());
  if (typeof words !== "string") return task.id.slice(0, SHORT_ID);
  const letters = [...words];
  return letters.length > LONGEST_TITLE ? `${letters.slice(0, LONGEST_TITLE).join("")}…` : words;
}

/**
 * Milliseconds that it has taken, at this time of the server.
 * @param {AgentTask} task
 * @param {number} now
 */
export function elapsedOf(task, now) {
  const began = Date.parse(task.start_time);
  const ended = task.end_time ? Date.parse(task.end_time) : now;
  return Number.isFinite(began) && Number.isFinite(ended) ? Math.max(0, ended - began) : 0;
}

/**
 * One that the server knows no more: it was ended in the middle.
 * @param {AgentTask} task
 * @param {number} now
 * @returns {AgentTask}
 */
function interrupted(task, now) {
  const over = { ...task, status: /** @type {const} */ ("failed"), end_time: new Date(now).toISOString() };
  return task.neko ? { ...over, neko: { ...task.neko, state: "interrupted", action: "", commands: [] } } : over;
}

/**
 * Events: `task` when one is told of, `gone` when one is not shown any more.
 * @extends {Emitter<{ task: [task: AgentTask, before: AgentTask | null], gone: [id: string] }>}
 */
export class Tasks extends Emitter {
  /** @type {Map<string, AgentTask>} */
  #byId = new Map();
  #revision = -1;
  /** How often each was told of: an answer that was asked for before tells nothing new. @type {Map<string, number>} */
  #told = new Map();
  #tellings = 0;
  /** The server's clock less ours, in milliseconds: at least so much, as what it tells takes its time. */
  #ahead = -Infinity;

  get all() {
    return [...this.#byId.values()];
  }

  get running() {
    return this.all.filter((task) => !isOver(task) && !isReminder(task));
  }

  /** The time of the server. */
  get now() {
    return Date.now() + (Number.isFinite(this.#ahead) ? this.#ahead : 0);
  }

  /** @param {AgentTask} task */
  take(task) {
    const before = this.#byId.get(task.id) ?? null;
    this.#byId.set(task.id, task);
    this.#told.set(task.id, ++this.#tellings);
    this.emit("task", task, before);
  }

  /**
   * A snapshot counts if its revision is greater than that of the last one.
   * @param {AgentSnapshot} snapshot
   */
  follow(snapshot) {
    if (snapshot.revision <= this.#revision) return;
    this.#revision = snapshot.revision;
    const told = Date.parse(snapshot.updated_at);
    if (Number.isFinite(told)) this.#ahead = Math.max(this.#ahead, told - Date.now());
    for (const task of snapshot.active_tasks) this.take(task);
  }

  /** Ask for the latest of them; nothing changes when there is no answer. */
  async load() {
    const asked = this.#tellings;
    try {
      /** @type {{ tasks: AgentTask[] }} */
      const { tasks } = await get(`api/agent/tasks?limit=${LATEST}`);
      for (const task of tasks) if ((this.#told.get(task.id) ?? 0) <= asked) this.take(task);
      const known = new Set(tasks.map((task) => task.id));
      const oldest = tasks.length < LATEST ? "" : tasks.map((task) => task.start_time).sort()[0] ?? "";
      const gone = this.running.filter((task) => !known.has(task.id) && task.start_time > oldest && (this.#told.get(task.id) ?? 0) <= asked);
      for (const task of gone) this.take(interrupted(task, this.now));
    } catch (error) {
      console.warn("tasks", error);
    }
  }

  /** @param {string} id */
  drop(id) {
    if (this.#byId.delete(id)) this.emit("gone", id);
  }
}
