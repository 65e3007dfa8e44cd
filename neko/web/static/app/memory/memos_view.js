/**
 * The summaries that were made of what was said, the newest first; each opens the lines it was made of.
 *
 * @import { Memo } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { Calls } from "./calls.js";
import { moment } from "./dates.js";
import { placeOf, waiting } from "./days_view.js";
import { editor } from "./editor.js";
import { act, lineRow, UNDO_MS } from "./line_row.js";

/** @typedef {{ calls: Calls, changed: () => void, go: (place: string) => void, before?: Memo | undefined }} CardParts `before`: the summary that was made before it. */

export class MemosView {
  #calls;
  #view;
  #go;
  #asked = 0;
  #list = h("ol", { class: "memory-memos", "data-testid": "memos" });
  #rest = h("div", { class: "memory-rest" });

  /** @param {{ character: string, view: HTMLElement, go: (place: string) => void }} parts */
  constructor({ character, view, go }) {
    this.#calls = new Calls(character);
    this.#view = view;
    this.#go = go;
  }

  async show() {
    this.#asked++;
    this.#list.replaceChildren();
    this.#view.replaceChildren(h("p", { class: "memory-lead", text: t("memory.summaries_lead") }), this.#list, this.#rest);
    await this.#more();
  }

  /** @param {number} [before] */
  async #more(before) {
    const asked = this.#asked;
    this.#rest.replaceChildren();
    const done = waiting(this.#view);
    try {
      const { memos, has_more: more } = await this.#calls.memos("", before === undefined ? {} : { before });
      if (asked !== this.#asked) return;
      const parts = { calls: this.#calls, changed: () => void this.show(), go: this.#go };
      this.#list.append(...memos.map((memo, at) => memoCard(memo, { ...parts, before: memos[at + 1] })));
      const last = memos.at(-1);
      if (more && last) this.#rest.replaceChildren(h("button", { type: "button", class: "button is-quiet", text: t("memory.more"), on: { click: () => void this.#more(last.id) } }));
      else if (!this.#list.childElementCount) this.#rest.replaceChildren(h("p", { class: "memory-empty", text: t("memory.no_summaries") }));
    } catch (error) {
      if (asked === this.#asked) this.#rest.replaceChildren(h("p", { class: "memory-empty is-bad", text: sentenceOf(error) }));
    } finally {
      done();
    }
  }
}

/**
 * @param {Memo} memo
 * @param {CardParts} parts
 * @param {(string | Node)[]} [words] what is shown of its text
 */
export function memoCard(memo, parts, words = [memo.text]) {
  const card = h("li", { class: "memory-memo", "data-testid": "memo", "data-id": String(memo.id) });
  const draw = (/** @type {Memo} */ now, /** @type {(string | Node)[]} */ shown) => {
    card.replaceChildren(
      h("div", { class: "memory-line-head" }, h("span", { text: [now.at && moment(now.at), now.pinned && t("memory.pinned")].filter(Boolean).join(" · ") }), pinButton(now, parts),
        act("edit", t("memory.correct"), "correct", () => {
          card.replaceChildren(editor({
            text: now.text, label: t("memory.correct"), save: async (text) => {
              const { memo: rewritten } = await parts.calls.rewrite(now.id, text);
              draw(rewritten, [rewritten.text]);
              toast(t("memory.corrected"));
            }, leave: () => draw(now, shown),
          }));
          card.querySelector("textarea")?.focus();
        }),
        parts.before && act("merge", t("memory.memo_merge"), "merge", () => merge(now, parts, card, () => draw(now, shown))),
        act("delete", t("memory.forget"), "forget-memo", () => void told(parts.calls.forgetMemo(now.id), "fact_forgotten", parts, true))),
      h("p", { class: "memory-words" }, shown),
      now.sources.length ? sources(now, parts) : "");
  };
  draw(memo, words);
  return card;
}

/**
 * @param {Memo} memo
 * @param {CardParts} parts
 */
function pinButton({ id, pinned }, parts) {
  const button = act("pin", t(pinned ? "memory.unpin" : "memory.pin"), "pin", () => void told(parts.calls.pinMemo(id, !pinned), pinned ? "fact_unpinned" : "fact_pinned", parts));
  button.setAttribute("aria-pressed", String(pinned));
  return button;
}

/**
 * Write one summary of two: it begins with the words of both.
 * @param {Memo} memo
 * @param {CardParts} parts
 * @param {HTMLElement} card
 * @param {() => void} leave
 */
function merge(memo, parts, card, leave) {
  const { before } = parts;
  if (!before) return;
  const text = `${before.text}\n${memo.text}`;
  const save = (/** @type {string} */ words) => told(parts.calls.mergeMemos(memo.id, before.id, words), "fact_merged", parts, true);
  card.replaceChildren(editor({ text, label: t("memory.memo_merge"), save, leave, same: true }));
  card.querySelector("textarea")?.focus();
}

/**
 * Tell that something was done to summaries, with a way back.
 * @param {Promise<unknown>} doing
 * @param {string} done
 * @param {CardParts} parts
 * @param {boolean} [undoable]
 */
async function told(doing, done, { calls, changed }, undoable = false) {
  try {
    await doing;
    changed();
    const back = () => calls.undoMemo().then(changed, (/** @type {unknown} */ error) => toast(sentenceOf(error)));
    toast(t(`memory.${done}`), undoable ? { timeMs: UNDO_MS, instead: "memos", action: { label: t("talk.undo"), run: () => void back() } } : {});
  } catch (error) {
    toast(sentenceOf(error));
  }
}

/**
 * The lines that something was made of, fetched when they are opened.
 * @param {{ sources: number[] }} memo
 * @param {CardParts} parts
 */
export function sources(memo, { calls, changed, go }) {
  const list = h("ol", { class: "memory-lines" });
  const details = h("details", { class: "memory-sources" }, h("summary", { text: t("memory.sources", { count: memo.sources.length }), "data-testid": "sources" }), list);
  details.addEventListener("toggle", () => {
    if (!details.open || list.childElementCount) return;
    calls.lines(memo.sources).then(
      ({ lines }) => list.replaceChildren(...lines.map((line) => lineRow(line, { calls, changed, when: (one) => moment(one.at), open: (one) => go(placeOf(one)) })),
        lines.length ? "" : h("li", { class: "memory-empty", text: t("memory.sources_gone") })),
      (/** @type {unknown} */ error) => toast(sentenceOf(error)),
    );
  });
  return details;
}
