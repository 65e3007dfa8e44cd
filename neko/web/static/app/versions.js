/**
 * The versions of the last reply: what was said before it was said anew. The one that is chosen is the reply from then on.
 *
 * @import { Conversation } from "./conversation.js"
 * @import { LogView } from "./log_view.js"
 * @import { ReplyVersions, VersionChosen } from "./rest.js"
 * @import { Entry } from "./transcript.js"
 */
import { get, post, sentenceOf } from "./api.js";
import { h, icon } from "./element.js";
import { sentenceFor, t } from "./i18n.js";
import { toast } from "./notices.js";

export class Versions {
  #conversation;
  #log;
  #isChoosing = false;
  /** The line whose versions are on their way. */
  #asked = 0;

  /**
   * @param {Pick<Conversation, "character" | "transcript" | "busy">} conversation
   * @param {Pick<LogView, "update">} log
   */
  constructor(conversation, log) {
    this.#conversation = conversation;
    this.#log = log;
  }

  get #path() {
    return `api/history/${encodeURIComponent(this.#conversation.character)}/versions`;
  }

  /** Ask what versions the last reply has, if it has several and they are not known. */
  async look() {
    const entry = this.#conversation.transcript.lastReply;
    if (!entry || entry.id === null || entry.replaces === null || entry.versions?.ids.includes(entry.id)) return;
    const { id } = entry;
    if (this.#asked === id) return;
    this.#asked = id;
    /** @type {ReplyVersions} */
    let found;
    try {
      found = await get(`${this.#path}?line=${id}`);
    } catch {
      return; // without them the reply stands as it is
    } finally {
      this.#asked = 0;
    }
    const ids = found.lines.map((line) => line.id);
    if (ids.length < 2 || entry.id !== id) return;
    entry.versions = { ids, place: ids.indexOf(id) };
    this.#log.update(entry);
  }

  /**
   * Go to the version before or after the one that counts.
   * @param {Entry} entry
   * @param {1 | -1} by
   */
  async step(entry, by) {
    const line = entry.versions?.ids[entry.versions.place + by];
    if (line === undefined || this.#isChoosing) return;
    if (this.#conversation.busy) {
      toast(sentenceFor("version_not_now"));
      return;
    }
    this.#isChoosing = true;
    try {
      /** @type {VersionChosen} */
      const chosen = await post(this.#path, { line });
      this.#conversation.transcript.commit(chosen.line);
      await this.look();
    } catch (error) {
      toast(sentenceOf(error));
    } finally {
      this.#isChoosing = false;
    }
  }
}

/** Two arrows with a count between them, in the foot of a line. */
export class VersionPicker {
  #count = h("span", { "aria-hidden": "true" });
  #spoken = h("span", { class: "visually-hidden" });
  #shown = { number: 0, count: 0 };

  /**
   * @param {(by: 1 | -1) => void} step
   * @param {number} tabIndex of the line's other buttons
   */
  constructor(step, tabIndex) {
    this.before = h("button", { type: "button", class: "line-act", tabindex: tabIndex, "data-testid": "version-before", on: { click: () => step(-1) } }, icon("back"));
    this.after = h("button", { type: "button", class: "line-act", tabindex: tabIndex, "data-testid": "version-after", on: { click: () => step(1) } }, icon("forward"));
    this.element = h("span", { class: "versions", role: "group", "data-testid": "versions" },
      this.before, h("span", { class: "versions-count", role: "status" }, this.#count, this.#spoken), this.after);
    this.label();
  }

  /** @param {{ ids: number[], place: number } | undefined} versions */
  show(versions) {
    this.element.hidden = !versions;
    if (!versions) return;
    this.#shown = { number: versions.place + 1, count: versions.ids.length };
    this.#count.textContent = `${this.#shown.number}/${this.#shown.count}`;
    // Not `disabled`: the keyboard's focus would be lost at either end.
    this.before.setAttribute("aria-disabled", String(this.#shown.number === 1));
    this.after.setAttribute("aria-disabled", String(this.#shown.number === this.#shown.count));
    this.#spoken.textContent = t("talk.version", this.#shown);
  }

  label() {
    this.#spoken.textContent = t("talk.version", this.#shown);
    for (const [button, key] of /** @type {const} */ ([[this.before, "version_before"], [this.after, "version_after"]])) {
      button.title = t(`talk.${key}`);
      button.setAttribute("aria-label", t(`talk.${key}`));
    }
  }
}
