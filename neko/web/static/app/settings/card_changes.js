/**
 * Changes of a card on their way to the server: a moment after the last key, and in any case before the page is left.
 *
 * @import { OwnFields } from "../rest.js"
 * @typedef {Record<string, unknown> & { neko?: { [Field in keyof OwnFields]?: OwnFields[Field] | null } }} Changes null removes
 */
import { patch, post, sentenceOf } from "../api.js";
import { pathOf } from "../cards.js";
import { attachedTo, keepAttached } from "../attached.js";
import { draftOf, keepDraft } from "../drafts.js";
import { toast } from "../notices.js";

const PAUSE_MS = 600;

export class CardChanges {
  /** @type {Changes} */
  #waiting = {};
  #timer = 0;
  #last = Promise.resolve();
  #onSaved;

  /**
   * @param {string} name whose card it is
   * @param {() => void} onSaved
   */
  constructor(name, onSaved) {
    this.name = name;
    this.#onSaved = onSaved;
    window.addEventListener("pagehide", () => this.#leave());
  }

  /** @param {Changes} changes */
  add({ neko, ...fields }) {
    Object.assign(this.#waiting, fields);
    if (neko) this.#waiting.neko = { ...this.#waiting.neko, ...neko };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), PAUSE_MS);
  }

  /** All that was changed so far is saved, or the reader was told that it is not. */
  flush() {
    clearTimeout(this.#timer);
    if (Object.keys(this.#waiting).length) {
      const changes = this.#waiting;
      this.#waiting = {};
      this.#last = this.#last.then(() => this.#save(changes));
    }
    return this.#last;
  }

  /**
   * After all that was changed so far, and before what is changed from now on. Rejects with an `ApiError`.
   * @param {string} name
   */
  rename(name) {
    void this.flush();
    const renamed = this.#last.then(async () => {
      const former = this.name;
      const before = draftOf(name);
      keepDraft(name, draftOf(this.name)); // her page may follow before the answer is here
      try {
        await post(`${pathOf(this.name)}/rename`, { new_name: name });
      } catch (error) {
        keepDraft(name, before);
        throw error;
      }
      keepDraft(this.name, "");
      void keepAttached(name, await attachedTo(this.name)).then(() => keepAttached(former, []));
      this.name = name;
    });
    this.#last = renamed.catch(() => undefined);
    return renamed;
  }

  /** @param {Changes} changes */
  async #save(changes) {
    try {
      await patch(pathOf(this.name), changes);
      this.#onSaved();
    } catch (error) {
      this.#waiting = { ...changes, ...this.#waiting, ...((changes.neko || this.#waiting.neko) && { neko: { ...changes.neko, ...this.#waiting.neko } }) };
      toast(sentenceOf(error), { timeMs: 8000 });
    }
  }

  #leave() {
    if (!Object.keys(this.#waiting).length) return;
    const body = JSON.stringify(this.#waiting);
    this.#waiting = {};
    void fetch(pathOf(this.name), { method: "PATCH", keepalive: true, headers: { "Content-Type": "application/json" }, body });
  }
}
