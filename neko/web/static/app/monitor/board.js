/**
 * The sections of the monitor. What has not changed is left alone, so that a reader can select it, and what reads the
 * page aloud is not disturbed.
 *
 * @import { Child } from "../element.js"
 * @import { Monitor } from "./shapes.js"
 */
import { h } from "../element.js";
import { onLanguage, t } from "../i18n.js";
import { agentRows, conversationRows, faultRows, hostRows, memoryRows, modelRows, processTiles, queueRows, timingRows } from "./rows.js";

/** @type {Record<string, (seen: Monitor) => Child[]>} By the name of the section's words. */
const SECTIONS = {
  faults: faultRows, process: processTiles, conversations: conversationRows, models: modelRows, memories: memoryRows, agent: agentRows, queues: queueRows,
  hosts: hostRows, timings: timingRows,
};
/** Shown only while there is something in it. */
const OFTEN_EMPTY = new Set(["faults"]);

export class Board {
  #view;
  /** @type {Monitor | null} */
  #seen = null;
  /** @type {Map<string, { section: HTMLElement, title: HTMLElement, body: HTMLElement }>} */
  #sections = new Map();
  /** @type {Map<string, string>} What stands in each section. */
  #drawn = new Map();
  #empty = h("p", { class: "memory-empty", role: "status" });

  /** @param {HTMLElement} view */
  constructor(view) {
    this.#view = view;
    for (const name of Object.keys(SECTIONS)) {
      const title = h("h2", { id: `monitor-${name}` });
      const body = h("div", { class: `monitor-body is-${name}` });
      const section = h("section", { class: "monitor-section", "aria-labelledby": title.id, "data-testid": `monitor-${name}`, hidden: true }, title, body);
      this.#sections.set(name, { section, title, body });
      view.append(section);
    }
    view.prepend(this.#empty);
    onLanguage(() => this.label());
  }

  /** @param {Monitor} seen */
  draw(seen) {
    this.#seen = seen;
    this.#empty.hidden = true;
    for (const [name, rows] of Object.entries(SECTIONS)) {
      const place = this.#sections.get(name);
      if (!place) continue;
      const content = h("div", {}, rows(seen));
      const { innerHTML } = content;
      place.section.hidden = OFTEN_EMPTY.has(name) && !innerHTML;
      if (this.#drawn.get(name) === innerHTML) continue;
      this.#drawn.set(name, innerHTML);
      const hadFocus = place.body.contains(document.activeElement);
      place.body.replaceChildren(...content.childNodes);
      if (hadFocus) /** @type {HTMLElement | null} */ (place.body.querySelector("a"))?.focus();
    }
  }

  /** @param {boolean} stale it is as it was */
  setStale(stale) {
    this.#view.toggleAttribute("data-stale", stale);
    this.#empty.hidden = this.#seen !== null;
    this.#empty.textContent = t("monitor.nothing");
  }

  label() {
    for (const [name, { title }] of this.#sections) title.textContent = t(`monitor.sections.${name}`);
    if (this.#seen) this.draw(this.#seen);
  }
}
