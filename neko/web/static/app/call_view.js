/**
 * The call as it is seen: a bar below her with the mode, the time, mute, the button to talk and hang up, and above it the words
 * as they are recognised. Its keys: mute, and the space bar to talk.
 *
 * @import { Call } from "./call.js"
 */
import { byId, closest, h, icon } from "./element.js";
import { onLanguage, t } from "./i18n.js";

const TICK_MS = 1000;
const WORDS_STAY_MS = 4000;
/** Where the space bar has a meaning of its own. */
const OWN_SPACE = "input, textarea, select, button, a, summary, dialog, [contenteditable], [role=separator]";

export class CallView {
  #app = byId("app", HTMLElement);
  #bar = byId("call-bar", HTMLElement);
  #call;
  #mode = h("button", { type: "button", class: "call-mode", "data-testid": "call-mode", on: { click: () => this.#changeMode() } });
  #time = h("time", { class: "call-time", role: "timer", "data-testid": "call-time" });
  #level = h("span", { class: "call-level", "aria-hidden": "true" });
  #mute = h("button", { type: "button", class: "icon-button", "data-testid": "call-mute", on: { click: () => this.#call.setMuted(!this.#call.muted) } }, icon("microphone"), icon("microphone-off")); // both stay: with the line down none can be fetched
  #hold = h("button", { type: "button", class: "button call-hold", "data-testid": "call-hold" });
  #hangUp = h("button", { type: "button", class: "icon-button call-hang-up", "data-testid": "hang-up", on: { click: () => this.#call.hangUp() } }, icon("hang-up"));
  /** The log has them too, and is read aloud. */
  #words = h("p", { class: "call-words", "aria-hidden": "true", "data-testid": "call-words", hidden: true });
  #ticker = 0;
  #fading = 0;
  #name = "";

  /**
   * @param {Call} call
   * @param {HTMLElement[]} shares buttons for what can be shown in it
   */
  constructor(call, shares) {
    this.#call = call;
    this.#bar.append(this.#words, this.#hold, h("div", { class: "call-row" }, this.#mode, this.#time, this.#mute, ...shares, this.#hangUp));
    this.#listenToHold();
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("keyup", (event) => {
      if (event.code === "Space") call.hold(false);
    });
    window.addEventListener("blur", () => call.hold(false));
    call.on("change", () => this.#draw());
    call.on("words", (text, isFinal) => this.#showWords(text, isFinal));
    call.on("level", (level) => {
      if (!document.hidden) this.#level.style.setProperty("--level", call.isHeard ? Math.min(1, level ** 0.5 * 1.6).toFixed(2) : "0");
    });
    onLanguage(() => this.#draw());
  }

  /** @param {string} name of who is talked with */
  setName(name) {
    this.#name = name;
    this.#draw();
  }

  #draw() {
    const { isOn, state, muted, mode, held } = this.#call;
    if (isOn) this.#app.dataset.call = state;
    else delete this.#app.dataset.call;
    const wasHidden = this.#bar.hidden;
    this.#bar.hidden = !isOn;
    this.#bar.setAttribute("aria-label", t("call.region", { name: this.#name }));
    this.#mode.dataset.mode = muted ? "muted" : mode;
    const shown = state === "waiting" ? "waiting" : state !== "live" ? "connecting" : muted ? "muted" : mode;
    this.#mode.replaceChildren(this.#level, h("span", { class: "call-mode-name" }, t(`call.${shown}`)));
    this.#mode.title = t(mode === "push" ? "call.to_open" : "call.to_push");
    this.#mute.setAttribute("aria-pressed", String(muted));
    this.#mute.title = `${t(muted ? "call.unmute" : "call.mute")} (${t("about.key_mute")})`;
    this.#mute.setAttribute("aria-label", t("call.mute"));
    this.#hold.hidden = mode !== "push";
    this.#hold.textContent = t(held ? "call.holding" : "call.hold");
    this.#hold.title = t("call.hold_key");
    this.#hold.toggleAttribute("data-held", held);
    this.#hangUp.title = t("call.hang_up");
    this.#hangUp.setAttribute("aria-label", t("call.hang_up"));
    this.#time.title = t("call.time");
    this.#drawTime();
    clearInterval(this.#ticker);
    if (isOn) this.#ticker = setInterval(() => this.#drawTime(), TICK_MS);
    else this.#words.hidden = true;
    if (isOn && wasHidden && mode === "push") this.#hold.focus({ preventScroll: true }); // where the space bar talks
  }

  #drawTime() {
    const { since } = this.#call;
    const seconds = since ? Math.floor((performance.now() - since) / 1000) : 0;
    this.#time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.#time.dateTime = `PT${seconds}S`;
  }

  #changeMode() {
    this.#call.setMode(this.#call.mode === "push" ? "open" : "push");
  }

  /**
   * @param {string} text
   * @param {boolean} isFinal
   */
  #showWords(text, isFinal) {
    clearTimeout(this.#fading);
    this.#words.hidden = !text;
    this.#words.textContent = text;
    this.#words.toggleAttribute("data-final", isFinal);
    if (isFinal) this.#fading = setTimeout(() => { this.#words.hidden = true; }, WORDS_STAY_MS);
  }

  #listenToHold() {
    const hold = this.#hold;
    hold.addEventListener("pointerdown", (event) => {
      hold.setPointerCapture(event.pointerId);
      this.#call.hold(true);
    });
    for (const end of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
      hold.addEventListener(end, () => this.#call.hold(false));
    }
    hold.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long touch
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const call = this.#call;
    if (!call.isOn) return;
    if (event.code === "KeyM" && event.shiftKey && (event.ctrlKey || event.metaKey) && !event.altKey) {
      event.preventDefault();
      if (!event.repeat) call.setMuted(!call.muted);
      return;
    }
    const isFree = event.target === this.#hold || !closest(event.target, OWN_SPACE);
    if (event.code !== "Space" || call.mode !== "push" || !isFree || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (!event.repeat) call.hold(true);
  }
}
