/**
 * What may be done without asking: of each ability, of each site, and where that of a server's tools is said.
 *
 * @import { HandName } from "../wire.js"
 * @import { Policies, Policy, RuleKind } from "./calls.js"
 * @import { ViewParts } from "./view.js"
 */
import { sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { policies, setPolicies } from "./calls.js";
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
  #rules = { hands: {}, domains: {} };

  /** @param {ViewParts} parts */
  constructor({ view, go }) {
    this.#view = view;
    this.#go = go;
  }

  async show() {
    await fill(this.#view, async () => {
      const { hands, domains } = await policies();
      this.#rules = { hands, domains };
      return this.#drawn();
    });
  }

  #drawn() {
    const group = (/** @type {string} */ name, /** @type {(Node | string | false)[]} */ ...rows) =>
      h("section", { class: "rules", "data-testid": `rules-${name}` }, h("h2", { text: t(`agent.rules.${name}`) }), h("p", { class: "agent-hint", text: t(`agent.rules.${name}_more`) }), ...rows);
    return [
      h("p", { class: "memory-lead", text: t("agent.rules.lead") }),
      group("hands", h("ul", { class: "rule-list" }, HANDS.map((hand) => this.#hand(hand)))),
      group("domains", h("ul", { class: "rule-list" }, Object.keys(this.#rules.domains).sort().map((domain) => this.#domain(domain))), this.#adder()),
      group("tools", h("button", { type: "button", class: "button", "data-testid": "to-servers", text: t("agent.tabs.servers"), on: { click: () => this.#go("servers") } })),
    ];
  }

  /** @param {HandName} hand */
  #hand(hand) {
    const name = t(`abilities.names.${hand}`);
    return h("li", { class: "rule" }, h("span", { class: "task-sign", "aria-hidden": "true" }, icon(handSign(hand))), h("span", { class: "rule-name", text: name }),
      policyChoice(this.#rules.hands[hand] ?? "", t("agent.rule_of", { name }), (policy) => void this.#set("hands", hand, policy), { testId: `rule-${hand}`, unset: t("agent.by_act") }));
  }

  /** @param {string} domain */
  #domain(domain) {
    return h("li", { class: "rule", "data-testid": "domain", "data-domain": domain }, h("span", { class: "task-sign", "aria-hidden": "true" }, icon("browser")), h("span", { class: "rule-name", text: domain }),
      policyChoice(this.#rules.domains[domain] ?? "ask", t("agent.rule_of", { name: domain }), (policy) => void this.#set("domains", domain, policy), { testId: "rule-domain" }),
      h("button", { type: "button", class: "icon-button", "data-testid": "domain-remove", "aria-label": t("agent.remove", { name: domain }), title: t("agent.remove", { name: domain }), on: { click: () => void this.#set("domains", domain, "") } }, icon("delete")));
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
    const before = this.#rules;
    const table = Object.fromEntries(Object.entries(before[kind]).filter(([key]) => key !== name));
    const after = { ...before, [kind]: policy ? { ...table, [name]: policy } : table };
    if (!(await this.#keep(after))) return;
    toast(t(policy ? "agent.rule_kept" : "agent.rule_gone", { name: kind === "hands" ? t(`abilities.names.${name}`) : name }),
      { timeMs: UNDO_MS, action: { label: t("talk.undo"), run: () => void this.#keep(before) } });
  }

  /** @param {Policies} rules */
  async #keep(rules) {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.testid : "";
    try {
      await setPolicies(rules);
      this.#rules = rules;
    } catch (error) {
      toast(sentenceOf(error));
      return false;
    } finally {
      this.#view.replaceChildren(...this.#drawn());
      if (focused) /** @type {HTMLElement | null} */ (this.#view.querySelector(`[data-testid="${focused}"]`))?.focus();
    }
    return true;
  }
}
