/** May this be done? The tool, its server, and exactly what it would be given. @import { ActQuestion } from "../wire.js" */
import { h, icon } from "../element.js";
import { t } from "../i18n.js";

/**
 * @typedef {{ decision: "once" | "always" | "deny" }} Decided
 * @param {ActQuestion} question
 * @param {(answer: Decided) => void} answer
 * @returns {{ card: HTMLElement, no: Decided }}
 */
export function actCard(question, answer) {
  const { id, server, tool, act } = question;
  const title = `approval-title-${id}`;
  const given = question.arguments === "{}" ? "" : question.arguments;
  const button = (/** @type {Decided["decision"]} */ decision, kind = "") => h("button", {
    type: "button", class: `button ${kind}`, "data-testid": `approval-${decision}`, text: t(`approval.${decision}`), on: { click: () => answer({ decision }) },
  });
  const card = h("section", {
    class: "approval", role: "alertdialog", tabindex: "-1", "aria-labelledby": title, "aria-describedby": `approval-words-${id}`, "data-testid": "approval", "data-act": act,
  },
  h("div", { class: "approval-head" },
    h("span", { class: "approval-sign" }, icon("warning")),
    h("p", { class: "approval-title", id: title }, t("approval.may_i", { tool: question.title || tool }), h("span", { class: "approval-source", text: `${server} · ${tool}` }))),
  h("p", { class: "approval-words", id: `approval-words-${id}` }, t(`approval.acts.${act}`), question.after_outside && h("strong", { text: ` ${t("approval.after_outside")}` })),
  given
    ? h("pre", { class: "approval-arguments", tabindex: "0", role: "group", "aria-label": t("approval.arguments"), "data-testid": "approval-arguments", text: given })
    : h("p", { class: "approval-words", text: t("approval.no_arguments") }),
  h("div", { class: "approval-acts" }, button("deny"), question.may_remember && button("always"), button("once", "is-main")));
  return { card, no: { decision: "deny" } };
}
