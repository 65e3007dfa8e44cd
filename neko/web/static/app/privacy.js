/**
 * The one switch that keeps microphone, camera and screen from her: the server holds it and drops what comes all the same.
 * What it said last is remembered here, so that nothing is captured before it says it again.
 */
import { post, sentenceOf } from "./api.js";
import { byId, h, icon } from "./element.js";
import { Emitter } from "./emitter.js";
import { onLanguage, t } from "./i18n.js";
import { banner, toast } from "./notices.js";
import { recall, remember } from "./preferences.js";

/** @extends {Emitter<{ change: [on: boolean] }>} */
class Privacy extends Emitter {
  #isOn = false;
  /** What the server could not be told yet. @type {boolean | null} */
  #untold = null;
  /** @type {(() => void) | null} */
  #leave = null;
  /** @type {HTMLButtonElement | null} */
  #sign = null;

  get isOn() {
    return this.#isOn;
  }

  /** Show it from now on, and hear its keys. */
  begin() {
    this.#sign = h("button", { type: "button", class: "icon-button private-sign", "data-testid": "private-sign", hidden: true, on: { click: () => void this.set(false) } }, icon("private"));
    byId("menu-button", HTMLElement).before(this.#sign);
    document.addEventListener("keydown", (event) => {
      if (event.code !== "KeyX" || !event.shiftKey || !(event.ctrlKey || event.metaKey) || event.altKey || event.repeat) return;
      event.preventDefault();
      void this.set(!this.isOn);
    });
    this.follow(recall("private", false));
    onLanguage(() => this.#draw());
  }

  /**
   * The line is there, and this is how the server has it.
   * @param {boolean} on
   */
  greeted(on) {
    if (this.#untold === null) this.follow(on);
    else void this.set(this.#untold);
  }

  /**
   * The server says so.
   * @param {boolean} on
   */
  follow(on) {
    const isNew = on !== this.isOn;
    this.#isOn = on;
    remember("private", on);
    document.documentElement.toggleAttribute("data-private", on);
    this.#draw();
    if (isNew) this.emit("change", on);
  }

  /**
   * What captures ends at once, whether the server can be told or not; what is off is on again only when it agrees.
   * @param {boolean} on
   */
  async set(on) {
    if (on) this.follow(true);
    try {
      await post("api/privacy", { on });
      this.#untold = null;
      this.follow(on);
    } catch (error) {
      this.#untold = on || null; // what is closed here stays so
      toast(sentenceOf(error));
      this.#draw();
    }
  }

  /** Something was to be captured: say why it is not. */
  tell() {
    toast(t("privacy.blocked"), { action: { label: t("privacy.end"), run: () => void this.set(false) } });
  }

  #draw() {
    this.#leave?.();
    this.#leave = this.isOn ? banner("private", t("privacy.words"), { label: t("privacy.end"), run: () => void this.set(false) }, "private-end") : null;
    if (!this.#sign) return;
    this.#sign.hidden = !this.isOn;
    this.#sign.title = `${t("privacy.sign")} (${t("about.key_private")})`;
    this.#sign.setAttribute("aria-label", t("privacy.sign"));
  }
}

export const privacy = new Privacy();
