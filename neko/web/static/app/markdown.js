/**
 * Safe Markdown that grows block by block.
 *
 * Markup from a model is untrusted: raw HTML is shown as text, pictures become links (nothing is
 * fetched from another host), links open apart and carry no referrer.
 */
import { Marked } from "../vendor/marked.esm.js";
import DOMPurify from "../vendor/purify.es.mjs";

const TAGS = [
  "p", "br", "hr", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li",
  "h1", "h2", "h3", "h4", "h5", "h6", "a", "table", "thead", "tbody", "tr", "th", "td", "span",
];
const ATTRIBUTES = ["href", "title", "start", "align", "class"];

/** @param {string} text */
function escape(text) {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escape(text),
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

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

/**
 * Wide parts scroll inside themselves, never the page.
 * @param {DocumentFragment} content
 */
function framed(content) {
  for (const wide of content.querySelectorAll("pre, table")) {
    const frame = document.createElement("div");
    frame.className = wide.tagName === "PRE" ? "md-code" : "md-table";
    wide.replaceWith(frame);
    frame.append(wide);
  }
  return content;
}

/** A growing text in an element: finished blocks stay as they are, only the changed end is drawn anew. */
export class MarkdownView {
  /** @type {HTMLElement} */
  #element;
  /** @type {{ raw: string, nodes: ChildNode[] }[]} */
  #blocks = [];

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** @param {string} text */
  show(text) {
    const tokens = marked.lexer(text).filter((token) => token.type !== "space");
    let same = 0;
    while (same < tokens.length && this.#blocks[same]?.raw === tokens[same]?.raw) same += 1;
    for (const stale of this.#blocks.splice(same)) for (const node of stale.nodes) node.remove();
    for (const token of tokens.slice(same)) {
      const content = framed(fragment(marked.parser([token])));
      const nodes = [...content.childNodes];
      this.#element.append(content);
      this.#blocks.push({ raw: token.raw, nodes });
    }
  }
}
