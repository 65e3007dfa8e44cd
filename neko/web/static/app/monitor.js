/**
 * How every part of Neko is just now: asked once a second while somebody looks, and what it was last while she is not
 * there.
 *
 * @import { Monitor } from "./monitor/shapes.js"
 */
import { get } from "./api.js";
import { byId, h } from "./element.js";
import { currentLanguage, onLanguage, t } from "./i18n.js";
import { Board } from "./monitor/board.js";
import { startShell } from "./shell.js";

const LOOK_MS = 1000;
const LOOK_AGAIN_MS = 3000;
const ANSWER_MS = 5000;

class MonitorPage {
  #board = new Board(byId("view", HTMLElement));
  #link = byId("link", HTMLElement);
  #gone = byId("gone", HTMLElement);
  #timer = 0;
  #asking = false;
  /** @type {Date | null} Of the last answer. */
  #seen = null;
  #lost = false;

  constructor() {
    byId("page", HTMLElement).tabIndex = 0; // to be scrolled by keys: there is seldom anything else to go to
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.look();
    });
    onLanguage(() => this.#label());
  }

  /** Ask, and again while the page is in sight. */
  async look() {
    if (this.#asking) return;
    clearTimeout(this.#timer);
    this.#asking = true;
    const seen = await /** @type {Promise<Monitor>} */ (get("api/monitor", ANSWER_MS)).catch(() => null);
    this.#asking = false;
    this.#lost = seen === null;
    if (seen) {
      this.#seen = new Date();
      this.#board.draw(seen);
    }
    this.#tell();
    if (!document.hidden) this.#timer = setTimeout(() => void this.look(), this.#lost ? LOOK_AGAIN_MS : LOOK_MS);
  }

  #tell() {
    const time = this.#seen?.toLocaleTimeString(currentLanguage());
    this.#link.dataset.state = this.#lost ? "lost" : "online";
    this.#link.title = t(this.#lost ? "connection.waiting" : "connection.online");
    this.#link.replaceChildren(h("span", { text: this.#link.title }));
    const words = !this.#lost ? "" : time ? t("monitor.lost_since", { time }) : t("monitor.lost");
    if (this.#gone.textContent !== words) this.#gone.textContent = words;
    this.#gone.hidden = !this.#lost;
    this.#board.setStale(this.#lost);
  }

  #label() {
    byId("title", HTMLElement).textContent = t("monitor.title");
    document.title = t("monitor.title");
    const back = byId("back", HTMLAnchorElement);
    back.href = encodeURIComponent(document.documentElement.dataset.character ?? "") || "./";
    back.setAttribute("aria-label", t("memory.back"));
    back.title = t("memory.back");
    this.#board.label();
    if (this.#seen || this.#lost) this.#tell();
  }
}

const show = await startShell();
const page = new MonitorPage();
await page.look();
show();
