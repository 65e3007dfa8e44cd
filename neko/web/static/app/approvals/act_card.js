/** May this be done? By what, where, exactly what it would be given, and what it would act on. @import { ActQuestion } from "../wire.js" */
import { h, icon } from "../element.js";
import { enlarge, ownAddress } from "../hands/pictures.js";
import { handSign } from "../hands/signs.js";
import { t } from "../i18n.js";
import { KEYS } from "./keys.js";

/** @param {ActQuestion} question */
export function titleOf({ hand, task_id, title, tool }) {
  return task_id || isBroad(hand) ? t("approval.may_i_do", { what: title || tool }) : t("approval.may_i", { tool: title || tool });
}

/** Where many small steps are one act: what is approved at a place counts for the whole task. @param {ActQuestion["hand"]} hand */
function isBroad(hand) {
  return hand === "browser_use" || hand === "computer_use";
}

/**
 * @typedef {{ decision: "once" | "always" | "deny" }} Decided
 * @param {ActQuestion} question
 * @param {(answer: Decided) => void} answer
 * @returns {{ card: HTMLElement, no: Decided }}
 */
export function actCard(question, answer) {
  const { id, server, tool, act, hand, holds = "once" } = question;
  const title = `approval-title-${id}`;
  const given = question.arguments === "{}" ? "" : question.arguments;
  const key = { once: KEYS.yes.shown, deny: KEYS.no.shown, always: "" };
  const site = hand === "browser_use" && server;
  const label = { once: t(`approval.allow.${holds}`), deny: t("approval.deny"), always: site ? t("approval.always_site", { place: site }) : t("approval.always") };
  const button = (/** @type {Decided["decision"]} */ decision, kind = "") => h("button", {
    type: "button", class: `button ${kind}`, "data-testid": `approval-${decision}`, on: { click: () => answer({ decision }) },
  }, h("span", { text: label[decision] }), key[decision] && h("kbd", { class: "approval-key", "aria-hidden": "true", text: key[decision] }));
  const from = [hand && t(`abilities.names.${hand}`), server, tool !== question.title && tool].filter(Boolean).join(" · ");
  const card = h("section", {
    class: "approval", role: "group", tabindex: "-1", "aria-labelledby": title, "aria-describedby": `approval-words-${id}`, "data-testid": "approval", "data-act": act,
  },
  h("div", { class: "approval-head" },
    h("span", { class: "approval-sign" }, icon(hand ? handSign(hand) : "warning")),
    h("p", { class: "approval-title", id: title }, titleOf(question), h("span", { class: "approval-source", text: from }))),
  h("p", { class: "approval-words", id: `approval-words-${id}` }, t(`approval.acts.${act}`), ` ${holdsFor(question)}`, isOneAct(question) && ` ${t(`approval.extent.${question.extent}`)}`, question.after_outside && h("strong", { text: ` ${t(question.by_others ? "approval.by_others" : "approval.after_outside")}` }), question.against_rule && ` ${whyAgainstRule(question)}`),
  pictureOf(question),
  given
    ? h("pre", { class: "approval-arguments", tabindex: "0", role: "group", "aria-label": t("approval.arguments"), "data-testid": "approval-arguments", text: given })
    : h("p", { class: "approval-words", text: t("approval.no_arguments") }),
  h("div", { class: "approval-acts" }, button("deny"), question.may_remember && button("always"), button("once", "is-main")));
  return { card, no: { decision: "deny" } };
}

/** What a yes is for. @param {ActQuestion} question */
function holdsFor({ holds = "once", hand, extent }) {
  if (holds === "task" && hand === "computer_use") return t(extent === "keys" ? "approval.holds_keys" : "approval.holds_program");
  if (holds === "task") return t(isBroad(hand) ? "approval.holds_here" : "approval.holds_tool");
  return holds === "restart" ? t("approval.holds_restart") : t("approval.holds_once");
}

/** It is asked each time, for a reason of its own. @param {ActQuestion} question */
function isOneAct({ extent = "place", act }) {
  return extent === "unknown_program" || extent === "unknown_window" || (extent === "may_send" && act === "write");
}

/** Why it is asked though the user allows it. @param {ActQuestion} question */
function whyAgainstRule({ act }) {
  return t(act === "read" || act === "write" ? "approval.rule_outside" : "approval.rule_risky");
}

/** What it would act on, with the spot marked. @param {ActQuestion} question */
function pictureOf({ picture = "" }) {
  const address = ownAddress(picture);
  if (!address) return null;
  const button = h("button", { type: "button", class: "approval-picture", "data-testid": "approval-picture", "aria-label": t("approval.enlarge"), title: t("approval.enlarge"), on: { click: () => enlarge(address, t("approval.picture")) } },
    h("img", { src: address, alt: t("approval.picture") }));
  return button;
}
