/**
 * Her plug-ins: programs of others that run beside her, each in a process of its own.
 *
 * @import { PlugIn } from "./calls.js"
 * @import { ViewParts } from "./view.js"
 */
import { sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { movePlugIn, plugInLog, plugIns } from "./calls.js";
import { logLines, problemOf } from "./server_card.js";
import { empty, fill } from "./view.js";

const LIGHTS = { running: "ready", starting: "connecting", waiting: "waiting", failed: "failed", stopped: "off" };

export class PlugInsView {
  #view;

  /** @param {ViewParts} parts */
  constructor({ view }) {
    this.#view = view;
  }

  async show() {
    await fill(this.#view, async () => {
      const { plugins, message, on } = await plugIns();
      return [
        h("p", { class: "memory-lead", text: t("plugins.lead") }),
        on ? "" : h("p", { class: "agent-note", role: "note" }, icon("warning"), h("span", { text: t("plugins.off") }), h("a", { href: "./#settings/abilities", text: t("plugins.to_abilities") })),
        message && h("p", { class: "agent-note", role: "note" }, icon("warning"), h("span", { text: message })),
        plugins.length ? h("div", { class: "servers", "data-testid": "plugins" }, plugins.map((one) => this.#card(one, on))) : empty(t("plugins.none"), t("plugins.none_more")),
      ];
    });
  }

  /**
   * @param {PlugIn} plugIn
   * @param {boolean} on
   */
  #card({ id, name, description, version, entries, neko: { state, place, problems, problem } }, on) {
    const body = h("div", { class: "server-body" });
    const act = (/** @type {"start" | "stop" | "reload"} */ what) => h("button", {
      type: "button", class: "agent-chip", disabled: !on && what !== "stop", "data-testid": `plugin-${what}`, text: t(`plugins.${what}`), "aria-label": `${t(`plugins.${what}`)}: ${name}`, on: { click: () => void this.#move(id, what) },
    });
    const isRunning = state === "running" || state === "starting" || state === "waiting";
    return h("article", { class: "server", "data-testid": "plugin", "data-state": LIGHTS[state] },
      h("div", { class: "server-head" }, h("span", { class: "server-light", "aria-hidden": "true" }),
        h("div", { class: "server-words" }, h("h2", { text: name }), h("p", { class: "server-line" }, h("span", { text: t(`plugins.states.${state}`) }), h("span", { class: "server-place", text: [version, place].filter(Boolean).join(" · ") }))),
        problemOf(problem) ?? ""),
      description && h("p", { class: "tool-words", text: description }),
      ...problems.map((text) => h("p", { class: "agent-hint", text })),
      h("div", { class: "server-acts" }, isRunning ? act("stop") : act("start"), act("reload"), this.#log(id, body)),
      entries.length > 0 && h("ul", { class: "rule-list" }, entries.map((entry) => h("li", { class: "rule is-tool" },
        h("div", { class: "rule-name" }, h("span", { text: entry.name }), h("span", { class: "trail-act", "data-act": entry.act, text: t(`agent.acts.${entry.act}`) }), h("span", { class: "tool-words", text: entry.description }))))),
      body);
  }

  /**
   * @param {string} id
   * @param {HTMLElement} body
   */
  #log(id, body) {
    const button = h("button", { type: "button", class: "agent-chip", "aria-expanded": "false", "data-testid": "plugin-log", text: t("servers.log") });
    button.addEventListener("click", () => {
      const isOpen = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!isOpen));
      if (isOpen) body.replaceChildren();
      else plugInLog(id).then(({ lines }) => body.replaceChildren(logLines(lines)), (/** @type {unknown} */ error) => toast(sentenceOf(error)));
    });
    return button;
  }

  /**
   * @param {string} id
   * @param {"start" | "stop" | "reload"} what
   */
  async #move(id, what) {
    try {
      await movePlugIn(id, what);
    } catch (error) {
      toast(sentenceOf(error));
    }
    await this.show();
  }
}
