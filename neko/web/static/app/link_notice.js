/**
 * What the reader is told of the line to the server: that it is gone, that another page has the talk, that it is back.
 *
 * @import { LinkState } from "./socket.js"
 */
import { t } from "./i18n.js";
import { banner, toast } from "./notices.js";

const OFFLINE_GRACE_MS = 4000;

export class LinkNotice {
  #reconnect;
  /** @type {number} */
  #offline = 0;
  /** @type {(() => void) | null} */
  #clear = null;

  /** @param {() => void} reconnect */
  constructor(reconnect) {
    this.#reconnect = reconnect;
  }

  /** @param {LinkState} state */
  show(state) {
    if (state === "online" || state === "taken" || state === "closed") {
      clearTimeout(this.#offline);
      this.#offline = 0;
    }
    if (state === "online") {
      if (this.#clear) toast(t("connection.back"));
      this.#clear?.();
      this.#clear = null;
    } else if (state === "taken") {
      this.#clear?.();
      this.#clear = banner("link", t("connection.taken_words"), { label: t("connection.use_here"), run: this.#reconnect }, "take-over");
    } else if (state === "waiting" && !this.#clear && !this.#offline) {
      this.#offline = setTimeout(() => {
        this.#clear = banner("link", t("connection.waiting_words"), { label: t("connection.try_now"), run: this.#reconnect });
      }, OFFLINE_GRACE_MS);
    }
  }
}
