/** While it is on nothing of what is said is kept: a bar above the talk says so, and ends it. */
import { post, sentenceOf } from "./api.js";
import { onLanguage, t } from "./i18n.js";
import { banner, toast } from "./notices.js";

export class OffRecord {
  #character;
  /** @type {(() => void) | null} */
  #leave = null;
  on = false;

  /** @param {() => string} character */
  constructor(character) {
    this.#character = character;
    onLanguage(() => {
      if (this.on) this.follow(true);
    });
  }

  /**
   * The server says so.
   * @param {boolean} on
   */
  follow(on) {
    this.on = on;
    this.#leave?.();
    this.#leave = on ? banner("off-record", t("off_record.words"), { label: t("off_record.end"), run: () => void this.set(false) }, "off-record-end") : null;
  }

  /** @param {boolean} on */
  async set(on) {
    try {
      await post(`api/memory_browser/${encodeURIComponent(this.#character())}/off_record`, { on });
    } catch (error) {
      toast(sentenceOf(error));
      this.follow(this.on);
    }
  }
}
