/**
 * The page of the agent: her tasks, what was done and asked, what may be done, her servers of tools, her plug-ins. The
 * part that is shown stands in the address (`#trail`).
 *
 * @import { ViewParts } from "./hands/view.js"
 */
import { byId, h } from "./element.js";
import { command } from "./hands/calls.js";
import { onDoubleEscape } from "./hands/double_escape.js";
import { PlugInsView } from "./hands/plugins_view.js";
import { RulesView } from "./hands/rules_view.js";
import { ServersView } from "./hands/servers_view.js";
import { TasksView } from "./hands/tasks_view.js";
import { TrailView } from "./hands/trail_view.js";
import { onLanguage, t } from "./i18n.js";
import { toast } from "./notices.js";
import { startShell } from "./shell.js";

/** @typedef {{ show: (place: string) => void | Promise<void>, leave?: () => void }} View `place`: what follows its name in the address. */

class AgentPage {
  #tabs = byId("tabs", HTMLElement);
  #stop = byId("stop-all", HTMLButtonElement);
  /** @type {View | null} */
  #shown = null;

  constructor() {
    /** @type {ViewParts} */
    const parts = { view: byId("view", HTMLElement), go: (place) => this.#go(place) };
    const tasks = new TasksView(parts, (running) => { this.#stop.hidden = running === 0; });
    this.views = new Map(/** @type {[string, View][]} */ ([
      ["tasks", tasks], ["trail", new TrailView(parts)], ["rules", new RulesView(parts)], ["mcp", new ServersView(parts)], ["plugins", new PlugInsView(parts)],
    ]));
    this.#stop.addEventListener("click", () => void this.#stopAll(tasks));
    onDoubleEscape({
      applies: () => !this.#stop.hidden,
      first: (withinMs) => toast(t("hands.escape_again"), { timeMs: withinMs }),
      twice: () => void this.#stopAll(tasks),
    });
    window.addEventListener("hashchange", () => void this.draw());
    onLanguage(() => this.#label());
  }

  /** The name of the view, and what follows it in the address. */
  get place() {
    const [named = "", ...rest] = decodeURIComponent(location.hash.slice(1)).split("/");
    return this.views.has(named) ? { name: named, rest: rest.join("/") } : { name: "tasks", rest: "" };
  }

  /**
   * From within a part, which is gone then, to another one.
   * @param {string} place
   */
  #go(place) {
    location.hash = place;
    /** @type {HTMLElement | null} */ (this.#tabs.querySelector(`[data-testid="tab-${place.split("/")[0]}"]`))?.focus();
  }

  async draw() {
    const { name, rest } = this.place;
    this.#tabs.replaceChildren(...[...this.views.keys()].map((one) => h("button", {
      type: "button", class: "memory-tab", "data-testid": `tab-${one}`, "aria-current": one === name && "page", text: t(`agent.tabs.${one}`),
      on: { click: () => { location.hash = one; } },
    })));
    const view = this.views.get(name) ?? null;
    if (this.#shown !== view) this.#shown?.leave?.();
    this.#shown = view;
    await view?.show(rest);
  }

  /** @param {TasksView} tasks */
  async #stopAll(tasks) {
    this.#stop.disabled = true;
    if (await command("stop_all")) toast(t("hands.stopped_all"));
    this.#stop.disabled = false;
    await tasks.look();
  }

  #label() {
    byId("title", HTMLElement).textContent = t("agent.title");
    document.title = t("agent.title");
    const back = byId("back", HTMLAnchorElement);
    back.href = encodeURIComponent(document.documentElement.dataset.character ?? "") || "./";
    back.setAttribute("aria-label", t("memory.back"));
    back.title = t("memory.back");
    this.#tabs.setAttribute("aria-label", t("agent.parts"));
    this.#stop.setAttribute("aria-label", t("hands.stop_all"));
    const words = this.#stop.querySelector("span");
    if (words) words.textContent = t("hands.stop_all");
    void this.draw();
  }
}

const show = await startShell();
new AgentPage();
show();
const signedIn = new URLSearchParams(location.search).get("signed_in");
if (signedIn) {
  toast(t("servers.signed_in", { name: signedIn }));
  history.replaceState(null, "", location.pathname + location.hash);
}
