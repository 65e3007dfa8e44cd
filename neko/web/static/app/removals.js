/**
 * What is on its way to be deleted: out of sight at once, gone for good when the time to undo it is over or the page is left.
 *
 * @typedef {object} Removal
 * @property {string} path where the server deletes it
 * @property {object | null} body what it is sent for that; null: it deletes what is at this path
 * @property {string} words what is told
 * @property {(shown: boolean) => void} show puts it back, or out of sight
 * @property {() => void} [undone] what else an undo gives back
 * @property {() => void} [gone] it is deleted
 */
import { post, remove, sentenceOf } from "./api.js";
import { t } from "./i18n.js";
import { toast } from "./notices.js";

const UNDO_MS = 7000;

export class Removals {
  /** @type {Map<Removal, number>} The timer of each that can still be undone. */
  #waiting = new Map();

  constructor() {
    window.addEventListener("pagehide", () => {
      for (const removal of [...this.#waiting.keys()]) void this.#commit(removal, { leaving: true });
    });
  }

  /**
   * Lines of the talk with a character.
   * @param {string} character
   * @param {number[]} ids
   * @param {string} words
   * @param {(shown: boolean) => void} show
   * @param {() => void} [undone]
   */
  ofLines(character, ids, words, show, undone) {
    this.begin({ path: `api/history/${encodeURIComponent(character)}/delete`, body: { ids }, words, show, undone });
  }

  /** @param {Removal} removal */
  begin(removal) {
    removal.show(false);
    this.#waiting.set(removal, setTimeout(() => void this.#commit(removal), UNDO_MS));
    toast(removal.words, { timeMs: UNDO_MS, action: { label: t("talk.undo"), run: () => this.#undo(removal) } });
  }

  /** @param {Removal} removal */
  #undo(removal) {
    if (!this.#take(removal)) return;
    removal.show(true);
    removal.undone?.();
  }

  /** @param {Removal} removal */
  #take(removal) {
    clearTimeout(this.#waiting.get(removal));
    return this.#waiting.delete(removal);
  }

  /**
   * @param {Removal} removal
   * @param {{ leaving?: boolean }} [options]
   */
  async #commit(removal, { leaving = false } = {}) {
    if (!this.#take(removal)) return;
    const { path, body } = removal;
    if (leaving) {
      if (body) void fetch(path, { method: "POST", keepalive: true, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
      else void fetch(path, { method: "DELETE", keepalive: true });
      return;
    }
    try {
      await (body ? post(path, body) : remove(path));
      removal.gone?.();
    } catch (error) {
      removal.show(true);
      toast(sentenceOf(error));
    }
  }
}
