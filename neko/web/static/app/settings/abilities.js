/**
 * Settings › Abilities: what she may do besides talking. All of it is off until it is switched on here.
 *
 * @import { HandName, AgentSnapshot } from "../wire.js"
 */
import { sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { agentState, command } from "../hands/calls.js";
import { handSign } from "../hands/signs.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { row, toggle } from "./controls.js";
import { speakingFirst } from "./speaking_first.js";

const HANDS = /** @type {const} */ (["browser_use", "computer_use", "mcp", "user_plugin"]);
const FLAGS = /** @type {const} */ ({ mcp: "mcp_enabled", browser_use: "browser_use_enabled", computer_use: "computer_use_enabled", user_plugin: "user_plugin_enabled" });
/** How long it is said why something stays off. */
const WHY_MS = 8000;
/** @type {Partial<Record<HandName, string>>} The page on which there is more of it. */
const PLACES = { mcp: "mcp", user_plugin: "plugins" };

/** @param {HTMLElement} body */
export async function abilitiesPage(body) {
  const place = h("div", { class: "abilities", "data-testid": "abilities" }, h("p", { class: "form-note", text: t("servers.moment") }));
  body.append(h("p", { class: "settings-lead", text: t("abilities.lead") }), place);
  const look = async () => {
    try {
      draw((await agentState()).snapshot);
    } catch (error) {
      place.replaceChildren(h("p", { class: "form-note is-bad", role: "alert", text: sentenceOf(error) }),
        h("div", { class: "form-acts" }, h("button", { type: "button", class: "button", text: t("talk.try_again"), on: { click: () => void look() } })));
    }
  };
  /**
   * @param {string} name
   * @param {object} more
   */
  const change = async (name, more) => {
    place.setAttribute("aria-busy", "true");
    const answer = await command(name, more);
    await look();
    place.removeAttribute("aria-busy");
    if (answer?.notification) toast(answer.notification, { timeMs: WHY_MS });
  };
  const draw = (/** @type {AgentSnapshot} */ snapshot) => {
    const { analyzer_enabled: on, gate } = snapshot;
    place.replaceChildren(
      row(t("abilities.master"), toggle(on, (wanted) => void change("set_agent_enabled", { enabled: wanted }), "ability-master"), t("abilities.master_hint")),
      gate.ready ? "" : h("div", { class: "ability-gate", role: "note", "data-testid": "ability-gate" }, icon("warning"),
        h("div", {}, h("p", { text: t("abilities.gate") }), ...gate.reasons.map((reason) => h("p", { class: "field-hint", text: reason })), h("a", { class: "button", href: "#settings/model", text: t("abilities.to_model") }))),
      h("ul", { class: "ability-list" }, HANDS.map((hand) => ability(hand, snapshot, (wanted) => void change("set_flag", { key: FLAGS[hand], value: wanted })))),
      h("nav", { class: "ability-links" }, ...["tasks", "rules", "mcp", "plugins"].map((one) => h("a", { class: "button", href: `agent#${one}`, "data-testid": `to-${one}`, text: t(`abilities.to_${one}`) }))));
  };
  const first = h("section", { class: "speaking-first", "data-testid": "speaking-first" });
  body.append(first);
  await Promise.all([look(), speakingFirst(first)]);
}

/**
 * @param {HandName} hand
 * @param {AgentSnapshot} snapshot
 * @param {(on: boolean) => void} change
 */
function ability(hand, { analyzer_enabled: master, gate, flags, capabilities }, change) {
  const { ready, reason } = capabilities[hand];
  const on = flags[FLAGS[hand]];
  const control = toggle(on, change, `ability-${hand}`);
  control.disabled = !on && (!master || !gate.ready);
  control.setAttribute("aria-describedby", `ability-${hand}-state`);
  const more = PLACES[hand];
  return h("li", { class: "ability", "data-testid": `ability-of-${hand}`, "data-on": on },
    h("span", { class: "ability-sign", "aria-hidden": "true" }, icon(handSign(hand))),
    h("label", { class: "ability-words" }, h("span", { class: "field-name", text: t(`abilities.names.${hand}`) }), control),
    h("p", { class: "field-hint", text: t(`abilities.does.${hand}`) }),
    h("p", { class: `ability-state ${ready ? "is-good" : ""}`, id: `ability-${hand}-state` }, ready ? t("abilities.ready") : master ? reason : "", !ready && master && more ? h("a", { href: `agent#${more}`, text: t(`abilities.to_${more}`) }) : ""));
}
