/**
 * Why she said that: the lines that memory told her of for a reply, each leading to its place in the memory.
 *
 * @import { Entry } from "./transcript.js"
 * @import { Line } from "./wire.js"
 */
import { ApiError, sentenceOf } from "./api.js";
import { byId, h, icon, inOneLine } from "./element.js";
import { t } from "./i18n.js";
import { Calls } from "./memory/calls.js";
import { moment } from "./memory/dates.js";

/**
 * @param {Entry} entry a reply for which something was recalled
 * @param {string} character
 */
export async function showWhy(entry, character) {
  const list = h("ol", { class: "panel-list" });
  const note = h("p", { class: "why-note", role: "status", text: t("why.looking") });
  const dialog = h("dialog", { class: "why", "aria-labelledby": "why-title", "data-testid": "why-panel" });
  dialog.append(
    h("div", { class: "panel-head" }, h("h2", { class: "panel-title", id: "why-title", text: t("why.title") }),
      h("button", { type: "button", class: "icon-button", "aria-label": t("why.close"), on: { click: () => dialog.close() } }, icon("close"))),
    note, list);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  byId("app", HTMLElement).append(dialog);
  dialog.showModal();
  try {
    const { recalled = [], recalledElsewhere = [] } = entry;
    const told = await Promise.all([
      toldTo(character, recalled),
      ...[...new Set(recalledElsewhere.map((one) => one.character))].map((other) => toldTo(other, recalledElsewhere.filter((one) => one.character === other).map(({ id }) => id))),
    ]);
    const lines = told.flat().sort((one, other) => one.line.at.localeCompare(other.line.at));
    const missing = recalled.length + recalledElsewhere.length - lines.length;
    note.textContent = [lines.length ? t("why.words") : "", missing ? t("why.forgotten", { count: missing }) : ""].filter(Boolean).join(" ");
    list.replaceChildren(...lines.map(({ to, line }) => h("li", {}, h("a", {
      class: "panel-item", href: `memory_browser?${new URLSearchParams({ character: to }).toString()}#${line.at.slice(0, 10)}/${line.id}`,
    }, h("span", { class: "panel-hint" }, inOneLine([line.role === "user" ? t("talk.you") : line.speaker, to !== character && t("why.elsewhere", { name: to }), moment(line.at)])), h("span", { class: "panel-words", text: line.text })))));
  } catch (error) {
    note.textContent = sentenceOf(error);
  }
}

/**
 * The lines of a character's log that are still there; none of a character who is not.
 * @param {string} to
 * @param {number[]} ids
 * @returns {Promise<{ to: string, line: Line }[]>}
 */
async function toldTo(to, ids) {
  if (ids.length === 0) return [];
  try {
    const { lines } = await new Calls(to).lines(ids);
    return lines.map((line) => ({ to, line }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}
