/**
 * Where you write: text, pictures, Enter to send, Esc or the square to stop her.
 *
 * @import { Point } from "../avatar/avatar.js"
 * @import { Picture } from "./pictures.js"
 */
import { AttachMenu } from "./attach_menu.js";
import { attachedTo, keepAttached } from "./attached.js";
import { draftOf, keepDraft } from "./drafts.js";
import { byId, closest, h, icon } from "./element.js";
import { Emitter } from "./emitter.js";
import { onLanguage, t } from "./i18n.js";
import { MOST_PICTURES, pastedFiles, pictureOf, readPicture } from "./pictures.js";

const TYPING_PAUSE_MS = 2500;
const KEPT_WITHIN_MS = 500;
const GROWS_BY_ITSELF = CSS.supports("field-sizing", "content");

/**
 * Events: `send`; `stop` and `call` by their buttons; `typing` with the point of the page where the reader writes,
 * null when they rest; `problem` with a sentence.
 * @extends {Emitter<{ send: [text: string, pictures: Picture[]], stop: [], call: [], typing: [place: Point | null], problem: [sentence: string] }>}
 */
export class Composer extends Emitter {
  #form = byId("composer-form", HTMLFormElement);
  #input = byId("composer", HTMLTextAreaElement);
  #send = byId("send", HTMLButtonElement);
  #stop = byId("stop", HTMLButtonElement);
  #call = byId("call", HTMLButtonElement);
  #attach = byId("attach", HTMLButtonElement);
  #shelf = byId("attachments", HTMLElement);
  #hint = byId("drop-hint", HTMLElement);
  /** Who is written to. */
  #name = "";
  /** @type {Picture[]} */
  #pictures = [];
  /** The pictures of those who are not written to just now. @type {Map<string, Picture[]>} */
  #shelves = new Map();
  #busy = false;
  /** @type {number} */
  #typing = 0;
  #drags = 0;
  /** Words that are written anew: who takes them, and what was being written before. @type {{ take: (text: string, pictures: Picture[]) => void, draft: string, pictures: Picture[] } | null} */
  #editing = null;
  #note = h("div", { class: "composer-note", role: "status", hidden: true, "data-testid": "editing" });

