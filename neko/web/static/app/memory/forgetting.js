/**
 * Forgetting many lines at once: asked before, undone for half a minute, and then looked for in every file.
 *
 * @import { Calls, Traces } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { byId, h } from "../element.js";
import { t } from "../i18n.js";
import { forget } from "./line_row.js";

/**
 * @param {{ ids: number[], words: string, calls: Calls, changed: () => void | Promise<void>, report: HTMLElement }} options `report`: where it is told what is left
 */
export function askToForget({ ids, words, calls, changed, report }) {
  const dialog = h("dialog", { class: "memory-ask", "aria-labelledby": "ask-title", "data-testid": "ask-forget" });
  const leave = () => dialog.close();
  dialog.append(
    h("h2", { id: "ask-title", text: t("memory.ask_title", { count: ids.length }) }),
    h("p", { text: t("memory.ask_words") }),
    h("div", { class: "form-acts" },
      h("button", { type: "button", class: "button", autofocus: true, text: t("memory.leave"), on: { click: leave } }),
      h("button", { type: "button", class: "button is-main", "data-testid": "ask-yes", text: t("memory.forget"), on: { click: () => {
        leave();
        void forgetAndLook({ ids, words, calls, changed, report });
      } } })));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) leave();
  });
  byId("app", HTMLElement).append(dialog);
  dialog.showModal();
}

/** @param {Parameters<typeof askToForget>[0]} options */
async function forgetAndLook({ ids, words, calls, changed, report }) {
  const said = h("p", { role: "status", text: t("memory.forgetting") });
  const bar = h("progress", { max: "1", "aria-label": t("memory.forgetting") });
  report.replaceChildren(said, bar);
  report.hidden = false;
  if (!(await forget(ids, { calls, changed: () => null, undone: () => { report.hidden = true; void changed(); } }))) {
    report.hidden = true;
    return;
  }
  await changed();
  try {
    const { lines } = await calls.find(words, { limit: 1 });
    if (lines.length) {
      report.replaceChildren(h("p", { role: "status", "data-testid": "traces", text: t("memory.still_lines") }));
      return;
    }
    said.textContent = t("memory.looking");
    const traces = await calls.traces(words, (share) => { bar.value = share; });
    report.replaceChildren(told(traces));
  } catch (error) {
    report.replaceChildren(h("p", { class: "is-bad", role: "status", text: sentenceOf(error) }));
  }
}

/** @param {Traces} traces */
function told({ files, found }) {
  if (!found.length) return h("p", { class: "is-good", role: "status", "data-testid": "traces", text: t("memory.no_traces", { count: files }) });
  return h("div", { role: "status", "data-testid": "traces" }, h("p", { text: t("memory.traces") }), h("ul", {}, found.map((file) => h("li", { text: file }))));
}
