/**
 * One server of tools: how it is, what it offers and what may be done with each tool without asking.
 *
 * @import { Act } from "../wire.js"
 * @import { LogLine, Policy, ServerTest, ServerTool, ToolServer } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { toast } from "../notices.js";
import { restartServer, serverLog, setServerPolicy, signIn, signOut, switchServer, testServer } from "./calls.js";
import { POLICIES, policyChoice } from "./rules_view.js";
import { serverForm } from "./server_form.js";
import { moment, named } from "./view.js";

const ACTS = /** @type {const} */ (["read", "write", "destructive", "exfiltrating"]);
/** @type {Set<Act>} */
const RISKY = new Set(["destructive", "exfiltrating"]);

/** @typedef {"tools" | "log" | "edit" | "test" | ""} Part What is open below. */

/**
 * What a server or a plug-in wrote, oldest first.
 * @param {LogLine[]} lines
 */
export function logLines(lines) {
  return lines.length === 0 ? h("p", { class: "agent-hint", text: t("servers.no_log") }) : h("ol", { class: "log-lines", tabindex: "0", "aria-label": t("servers.log") },
    lines.map(({ at, source, text }) => h("li", {}, moment(at, currentLanguage()), h("span", { class: "log-source", text: source }), h("code", { text }))));
}

/** @param {{ error: string, remedy?: string | null } | null} problem */
export function problemOf(problem) {
  return problem && h("p", { class: "server-problem", role: "note" }, icon("warning"), h("span", {}, h("span", { text: problem.error }), problem.remedy && h("span", { class: "task-remedy", text: ` ${problem.remedy}` })));
}

export class ServerCard {
  #server;
  #on;
  /** @type {Part} */
  #part = "";
  #drawn = "";
  #body = h("div", { class: "server-body" });
  #head = h("div", { class: "server-head" });
  #acts = h("div", { class: "server-acts" });
  element = h("article", { class: "server", "data-testid": "server" });

