/**
 * She would like to see the screen. What is shared anyway is shown at once; otherwise the reader is asked, and a no, or no
 * answer, shows nothing.
 *
 * @import { ClientAction } from "../wire.js"
 * @import { Sharing } from "./sharing.js"
 */
import { byId, h, icon } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { privacy } from "../privacy.js";
import { CaptureError, canShareScreen, onePicture } from "./capture.js";

/** Milliseconds in which a card that has just come takes no yes: the press was meant for what was there before. */
const NOT_YET_MS = 500;

export class ScreenRequest {
  #send;
  #place = h("div", { class: "approvals", "data-testid": "screen-request-place" });
  #leave = () => {};

  /** @param {(action: ClientAction) => boolean} send */
  constructor(send) {
    this.#send = send;
    byId("composer-form", HTMLElement).before(this.#place);
  }

  /**
   * @param {string} name of her who asks
   * @param {Sharing | null} sharing
   * @param {number} seconds after which nobody waits any more
   */
  ask(name, sharing, seconds) {
    this.#leave();
    if (privacy.isOn) {
      this.#refuse();
      return;
    }
    const shown = sharing?.picture() ?? null;
    if (shown) this.#show(shown);
    else this.#ask(name, seconds);
  }

  /** Nobody asks any more. */
  clear() {
    this.#leave();
  }

  /**
   * @param {string} name
   * @param {number} seconds
   */
  #ask(name, seconds) {
    const since = performance.now();
    const act = (/** @type {() => void} */ run) => () => {
      if (performance.now() - since < NOT_YET_MS) return;
      this.#leave();
      run();
    };
    const source = canShareScreen() ? "screen" : "camera";
    const refuse = act(() => this.#refuse());
    const card = h("section", {
      class: "approval", role: "group", tabindex: "-1", "aria-labelledby": "screen-request-title", "aria-describedby": "screen-request-words", "data-testid": "screen-request",
      on: { keydown: (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        refuse();
      } },
    },
    h("div", { class: "approval-head" },
      h("span", { class: "approval-sign" }, icon(source)),
      h("p", { class: "approval-title", id: "screen-request-title", text: t(`share.asks_${source}`, { name }) })),
    h("p", { class: "approval-words", id: "screen-request-words", text: t("share.asks_words") }),
    h("div", { class: "approval-acts" },
      h("button", { type: "button", class: "button", "data-testid": "screen-request-no", text: t("share.asks_no"), on: { click: refuse } }),
      h("button", { type: "button", class: "button is-main", "data-testid": "screen-request-yes", text: t("share.asks_yes"), on: { click: act(() => void this.#capture(source)) } })));
    const said = h("p", { class: "visually-hidden", role: "alert", text: t(`share.asks_${source}`, { name }) });
    const timer = setTimeout(() => this.#leave(), seconds * 1000);
    this.#place.append(said, card);
    this.#leave = () => {
      clearTimeout(timer);
      const hadFocus = card.contains(document.activeElement);
      this.#place.replaceChildren();
      this.#leave = () => {};
      if (hadFocus) byId("composer", HTMLElement).focus({ preventScroll: true });
    };
  }

  /** @param {"screen" | "camera"} source */
  async #capture(source) {
    try {
      this.#show(await onePicture(source));
    } catch (error) {
      this.#refuse();
      const fault = error instanceof CaptureError ? error.fault : "failed";
      if (fault !== "denied") toast(t(`share.faults.${fault}`));
    }
  }

  /** @param {string} data */
  #show(data) {
    this.#send({ action: "screenshot_response", data });
  }

  #refuse() {
    this.#send({ action: "screenshot_response", data: "", neko_refused: true });
  }
}
