/**
 * The way to the cards of what she does. Their modules come with the first task, or when an ability is on: who uses none
 * of it loads nothing of it.
 *
 * @import { Hud } from "./hud.js"
 * @import { AgentSnapshot, AgentTask } from "../wire.js"
 */
import { get } from "../api.js";
import { t } from "../i18n.js";
import { Late } from "../late.js";
import { toast } from "../notices.js";

export class Hands {
  /** @type {Late<Hud>} */
  #hud;

  /** @param {{ onStopAll: () => void }} parts what else ends when all is to stop */
  constructor(parts) {
    this.#hud = new Late(async () => (await import("./hud.js")).Hud.load(parts));
  }

  /** @param {AgentTask} task */
  task(task) {
    return this.#with((hud) => hud.tasks.take(task));
  }

  /** @param {AgentSnapshot} snapshot */
  async snapshot(snapshot) {
    if (!this.#hud.now && !isWanted(snapshot)) return;
    await this.#with((hud) => hud.follow(snapshot));
  }

  /** Does a card tell of this task? @param {string} id */
  shows(id) {
    return Boolean(this.#hud.now?.shows(id));
  }

  /** The page begins, or the line is back: what is going on, and what happened meanwhile? */
  async look() {
    try {
      /** @type {{ snapshot: AgentSnapshot }} */
      const { snapshot } = await get("api/agent/state");
      await this.snapshot(snapshot);
      await this.#hud.now?.tasks.load();
    } catch (error) {
      console.warn("agent", error);
    }
  }

  /**
   * In the order in which it was told.
   * @param {(hud: Hud) => void} wish
   */
  async #with(wish) {
    let hud;
    try {
      hud = await this.#hud.load();
    } catch {
      toast(t("connection.part_missing"));
      return;
    }
    wish(hud);
  }
}

/** @param {AgentSnapshot} snapshot */
function isWanted({ active_tasks: tasks, flags }) {
  return tasks.length > 0 || Object.values(flags).some(Boolean);
}
