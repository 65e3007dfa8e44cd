/**
 * What is shared, as the reader sees it: a small picture that can be moved out of the way, by pointer or arrow keys, folded
 * to its title, and ended. The title is the sign that something is shared; it stays as long as that is so.
 *
 * @import { Sharing } from "./sharing.js"
 */
import { byId, h, icon } from "../element.js";
import { onLanguage, t } from "../i18n.js";

const STEP_PX = 24;
const MARGIN_PX = 8;
/** @type {Record<string, [x: number, y: number]>} */
const ARROWS = { ArrowLeft: [-STEP_PX, 0], ArrowRight: [STEP_PX, 0], ArrowUp: [0, -STEP_PX], ArrowDown: [0, STEP_PX] };

export class Preview {
  #sharing;
  #video = h("video", { class: "share-video", "data-testid": "share-video", "aria-hidden": "true" });
  #words = h("span", { class: "share-words", "data-testid": "share-words" });
  #title = h("button", { type: "button", class: "share-title", "data-testid": "share-title" }, h("span", { class: "share-dot", "aria-hidden": "true" }), this.#words);
  #flip = this.#button("flip", "share-flip", () => void this.#sharing.flip());
  #fold = this.#button("chevron", "share-fold", () => this.#setFolded(!this.#folded));
  #end = this.#button("close", "share-end", () => this.#sharing.stop("reader"));
  #panel = h("section", { class: "share", "data-testid": "share", hidden: true }, h("div", { class: "share-head" }, this.#title, this.#flip, this.#fold, this.#end), this.#video);
  #said = h("p", { class: "visually-hidden", role: "status" });
  #folded = false;
  /** Where the reader has put it, from the left and the top. @type {{ x: number, y: number } | null} */
  #place = null;

  /** @param {Sharing} sharing */
  constructor(sharing) {
    this.#sharing = sharing;
    this.#video.muted = true;
    this.#video.playsInline = true;
    this.#video.autoplay = true;
    byId("app", HTMLElement).append(this.#panel, this.#said);
    this.#listenToTitle();
    sharing.on("change", () => this.#draw());
    window.addEventListener("resize", () => this.#put());
    onLanguage(() => this.#draw());
  }

  #draw() {
    const { isOn, isSeen, source, stream, hasOther } = this.#sharing;
    const title = t(isSeen ? `share.on_${source}` : "share.unseen");
    const had = this.#panel.contains(document.activeElement);
    this.#panel.hidden = !isOn;
    if (had && !isOn) byId("composer", HTMLElement).focus({ preventScroll: true });
    if (this.#video.srcObject !== stream) this.#video.srcObject = stream;
    this.#panel.dataset.source = source;
    this.#panel.setAttribute("aria-label", title);
    this.#panel.toggleAttribute("data-unseen", !isSeen);
    this.#words.textContent = title;
    this.#title.title = t("share.move");
    this.#title.setAttribute("aria-label", `${title}. ${t("share.move")}`);
    this.#flip.hidden = source !== "camera" || !hasOther;
    this.#name(this.#flip, t("share.flip"));
    this.#name(this.#fold, t(this.#folded ? "share.unfold" : "share.fold"));
    this.#fold.setAttribute("aria-expanded", String(!this.#folded));
    this.#name(this.#end, t(`share.stop_${source}`));
    const words = isOn ? title : "";
    if (this.#said.textContent !== words) this.#said.textContent = words;
    if (isOn) this.#put();
  }

  /**
   * @param {string} sign
   * @param {string} testId
   * @param {() => void} run
   */
  #button(sign, testId, run) {
    return h("button", { type: "button", class: "icon-button is-small", "data-testid": testId, on: { click: run } }, icon(sign));
  }

  /**
   * @param {HTMLElement} button
   * @param {string} name
   */
  #name(button, name) {
    button.title = name;
    button.setAttribute("aria-label", name);
  }

  /** @param {boolean} folded */
  #setFolded(folded) {
    this.#folded = folded;
    this.#panel.toggleAttribute("data-folded", folded);
    this.#draw();
  }

  #listenToTitle() {
    const title = this.#title;
    /** @type {{ x: number, y: number } | null} */
    let grip = null;
    title.addEventListener("pointerdown", (event) => {
      const { left, top } = this.#panel.getBoundingClientRect();
      grip = { x: event.clientX - left, y: event.clientY - top };
      title.setPointerCapture(event.pointerId);
    });
    title.addEventListener("pointermove", (event) => {
      if (grip) this.#moveTo(event.clientX - grip.x, event.clientY - grip.y);
    });
    for (const end of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) title.addEventListener(end, () => { grip = null; });
    title.addEventListener("keydown", (event) => {
      const step = ARROWS[event.key];
      if (!step) return;
      event.preventDefault();
      const { left, top } = this.#panel.getBoundingClientRect();
      this.#moveTo(left + step[0], top + step[1]);
    });
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #moveTo(x, y) {
    this.#place = { x, y };
    this.#put();
  }

  /** It stays within the window. */
  #put() {
    if (!this.#place) return;
    const { width, height } = this.#panel.getBoundingClientRect();
    const x = Math.max(MARGIN_PX, Math.min(this.#place.x, innerWidth - width - MARGIN_PX));
    const y = Math.max(MARGIN_PX, Math.min(this.#place.y, innerHeight - height - MARGIN_PX));
    Object.assign(this.#panel.style, { left: `${x}px`, top: `${y}px`, right: "auto" });
  }
}
