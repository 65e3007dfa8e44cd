/**
 * One thing that is known, to be read, set right, pinned, merged with another and forgotten; each is undone by the toast
 * that tells of it.
 *
 * @import { Calls, ChangedFact, Fact } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { dayName } from "./dates.js";
import { askForFact, askToForgetFact, askWhatIsTheSame, attributeName, subjectName } from "./fact_dialogs.js";
import { act, UNDO_MS } from "./line_row.js";
import { sources } from "./memos_view.js";

/**
 * @typedef {object} FactParts
 * @property {Calls} calls
 * @property {string} character
 * @property {Fact[]} all what is shown with it
 * @property {() => void} changed what is shown is to be asked for anew
 * @property {(place: string) => void} go
 */

/**
 * @param {Fact} fact
 * @param {FactParts} parts
 * @param {{ named?: boolean, words?: (string | Node)[] }} [shown] `named`: with whom it is about
 */
export function factCard(fact, parts, { named = false, words = [fact.value] } = {}) {
  const { calls, character, all, changed } = parts;
  const others = all.filter((one) => one.subject === fact.subject && one.id !== fact.id);
  const day = (/** @type {string} */ at) => dayName(at.slice(0, 10), { dateStyle: "medium" });
  const head = [named && subjectName(fact.subject, character), attributeName(fact.attribute), fact.since && day(fact.since), fact.until && t("memory.until", { day: day(fact.until) }),
    fact.by_hand && t("memory.by_hand"), fact.pinned && t("memory.pinned")].filter(Boolean).join(" · ");
  const pin = act("pin", t(fact.pinned ? "memory.unpin" : "memory.pin"), "pin", () => {
    calls.changeFact("pin", { id: fact.id, on: !fact.pinned }).then((done) => told(done, fact.pinned ? "fact_unpinned" : "fact_pinned", parts), (/** @type {unknown} */ error) => toast(sentenceOf(error)));
  });
  pin.setAttribute("aria-pressed", String(fact.pinned));
  return h("li", { class: "memory-memo memory-fact", "data-testid": "fact", "data-id": String(fact.id), "data-pinned": fact.pinned },
    h("div", { class: "memory-line-head" }, h("span", { text: head }), pin,
      act("edit", t("memory.correct"), "correct", () => askForFact({
        title: t("memory.correct"), fact, character, subjects: all.map((one) => one.subject),
        save: async (body) => told(await calls.changeFact("edit", { id: fact.id, ...body }), "corrected", parts),
      })),
      others.length > 0 && act("merge", t("memory.merge"), "merge", () => askWhatIsTheSame({
        fact, others, save: async (ids) => told(await calls.changeFact("merge", { into: fact.id, ids }), "fact_merged", parts),
      })),
      act("delete", t("memory.forget"), "forget-fact", () => askToForgetFact({
        fact, forget: async (lines) => {
          const done = await calls.forgetFact(fact.id, lines);
          told(done, "fact_forgotten", parts, done.lines.length ? () => calls.undo() : undefined);
        },
      }))),
    h("p", { class: "memory-words" }, words),
    fact.sources.length ? sources(fact, { calls, changed, go: parts.go }) : "");
}

/**
 * Tell that a note was changed, with a way back.
 * @param {ChangedFact} done
 * @param {string} sentence
 * @param {Pick<FactParts, "calls" | "changed">} parts
 * @param {() => Promise<unknown>} [before] what comes back first
 */
export function told({ change }, sentence, { calls, changed }, before = () => Promise.resolve()) {
  changed();
  toast(t(`memory.${sentence}`), {
    timeMs: UNDO_MS, action: {
      label: t("talk.undo"), run: () => void before().then(() => calls.undoFact(change)).then(changed, (/** @type {unknown} */ error) => toast(sentenceOf(error))),
    },
  });
}
