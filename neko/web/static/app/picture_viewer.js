/** A picture over the whole window; Esc, the cross or a click beside it closes. */
/** @import { Entry } from "./transcript.js" */
import { closest, h, icon } from "./element.js";
import { t } from "./i18n.js";
import { addressesOf, pictureName } from "./pictures.js";

class PictureViewer {
  #picture = h("img", { class: "viewer-picture", alt: "" });
  #save = h("a", { class: "icon-button", "data-testid": "viewer-save" }, icon("save"));
  #close = h("button", { type: "button", class: "icon-button viewer-close", "data-testid": "viewer-close" }, icon("close"));
  #before = h("button", { type: "button", class: "icon-button viewer-before" }, icon("back"));
  #after = h("button", { type: "button", class: "icon-button viewer-after" }, icon("forward"));
  #dialog = h("dialog", { class: "viewer", "data-testid": "viewer" },
    this.#picture, h("div", { class: "viewer-tools" }, this.#save, this.#close), this.#before, this.#after);
  /** @type {string[]} */
  #addresses = [];
  #at = 0;

  constructor() {
    this.#before.addEventListener("click", () => this.#step(-1));
    this.#after.addEventListener("click", () => this.#step(1));
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("click", (event) => {
      if (closest(event.target, ".viewer-close") || !closest(event.target, "img, a, button")) this.#dialog.close();
    });
    this.#dialog.addEventListener("close", () => this.#picture.removeAttribute("src"));
  }

  /**
   * @param {Entry} entry
   * @param {number} at which of its pictures
   */
  show(entry, at) {
    this.#addresses = addressesOf(entry);
    if (!this.#addresses[at]) return;
    if (!this.#dialog.isConnected) document.body.append(this.#dialog);
    this.#at = at;
    this.#draw();
    this.#dialog.showModal();
    this.#close.focus();
  }

  #draw() {
    const count = this.#addresses.length;
    const name = pictureName(this.#at, count);
    const address = this.#addresses[this.#at] ?? "";
    this.#picture.src = address;
    this.#picture.alt = name;
    this.#dialog.setAttribute("aria-label", name);
    this.#save.href = address;
    this.#save.download = `${name}.jpg`;
    for (const [button, key] of /** @type {const} */ ([[this.#save, "save"], [this.#close, "close"], [this.#before, "before"], [this.#after, "after"]])) {
      button.title = t(`picture.${key}`);
      button.setAttribute("aria-label", t(`picture.${key}`));
    }
    this.#before.hidden = this.#at === 0;
    this.#after.hidden = this.#at === count - 1;
  }

  /** @param {1 | -1} by */
  #step(by) {
    if (!this.#addresses[this.#at + by]) return;
    this.#at += by;
    this.#draw();
    if (document.activeElement === document.body) this.#close.focus(); // the arrow that was pressed is hidden at the end
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    event.stopPropagation(); // the page's own keys rest
    if (event.key === "ArrowLeft") this.#step(-1);
    else if (event.key === "ArrowRight") this.#step(1);
  }
}

/** @type {PictureViewer | null} */
let viewer = null;

/**
 * @param {Entry} entry
 * @param {number} at which of its pictures
 */
export function showPicture(entry, at) {
  viewer ??= new PictureViewer();
  viewer.show(entry, at);
}
