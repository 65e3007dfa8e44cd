/**
 * What may be done without asking: of each ability, of each site, and where that of a server's tools is said.
 *
 * @import { HandName } from "../wire.js"
 * @import { PlugIn, Policies, Policy, RuleKind } from "./calls.js"
 * @import { ViewParts } from "./view.js"
 */
import { sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { plugIns, policies, setPolicy } from "./calls.js";
import { handSign } from "./signs.js";
import { fill } from "./view.js";

export const HANDS = /** @type {const} */ (["mcp", "browser_use", "computer_use", "user_plugin"]);
export const POLICIES = /** @type {const} */ (["ask", "ask_once", "allow", "never"]);
const UNDO_MS = 7000;

/**
 * @param {Policy | ""} value
 * @param {string} label
 * @param {(policy: Policy | "") => void} change
 * @param {{ testId: string, unset?: string, offered?: readonly Policy[] }} options `unset`: the words for no word of one's own
 */
export function policyChoice(value, label, change, { testId, unset = "", offered = POLICIES }) {
  const select = h("select", { class: "select policy", "aria-label": label, "data-testid": testId },
    unset && h("option", { value: "", text: unset }), ...offered.map((name) => h("option", { value: name, text: t(`agent.policies.${name}`) })));
  select.value = value;
  select.dataset.policy = value;
  select.addEventListener("change", () => {
    select.dataset.policy = select.value;
    change(/** @type {Policy | ""} */ (select.value));
  });
  return select;
}

/**
 * The host that was written, also out of a whole address; "" when it is none.
 * @param {string} words
 */
export function hostOf(words) {
  const text = words.trim().toLowerCase().replace(/^\*\./, "");
  const address = /^[a-z][a-z0-9+.-]*:\/\//.test(text) ? text : `https://${text}`;
  if (!text || /\s/.test(text) || !URL.canParse(address)) return "";
  return new URL(address).hostname;
}

export class RulesView {
  #view;
  #go;
  /** @type {Policies} */
  #rules = { hands: {}, domains: {}, plugins: {}, tools: {} };
  /** @type {PlugIn[]} those that rules may be about */
  #plugIns = [];

  /** @param {ViewParts} parts */
  constructor({ view, go }) {
    this.#view = view;
    this.#go = go;
  }

  async show() {
    await fill(this.#view, async () => {
      this.#rules = await policies();
      return this.#drawn();
    });
    if ([...Object.keys(this.#rules.plugins), ...Object.keys(this.#rules.tools)].some((key) => !key.startsWith("computer_use/"))) await this.#learnNames();
  }

  /** What the plug-ins of rules are called, once they have told; until then, and without them, by their ids. */
  async #learnNames() {
    this.#plugIns = await plugIns().then(({ plugins }) => plugins, () => []);
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (this.#view.querySelectorAll("[data-testid=rule]"))) {
      const key = row.dataset.domain ?? "";
      row.querySelector(".rule-name")?.replaceChildren(nameOf(key.includes("/") ? "tools" : "plugins", key, this.#plugIns));
    }
  }

  #drawn() {
    const group = (/** @type {string} */ name, /** @type {(Node | string | false)[]} */ ...rows) =>
      h("section", { class: "rules", "data-testid": `rules-${name}` }, h("h2", { text: t(`agent.rules.${name}`) }), h("p", { class: "agent-hint", text: t(`agent.rules.${name}_more`) }), ...rows);
    return [
      h("p", { class: "memory-lead", text: t("agent.rules.lead") }),
      group("hands", h("ul", { class: "rule-list" }, HANDS.map((hand) => this.#hand(hand)))),
      group("domains", this.#list("domains"), this.#adder()),
      Object.keys({ ...this.#rules.plugins, ...this.#rules.tools }).length > 0 && group("others", this.#list("plugins"), this.#list("tools")),
      group("tools", h("button", { type: "button", class: "button", "data-testid": "to-servers", text: t("agent.tabs.mcp"), on: { click: () => this.#go("mcp") } })),
    ].filter((part) => part !== false);
  }

  /** @param {RuleKind} kind */
  #list(kind) {
    return h("ul", { class: "rule-list" }, Object.keys(this.#rules[kind]).sort().map((name) => this.#rule(kind, name)));
  }

  /** @param {HandName} hand */
  #hand(hand) {
    const name = t(`abilities.names.${hand}`);
    return h("li", { class: "rule" }, h("span", { class: "task-sign", "aria-hidden": "true" }, icon(handSign(hand))), h("span", { class: "rule-name", text: name }),
      policyChoice(this.#rules.hands[hand] ?? "", t("agent.rule_of", { name }), (policy) => void this.#set("hands", hand, policy), { testId: `rule-${hand}`, unset: t("agent.by_act") }));
  }

  /**
   * A rule that can be removed.
   * @param {RuleKind} kind
   * @param {string} name
   */
  #rule(kind, name) {
    const sign = kind === "domains" ? "browser" : handSign(kind === "plugins" ? "user_plugin" : name.split("/")[0] ?? "");
    const shown = nameOf(kind, name, this.#plugIns);
    return h("li", { class: "rule", "data-testid": kind === "domains" ? "domain" : "rule", "data-domain": name }, h("span", { class: "task-sign", "aria-hidden": "true" }, icon(sign)), h("span", { class: "rule-name", text: shown }),
      policyChoice(this.#rules[kind][name] ?? "ask", t("agent.rule_of", { name: shown }), (policy) => void this.#set(kind, name, policy), { testId: "rule-domain" }),
      h("button", { type: "button", class: "icon-button", "data-testid": "domain-remove", "aria-label": t("agent.remove", { name: shown }), title: t("agent.remove", { name: shown }), on: { click: () => void this.#set(kind, name, "") } }, icon("delete")));
  }

  #adder() {
    const input = h("input", { class: "input", required: true, maxlength: 253, autocapitalize: "none", spellcheck: "false", placeholder: "example.com", "aria-label": t("agent.domain"), "data-testid": "domain-name" });
    const choice = policyChoice("ask", t("agent.rule_of", { name: t("agent.domain") }), () => {}, { testId: "domain-policy" });
    const form = h("form", { class: "rule-add", "data-testid": "domain-form" }, input, choice, h("button", { type: "submit", class: "button is-main", "data-testid": "domain-add", text: t("agent.add") }));
    input.addEventListener("input", () => input.setCustomValidity(""));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const host = hostOf(input.value);
      if (host) {
        void this.#set("domains", host, /** @type {Policy} */ (choice.value));
        return;
      }
      input.setCustomValidity(t("agent.no_domain"));
      input.reportValidity();
    });
    return form;
  }

  /**
   * @param {RuleKind} kind
   * @param {string} name
   * @param {Policy | ""} policy "" takes the word back
   */
  async #set(kind, name, policy) {
    const before = this.#rules[kind][name] ?? null;
    if (!(await this.#keep(kind, name, policy || null))) return;
    toast(t(policy ? "agent.rule_kept" : "agent.rule_gone", { name: nameOf(kind, name, this.#plugIns) }),
      { timeMs: UNDO_MS, action: { label: t("talk.undo"), run: () => void this.#keep(kind, name, before) } });
  }

  /**
   * @param {RuleKind} kind
   * @param {string} name
   * @param {Policy | null} policy
   */
  async #keep(kind, name, policy) {
    try {
      this.#rules = await setPolicy(kind, name, policy);
    } catch (error) {
      toast(sentenceOf(error));
      return false;
    } finally {
      this.#view.replaceChildren(...this.#drawn());
    }
    return true;
  }
}

/**
 * What a rule is about, for people.
 * @param {RuleKind} kind
 * @param {string} name
 * @param {PlugIn[]} known
 */
function nameOf(kind, name, known) {
  if (kind === "domains") return name;
  if (kind === "plugins") return known.find(({ id }) => id === name)?.name ?? name;
  const [hand = "", place = "", ...tool] = name.split("/");
  const plugIn = known.find(({ id }) => hand === "user_plugin" && id === place);
  const said = hand === "user_plugin" ? entryOf(tool.join("/"), plugIn) : tool.join("/");
  return [t(`abilities.names.${hand}`), plugIn?.name ?? place, said].filter(Boolean).join(" · ");
}

/**
 * What an entry of a plug-in is called, by the function that a model knows it as ("notes__add").
 * @param {string} tool
 * @param {PlugIn} [plugIn]
 */
function entryOf(tool, plugIn) {
  const entry = plugIn?.entries.find(({ id }) => tool.includes(`__${id.replace(/[^\w-]+/g, "_")}`));
  return entry?.name ?? tool.replace(/^.*?__/, "").replaceAll("_", " ");
}