  constructor() {
    super();
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("input", () => this.#changed());
    this.#input.addEventListener("blur", () => this.#rest());
    this.#stop.addEventListener("click", () => this.emit("stop"));
    this.#call.addEventListener("click", () => this.emit("call"));
    const menu = new AttachMenu();
    menu.on("files", (files) => void this.#take(files));
    menu.on("shot", (data) => void this.#takeShot(data));
    document.addEventListener("paste", (event) => {
      const files = pastedFiles(event.clipboardData);
      if (!files.length || closest(event.target, "dialog")) return;
      event.preventDefault();
      void this.#take(files);
    });
    this.#form.prepend(this.#note);
    this.#acceptDrops();
    onLanguage(() => this.#relabel());
    this.#changed({ quiet: true });
    this.setName(document.documentElement.dataset.character ?? "");
  }

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  /**
   * She is thinking or speaking: the square is there to stop her.
   * @param {boolean} busy
   */
  setBusy(busy) {
    this.#busy = busy;
    this.#buttons();
  }

  /**
   * There is a call, which the button ends.
   * @param {boolean} on
   */
  setCall(on) {
    this.#call.setAttribute("aria-pressed", String(on));
    this.#relabel();
  }

  /**
   * Write to this character. What is being written to the one before waits, and is there again when she is back.
   * @param {string} name
   */
  setName(name) {
    if (name === this.#name) return;
    if (this.#editing) this.endEditing();
    const early = this.#name ? "" : this.#input.value; // typed while the page was being made
    this.#shelves.set(this.#name, this.#pictures);
    this.#name = name;
    this.#pictures = this.#shelves.get(name) ?? [];
    if (!this.#shelves.has(name)) void this.#fetchAttached(name);
    this.#input.value = early || draftOf(name);
    this.#changed({ quiet: true });
    this.#relabel();
  }

  /**
   * What was given to her on an earlier visit and not sent is there again.
   * @param {string} name
   */
  async #fetchAttached(name) {
    this.#shelves.set(name, this.#pictures);
    const found = await Promise.allSettled((await attachedTo(name)).map(pictureOf));
    const before = found.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    if (!before.length) return;
    const together = (/** @type {Picture[]} */ pictures) => [...before, ...pictures].slice(0, MOST_PICTURES);
    if (name !== this.#name) {
      this.#shelves.set(name, together(this.#shelves.get(name) ?? []));
    } else if (this.#editing) {
      this.#editing.pictures = together(this.#editing.pictures);
    } else {
      this.#pictures = together(this.#pictures);
      this.#drawShelf();
      this.#buttons();
    }
  }

  /** Resolves once they are kept; a browser that takes its time with that is not waited for. */
  async #keepAttached() {
    const pictures = this.#editing ? this.#editing.pictures : this.#pictures;
    if (!this.#name) return;
    const late = new Promise((resolve) => { setTimeout(resolve, KEPT_WITHIN_MS); });
    await Promise.race([keepAttached(this.#name, pictures.map(({ data }) => data)), late]);
  }

  /**
   * Have earlier words written anew; Esc leaves them as they are.
   * @param {string} text
   * @param {Picture[]} pictures
   * @param {(text: string, pictures: Picture[]) => void} take
   */
  edit(text, pictures, take) {
    const before = this.#editing ?? { draft: this.#input.value, pictures: this.#pictures };
    this.#editing = { ...before, take };
    this.#pictures = pictures;
    this.#drawShelf();
    this.#note.replaceChildren(h("span", { text: t("composer.editing") }), h("button", {
      type: "button", class: "button is-quiet", title: "Esc", "data-testid": "editing-leave", text: t("composer.editing_leave"),
      on: { click: () => { this.endEditing(); this.focus(); } },
    }));
    this.#note.hidden = false;
    this.#input.value = text;
    this.#changed({ quiet: true });
    this.focus();
    this.#input.setSelectionRange(text.length, text.length);
  }

  get editing() {
    return this.#editing !== null;
  }

  /** What was being written before is in the field again. */
  endEditing() {
    const { draft, pictures } = this.#editing ?? { draft: "", pictures: [] };
    this.#editing = null;
    this.#note.hidden = true;
    this.#input.value = draft;
    this.#pictures = pictures;
    this.#drawShelf();
    this.#changed({ quiet: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#input.value.trim();
    if (!text && !this.#pictures.length) return;
    const pictures = this.#pictures;
    this.#pictures = [];
    this.#input.value = "";
    this.#drawShelf();
    this.#changed({ quiet: true });
    this.#rest();
    const editing = this.#editing;
    if (editing) {
      this.endEditing();
      editing.take(text, pictures);
    } else {
      void this.#keepAttached();
      this.emit("send", text, pictures);
    }
  }

  /** @param {{ quiet?: boolean }} [options] `quiet`: not by the reader's hand */
  #changed({ quiet = false } = {}) {
    if (!GROWS_BY_ITSELF) {
      this.#input.style.height = "auto";
      this.#input.style.height = `${this.#input.scrollHeight}px`;
    }
    if (this.#name) keepDraft(this.#name, this.#editing ? this.#editing.draft : this.#input.value);
    this.#buttons();
    if (quiet) return;
    this.emit("typing", this.#input.value === "" ? null : this.#middle());
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#rest(), TYPING_PAUSE_MS);
  }

  #rest() {
    clearTimeout(this.#typing);
    this.emit("typing", null);
  }

  /** @returns {Point} */
  #middle() {
    const { left, top, width, height } = this.#input.getBoundingClientRect();
    return { x: left + scrollX + width / 2, y: top + scrollY + height / 2 };
  }

  #buttons() {
    const something = this.#input.value.trim() !== "" || this.#pictures.length > 0;
    this.#stop.hidden = !this.#busy;
    this.#send.hidden = this.#busy && !something;
    this.#send.disabled = !something;
  }

  #acceptDrops() {
    const carries = (/** @type {DragEvent} */ event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    document.addEventListener("dragenter", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      this.#drags += 1;
      this.#hint.hidden = false;
    });
    document.addEventListener("dragover", (event) => {
      if (carries(event)) event.preventDefault();
    });
    document.addEventListener("dragleave", (event) => {
      if (!carries(event)) return;
      this.#drags = Math.max(0, this.#drags - 1);
      if (!this.#drags) this.#hint.hidden = true;
    });
    document.addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      this.#drags = 0;
      this.#hint.hidden = true;
      void this.#take([...(event.dataTransfer?.files ?? [])]);
    });
  }

  /** @param {File[]} files */
  async #take(files) {
    for (const file of files) {
      if (this.#pictures.length >= MOST_PICTURES) {
        this.emit("problem", t("composer.too_many", { count: MOST_PICTURES }));
        break;
      }
      try {
        this.#pictures.push(await readPicture(file));
      } catch {
        this.emit("problem", t("composer.not_a_picture", { file: file.name }));
      }
    }
    await this.#keepAttached(); // what stands there is there after a reload
    this.#drawShelf();
    this.#buttons();
    this.focus();
  }

  /**
   * A picture that was just taken of the screen.
   * @param {string} data
   */
  async #takeShot(data) {
    if (this.#pictures.length >= MOST_PICTURES) {
      this.emit("problem", t("composer.too_many", { count: MOST_PICTURES }));
      return;
    }
    this.#pictures.push({ ...(await pictureOf(data)), isShot: true });
    await this.#keepAttached();
    this.#drawShelf();
    this.#buttons();
    this.focus();
  }

  #drawShelf() {
    this.#shelf.hidden = !this.#pictures.length;
    this.#shelf.replaceChildren(
      ...this.#pictures.map((picture, at) =>
        h("div", { class: "attachment", "data-testid": "attachment" }, picture.thumbnail,
          h("button", {
            type: "button", class: "attachment-remove", "aria-label": t("composer.remove_picture", { number: at + 1 }),
            on: { click: () => this.#removePicture(picture) },
          }, icon("close")))),
    );
  }

  /** @param {Picture} picture */
  #removePicture(picture) {
    this.#pictures = this.#pictures.filter((one) => one !== picture);
    void this.#keepAttached();
    this.#drawShelf();
    this.#buttons();
    this.focus();
  }

  #relabel() {
    const name = this.#name;
    this.#input.placeholder = name ? t("composer.placeholder", { name }) : t("composer.placeholder_plain");
    this.#input.setAttribute("aria-label", t("composer.label"));
    for (const [button, key] of /** @type {const} */ ([[this.#send, "send"], [this.#stop, "stop"], [this.#attach, "attach"]])) {
      button.setAttribute("aria-label", t(`composer.${key}`));
      button.title = t(`composer.${key}`);
    }
    this.#call.title = t(this.#call.getAttribute("aria-pressed") === "true" ? "call.hang_up" : "call.start", { name });
    this.#call.setAttribute("aria-label", this.#call.title);
    this.#hint.replaceChildren(icon("image"), t("composer.drop"));
    this.#drawShelf();
  }
}
