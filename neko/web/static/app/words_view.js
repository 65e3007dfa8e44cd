/**
 * Her words in an element. What has no mark of Markdown stands at once, just as Markdown would show it; the libraries
 * for the rest come with the first text that has one, or when nothing else is to do.
 */
import { h } from "./element.js";

/** @typedef {typeof import("./markdown.js")} Markdown */

/** All that could mean something: a sign, an address, the beginning of a line that makes a list, a heading or code. */
const MARK = /[\\`*_[\]<>&|~$#@]|:\/\/|www\.|^[ \t]*(?:[-+=]|\d{1,9}[.)])|^(?: {4}| *\t)/im;

/** @type {Markdown | null} */
let markdown = null;
/** @type {Promise<Markdown> | null} */
let loading = null;

/** Rejects when it cannot be had; the next call tries again. */
export function loadMarkdown() {
  loading ??= import("./markdown.js").then((module) => (markdown = module), (/** @type {unknown} */ error) => {
    loading = null;
    throw error;
  });
  return loading;
}

/**
 * Does this say the same without Markdown? True too of some texts less than could be.
 * @param {string} text
 */
export function isPlain(text) {
  return !MARK.test(text);
}

/** A growing text in an element, drawn as far as it has changed. */
export class WordsView {
  /** @type {HTMLElement} */
  #element;
  /** @type {InstanceType<Markdown["MarkdownView"]> | null} */
  #view = null;
  #text = "";
  #isGrowing = false;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /**
   * A text with marks, or that may get some, waits for the libraries; what stood before stays until they are there.
   * @param {string} text
   * @param {{ isGrowing?: boolean }} [options]
   */
  show(text, { isGrowing = false } = {}) {
    this.#text = text;
    this.#isGrowing = isGrowing;
    if (markdown) {
      this.#draw(markdown);
    } else if (isPlain(text) && !isGrowing) {
      this.#showPlain();
    } else {
      loadMarkdown().then((module) => this.#draw(module), (/** @type {unknown} */ error) => {
        console.warn("markdown", error);
        this.#showPlain(); // with its marks, rather than not at all
      });
    }
  }

  /** @param {Markdown} module */
  #draw({ MarkdownView }) {
    if (!this.#view) {
      this.#element.replaceChildren();
      this.#view = new MarkdownView(this.#element);
    }
    this.#view.show(this.#text, { isGrowing: this.#isGrowing });
  }

  #showPlain() {
    this.#element.replaceChildren(...this.#text.split(/\n[ \t]*\n\s*/).map((block) => block.trim()).filter(Boolean).map(paragraph));
  }
}

/** @param {string} block */
function paragraph(block) {
  const lines = block.split("\n").map((line) => line.trim());
  return h("p", {}, ...lines.flatMap((line, at) => (at ? [h("br"), line] : [line])));
}
