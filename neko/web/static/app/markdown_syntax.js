/**
 * What a reply may be written in: GitHub's Markdown, and what models add to it: formulas between `$…$`, `$$…$$`,
 * `\(…\)` and `\[…\]`, and footnotes.
 *
 * A dollar sign begins a formula only directly before it and ends one only directly after it, with no letter or digit
 * behind (pandoc's rule, `tex_math_dollars`): prices are none.
 */
import { Marked } from "../vendor/marked.esm.js";

const LONGEST_FORMULA = 2000;
const INLINE = new RegExp(String.raw`^(?:\$\$((?:\\.|[^\\$]){1,${LONGEST_FORMULA}})\$\$|\$(?!\s)((?:\\.|[^\\$\n]){1,${LONGEST_FORMULA}})(?<!\s)\$(?![\p{L}\d])|\\\(((?:\\[^)]|[^\\]){1,${LONGEST_FORMULA}})\\\)|\\\[((?:\\[^\]]|[^\\]){1,${LONGEST_FORMULA}})\\\])`, "u");
const BLOCK = new RegExp(String.raw`^ {0,3}(?:\$\$((?:\\.|[^\\$]){1,${LONGEST_FORMULA}})\$\$|\\\[((?:\\[^\]]|[^\\]){1,${LONGEST_FORMULA}})\\\])[ \t]*(?:\n+|$)`);
const NOTE = /^\[\^([^\]\s]{1,40})\]:[ \t]*([^\n]+(?:\n(?!\[\^)[^\n]*\S[^\n]*)*)\n*/;
const REFERENCE = /^\[\^([^\]\s]{1,40})\](?!:)/;

/** @param {string} text */
export function escape(text) {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/**
 * @param {string} tex
 * @param {boolean} isDisplay in a line of its own
 */
function formula(tex, isDisplay) {
  return isDisplay ? `<div class="md-math">${escape(tex.trim())}</div>` : `<span class="md-math">${escape(tex.trim())}</span>`;
}

export const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escape(text),
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    checkbox: ({ checked }) => `<span class="md-box">${checked ? "☑" : "☐"}</span> `,
  },
  extensions: [
    {
      name: "formulaBlock",
      level: "block",
      start: (src) => src.match(/^ {0,3}(?:\$\$|\\\[)/m)?.index,
      tokenizer(src) {
        const found = BLOCK.exec(src);
        return found ? { type: "formulaBlock", raw: found[0], tex: found[1] ?? found[2] } : undefined;
      },
      renderer: (token) => formula(String(token.tex), true),
    },
    {
      name: "formula",
      level: "inline",
      start: (src) => src.match(/\$|\\[([]/)?.index,
      tokenizer(src) {
        const found = INLINE.exec(src);
        if (!found) return undefined;
        const [raw, display, inline, round, square] = found;
        return { type: "formula", raw, tex: display ?? inline ?? round ?? square, isDisplay: Boolean(display ?? square) };
      },
      renderer: (token) => formula(String(token.tex), Boolean(token.isDisplay)),
    },
    {
      name: "note",
      level: "block",
      start: (src) => src.match(/^\[\^/m)?.index,
      tokenizer(src) {
        const found = NOTE.exec(src);
        if (!found) return undefined;
        const [raw, label, text] = found;
        return { type: "note", raw, label, tokens: this.lexer.inlineTokens((text ?? "").trim()) };
      },
      renderer(token) {
        return `<p class="md-note"><sup class="md-noted">${escape(String(token.label))}</sup> ${this.parser.parseInline(token.tokens ?? [])}</p>`;
      },
    },
    {
      name: "reference",
      level: "inline",
      start: (src) => src.match(/\[\^/)?.index,
      tokenizer(src) {
        const found = REFERENCE.exec(src);
        return found ? { type: "reference", raw: found[0], label: found[1] } : undefined;
      },
      renderer: (token) => `<sup class="md-reference">${escape(String(token.label))}</sup>`,
    },
  ],
});