  /**
   * @param {ToolServer} server
   * @param {{ changed: () => void, remove: () => void }} on
   */
  constructor(server, on) {
    this.#server = server;
    this.#on = on;
    this.element.append(this.#head, this.#acts, this.#body);
  }

  /** @param {ToolServer} server */
  update(server) {
    const drawn = JSON.stringify([server, currentLanguage()]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#server = server;
    this.element.dataset.state = server.state;
    this.element.dataset.name = server.name;
    this.#drawHead();
    this.#drawActs();
    if (this.#part === "tools" || this.#part === "") this.#drawPart();
  }

  #drawHead() {
    const { name, on, state, place, version, problem } = this.#server;
    this.#head.replaceChildren(
      h("span", { class: "server-light", "aria-hidden": "true" }),
      h("div", { class: "server-words" }, h("h2", { text: name }),
        h("p", { class: "server-line" }, h("span", { "data-testid": "server-state", text: t(`servers.states.${state}`) }), h("span", { class: "server-place", text: [place, version].filter(Boolean).join(" · ") }))),
      named(t("servers.switch", { name }), on, (wanted) => void this.#do(() => switchServer(name, wanted)), "server-switch"),
      problemOf(problem) ?? "");
  }

  #drawActs() {
    const { name, tools, state, problem, signed_in: signedIn } = this.#server;
    const part = (/** @type {Part} */ one, /** @type {string} */ words) => h("button", {
      type: "button", class: "agent-chip", "data-testid": `server-${one}`, "aria-expanded": String(this.#part === one), text: words,
      on: { click: () => this.#open(this.#part === one ? "" : one) },
    });
    this.#acts.replaceChildren(
      part("tools", t("servers.tools", { count: tools.length })), part("test", t("servers.test")), part("log", t("servers.log")), part("edit", t("servers.edit")),
      problem?.code?.includes("sign_in") ? h("button", { type: "button", class: "agent-chip is-main", "data-testid": "server-sign-in", text: t("servers.sign_in"), on: { click: () => void this.#signIn() } }) : "",
      signedIn ? h("button", { type: "button", class: "agent-chip", "data-testid": "server-sign-out", text: t("servers.sign_out"), on: { click: () => void this.#do(() => signOut(name)) } }) : "",
      state === "waiting" || state === "failed" ? h("button", { type: "button", class: "agent-chip", "data-testid": "server-restart", text: t("talk.try_again"), on: { click: () => void this.#do(() => restartServer(name)) } }) : "",
      h("button", { type: "button", class: "icon-button", "data-testid": "server-remove", "aria-label": t("agent.remove", { name }), title: t("agent.remove", { name }), on: { click: this.#on.remove } }, icon("delete")));
  }

  /** @param {Part} part */
  #open(part) {
    this.#part = part;
    for (const chip of this.#acts.querySelectorAll("[aria-expanded]")) chip.setAttribute("aria-expanded", String(chip instanceof HTMLElement && part !== "" && chip.dataset.testid === `server-${part}`));
    this.#drawPart();
  }

  #drawPart() {
    const { name } = this.#server;
    const part = this.#part;
    const saved = () => {
      this.#open("");
      this.#on.changed();
    };
    if (part === "tools") this.#body.replaceChildren(...this.#tools());
    else if (part === "edit") this.#body.replaceChildren(serverForm(this.#server, { saved, cancel: () => this.#open("") }));
    else if (part === "log") void this.#load(async () => logLines((await serverLog(name)).lines));
    else if (part === "test") void this.#load(async () => tested(await testServer(name)));
    else this.#body.replaceChildren();
  }

  /** @param {() => Promise<HTMLElement>} load */
  async #load(load) {
    const part = this.#part;
    this.#body.replaceChildren(h("p", { class: "agent-hint", role: "status", text: t("servers.moment") }));
    let content;
    try {
      content = await load();
    } catch (error) {
      content = h("p", { class: "form-note is-bad", role: "alert", text: sentenceOf(error) });
    }
    if (part === this.#part) this.#body.replaceChildren(content);
  }

  #tools() {
    const { name, policy, tools } = this.#server;
    const all = h("div", { class: "rule" }, h("span", { class: "rule-name", text: t("servers.all_tools") }),
      policyChoice(policy ?? "", t("agent.rule_of", { name }), (word) => void this.#rule(word || null, null), { testId: "server-policy", unset: t("agent.by_act") }));
    return [all, tools.length ? h("ul", { class: "rule-list", "data-testid": "server-tools" }, tools.map((tool) => this.#tool(tool))) : h("p", { class: "agent-hint", text: t("servers.no_tools") })];
  }

  /** What may destroy or tell others is asked for whatever is said, so no more is offered. @param {ServerTool} tool */
  #tool(tool) {
    const label = tool.title || tool.name;
    const acts = h("select", { class: "select act", "aria-label": t("servers.act_of", { name: label }), "data-testid": `act-${tool.name}`, "data-act": tool.act },
      ACTS.map((act) => h("option", { value: act, text: t(`agent.acts.${act}`) })));
    acts.value = tool.act;
    acts.addEventListener("change", () => void this.#rule(tool.chosen, tool.name, /** @type {Act} */ (acts.value)));
    const offered = RISKY.has(tool.act) ? /** @type {const} */ (["ask", "never"]) : POLICIES;
    const chosen = tool.chosen && [...offered].some((one) => one === tool.chosen) ? tool.chosen : "";
    return h("li", { class: "rule is-tool" },
      h("div", { class: "rule-name" }, h("span", { text: label }), h("span", { class: "tool-words", text: tool.description })),
      h("div", { class: "tool-rules" }, acts, policyChoice(chosen, t("agent.rule_of", { name: label }), (word) => void this.#rule(word || null, tool.name, tool.chosen_act), {
        testId: `policy-${tool.name}`, unset: `${t("agent.as_is")}: ${t(`agent.policies.${tool.policy}`)}`, offered,
      })));
  }

  /**
   * @param {Policy | null} word
   * @param {string | null} tool
   * @param {Act | null} act
   */
  async #rule(word, tool, act = null) {
    await this.#do(() => setServerPolicy(this.#server.name, word, tool, act));
  }

  /** Off to where one signs in; what cannot be a page is no place to go. */
  async #signIn() {
    try {
      const { address } = await signIn(this.#server.name);
      if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) location.assign(address);
      else toast(t("errors.tool_server_no_sign_in.message", { name: this.#server.name }));
    } catch (error) {
      toast(sentenceOf(error));
    }
  }

  /** @param {() => Promise<unknown>} call */
  async #do(call) {
    try {
      await call();
    } catch (error) {
      toast(sentenceOf(error));
      this.#drawn = "";
    }
    this.#on.changed();
  }
}

/** @param {ServerTest} result */
function tested({ works, seconds, tools, log, problem }) {
  return h("div", { class: "server-tested", "data-testid": "server-tested", role: "status" },
    works ? h("p", { class: "form-note is-good", text: t("servers.works", { count: tools.length, seconds }) }) : problemOf(problem) ?? "",
    works && h("p", { class: "agent-hint", text: tools.join(", ") }),
    !works && log.length > 0 && h("pre", { class: "trail-log", tabindex: "0", text: log.join("\n") }));
}
