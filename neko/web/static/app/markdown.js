/**
 * Safe Markdown that grows block by block.
 *
 * Markup from a model is untrusted: raw HTML is shown as text, pictures become links (nothing is
 * fetched from another host), links open apart and carry no referrer.
 */
import DOMPurify from "../vendor/purify.es.mjs";
import { codeBlock } from "./code_block.js";
import { drawFormula } from "./formulas.js";
import { drawable } from "./growing_markdown.js";
import { h } from "./element.js";
import { t } from "./i18n.js";
import { marked } from "./markdown_syntax.js";

const TAGS = [
  "p", "br", "hr", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "sup", "div",
  "h1", "h2", "h3", "h4", "h5", "h6", "a", "table", "thead", "tbody", "tr", "th", "td", "span",
];
const ATTRIBUTES = ["href", "title", "start", "align", "class"];

const purify = DOMPurify(window);
purify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  const href = node.getAttribute("href") ?? "";
  if (!/^(https?:|mailto:)/i.test(href)) {
    node.removeAttribute("href");
    return;
  }
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

/** @param {string} html */
function fragment(html) {
  return purify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}

/** What scrolls can be reached by the keyboard, and only what scrolls. */
const scrollers = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scroller = target instanceof HTMLElement && target.closest(".md-scroll");
    if (!(scroller instanceof HTMLElement)) continue;
    const scrolls = scroller.scrollWidth > scroller.clientWidth + 1;
    scroller.toggleAttribute("data-scrolls", scrolls);
    if (scrolls) {
      scroller.tabIndex = 0;
      scroller.setAttribute("role", "group");
      scroller.setAttribute("aria-label", t("talk.scrolls"));
    } else {
      scroller.removeAttribute("tabindex");
      scroller.removeAttribute("role");
      scroller.removeAttribute("aria-label");
    }
  }
});

/**
 * From where a footnote is referred to in the text to the footnote, and back.
 * @param {Element} mark
 */
function linkNote(mark) {
  const label = mark.textContent ?? "";
  const [other, role] = mark.matches(".md-reference") ? [".md-noted", "doc-noteref"] : [".md-reference", "doc-backlink"];
  mark.replaceChildren(h("a", { href: "#", role, text: label, on: { click: (event) => {
    event.preventDefault();
    const marks = [...mark.closest(".line-words")?.querySelectorAll(`sup${other}`) ?? []];
    /** @type {HTMLElement | null | undefined} */ (marks.find((one) => one.textContent === label)?.querySelector("a"))?.focus();
  } } }));
}

/**
 * Wide parts scroll inside themselves, never the page.
 * @param {DocumentFragment} content
 * @param {boolean} isWhole nothing more comes
 */
function framed(content, isWhole) {
  for (const pre of content.querySelectorAll("pre")) codeBlock(pre, { isWhole, clean: fragment });
  for (const table of content.querySelectorAll("table")) {
    const frame = h("div", { class: "md-table md-scroll" });
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const mark of content.querySelectorAll("sup.md-reference, .md-note > sup.md-noted")) linkNote(mark);
  for (const formula of content.querySelectorAll(".md-math")) {
    if (formula instanceof HTMLElement && (isWhole || formula.tagName === "SPAN")) void drawFormula(formula);
  }
  for (const scroller of content.querySelectorAll(".md-scroll")) {
    scrollers.observe(scroller);
    if (scroller.firstElementChild) scrollers.observe(scroller.firstElementChild);
  }
  return content;
}

/**
 * What a reader reads of a text, without its marks and with a space between its blocks and cells.
 * @param {string} text
 */
export function wordsOf(text) {
  const content = fragment(marked.parser(marked.lexer(text)).replace(/<\/(?:p|li|h\d|t[dhr]|pre|blockquote)>|<br>/g, "$& "));
  return content.textContent ?? "";
}

/** A growing text in an element: finished blocks stay as they are, only the changed end is drawn anew. */
export class MarkdownView {
  /** @type {HTMLElement} */
  #element;
  /** @type {{ raw: string, isWhole: boolean, nodes: ChildNode[] }[]} */
  #blocks = [];

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /**
   * @param {string} text
   * @param {{ isGrowing?: boolean }} [options]
   */
  show(text, { isGrowing = false } = {}) {
    const tokens = marked.lexer(isGrowing ? drawable(text) : text).filter((token) => token.type !== "space");
    const whole = isGrowing ? tokens.length - 1 : tokens.length;
    let same = 0;
    for (; same < tokens.length; same += 1) {
      const block = this.#blocks[same];
      if (block?.raw !== tokens[same]?.raw || block?.isWhole !== same < whole) break;
    }
    for (const stale of this.#blocks.splice(same)) for (const node of stale.nodes) node.remove();
    for (const [index, token] of tokens.slice(same).entries()) {
      const isWhole = same + index < whole;
      const content = framed(fragment(marked.parser([token])), isWhole);
      const nodes = [...content.childNodes];
      this.#element.append(content);
      this.#blocks.push({ raw: token.raw, isWhole, nodes });
    }
  }
}
