/**
 * What can be put beside the words: a picture from a file, one of the screen, one that a phone takes. Where only files can
 * be had the button leads to them at once.
 */
import { byId, closest, h, icon } from "./element.js";
import { Emitter } from "./emitter.js";
import { t } from "./i18n.js";
import { toast } from "./notices.js";
import { privacy } from "./privacy.js";

const isPhone = matchMedia("(pointer: coarse)");

/**
 * Events: `files` that were picked; `shot` with the `data:` address of a picture that was just taken.
 * @extends {Emitter<{ files: [files: File[]], shot: [data: string] }>}
 */
export class AttachMenu extends Emitter {
  #button = byId("attach", HTMLButtonElement);
  #menu = byId("attach-menu", HTMLElement);
  #file = byId("attach-file", HTMLInputElement);
  #photo = byId("attach-photo", HTMLInputElement);

  constructor() {
    super();
    for (const input of [this.#file, this.#photo]) {
      input.addEventListener("change", () => {
        this.emit("files", [...(input.files ?? [])]);
        input.value = "";
      });
    }
    this.#button.addEventListener("click", () => {
      if (this.#isOpen) this.#close();
      else this.#open();
    });
    document.addEventListener("pointerdown", (event) => {
      if (this.#isOpen && !closest(event.target, "#attach, #attach-menu")) this.#close();
    });
    this.#menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !closest(event.relatedTarget, "#attach, #attach-menu")) this.#close();
    });
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
  }

  get #isOpen() {
    return !this.#menu.hidden;
  }

  #open() {
    const items = [this.#item("image", "file", () => this.#file.click())];
    if ("getDisplayMedia" in (navigator.mediaDevices ?? {})) items.push(this.#item("screen", "shot", () => void this.#shoot()));
    if (isPhone.matches) items.push(this.#item("camera", "photo", () => this.#capture(() => this.#photo.click())));
    if (items.length === 1) {
      this.#file.click();
      return;
    }
    this.#menu.setAttribute("aria-label", t("composer.attach"));
    this.#menu.replaceChildren(...items);
    this.#show(true);
    items[0]?.focus();
  }

  #close() {
    if (this.#menu.contains(document.activeElement)) this.#button.focus();
    this.#show(false);
    this.#menu.replaceChildren();
  }

  /** @param {boolean} open */
  #show(open) {
    this.#menu.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
  }

  /**
   * @param {string} sign
   * @param {"file" | "shot" | "photo"} what
   * @param {() => void} run
   */
  #item(sign, what, run) {
    return h("button", { type: "button", class: "menu-item", role: "menuitem", "data-testid": `attach-${what}`, on: { click: () => { this.#close(); run(); } } },
      icon(sign), h("span", { text: t(`composer.from_${what}`) }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = [...this.#menu.querySelectorAll("button")];
    const at = items.findIndex((one) => one === document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      event.stopPropagation();
      this.#close();
    } else if (step) {
      event.preventDefault();
      items[(at + step + items.length) % items.length]?.focus();
    }
  }

  /** @param {() => void} run what looks through a camera or at the screen */
  #capture(run) {
    if (privacy.isOn) privacy.tell();
    else run();
  }

  async #shoot() {
    if (privacy.isOn) {
      privacy.tell();
      return;
    }
    const { CaptureError, onePicture } = await import("./sharing/capture.js");
    try {
      this.emit("shot", await onePicture());
    } catch (error) {
      const fault = error instanceof CaptureError ? error.fault : "failed";
      if (fault !== "denied") toast(t(`share.faults.${fault}`));
    }
  }
}
