/**
 * One line of the log, to be read, set right and forgotten.
 *
 * @import { Line } from "../wire.js"
 * @import { Calls } from "./calls.js"
 *
 * @typedef {object} RowParts
 * @property {Calls} calls
 * @property {(line: Line) => string} when what stands for its time
 * @property {() => void} changed something came back, or has gone: what is shown is to be asked for anew
 * @property {((line: Line) => void)} [open] leads to its day
 * @property {((id: number, ticked: boolean) => void)} [tick] it can be ticked
 */
import { sentenceOf } from "../api.js";
import { h, icon, inOneLine } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { editor } from "./editor.js";

/** The server keeps what was forgotten for half a minute. */
export const UNDO_MS = 25_000;

/**
 * @param {Line} line
 * @param {RowParts} parts
 * @param {(string | Node)[]} [words] what is shown of its text
 */
export function lineRow(line, parts, words = [line.text]) {
  const row = h("li", { class: "memory-line", "data-testid": "memory-line", "data-id": String(line.id), "data-role": line.role });
  const draw = (/** @type {Line} */ now, /** @type {(string | Node)[]} */ shown) => {
    const said = h("p", { class: "memory-words" }, shown);
    const { tick, open } = parts;
    const head = inOneLine([now.role === "user" ? t("talk.you") : now.speaker, parts.when(now)]);
    row.replaceChildren(
      h("div", { class: "memory-line-head" },
        tick && h("input", { type: "checkbox", class: "tick", "aria-label": t("memory.tick"), on: { change: (event) => tick(now.id, event.target instanceof HTMLInputElement && event.target.checked) } }),
        open ? h("button", { type: "button", class: "memory-open", on: { click: () => open(now) } }, head) : h("span", {}, head),
        act("edit", t("memory.correct"), "correct", () => {
          row.replaceChildren(editor({
            text: now.text, label: t("memory.correct"), save: async (text) => {
              const { line: corrected } = await parts.calls.correct(now.id, text);
              draw(corrected, [corrected.text]);
              toast(t("memory.corrected"), { timeMs: UNDO_MS, action: { label: t("talk.undo"), run: () => void back(now, corrected) } });
            }, leave: () => draw(now, shown),
          }));
          row.querySelector("textarea")?.focus();
        }),
        act("delete", t("memory.forget"), "forget", () => void forget([now.id], parts))),
      said);
  };
  const back = async (/** @type {Line} */ old, /** @type {Line} */ corrected) => {
    try {
      const { line: restored } = await parts.calls.correct(corrected.id, old.text);
      if (row.isConnected) draw(restored, [restored.text]);
      else parts.changed(); // all was drawn anew meanwhile
    } catch (error) {
      toast(sentenceOf(error));
    }
  };
  draw(line, words);
  return row;
}

/**
 * Forget lines; they come back by the toast that tells of it.
 * @param {number[]} ids
 * @param {Pick<RowParts, "calls" | "changed"> & { undone?: () => void }} parts
 */
export async function forget(ids, { calls, changed, undone = changed }) {
  try {
    const { ids: gone } = await calls.forget(ids);
    changed();
    toast(t("memory.forgotten", { count: gone.length }), {
      timeMs: UNDO_MS, instead: "forgotten-lines", action: { // the last ones alone are kept to come back
        label: t("talk.undo"), run: () => void calls.undo().then(() => undone(), (/** @type {unknown} */ error) => toast(sentenceOf(error))),
      },
    });
    return true;
  } catch (error) {
    toast(sentenceOf(error));
    return false;
  }
}

/**
 * @param {string} sign
 * @param {string} label
 * @param {string} testId
 * @param {() => void} run
 */
export function act(sign, label, testId, run) {
  return h("button", { type: "button", class: "icon-button memory-act", "aria-label": label, title: label, "data-testid": testId, on: { click: run } }, icon(sign));
}
