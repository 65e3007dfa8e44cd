/** Where in a text the words stand that were searched for. */
import { h } from "./element.js";
import { wordsOf } from "./markdown.js";

/**
 * The part of a text around the first of the words, each of them marked.
 * @param {string} text
 * @param {string} words
 * @param {number} length characters of that part
 * @returns {(string | Node)[]}
 */
export function marked(text, words, length) {
  const wanted = words.split(/\s+/).filter(Boolean).sort((a, b) => b.length - a.length);
  const pattern = new RegExp(`(${wanted.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "giu");
  const read = wordsOf(text).replace(/\s+/g, " ").trim();
  const flat = read.search(pattern) < 0 ? text.replace(/\s+/g, " ").trim() : read; // found in an address or a mark
  const at = Math.max(0, (flat.search(pattern) < 0 ? 0 : flat.search(pattern)) - length / 3);
  const piece = `${at > 0 ? "…" : ""}${flat.slice(at, at + length)}${at + length < flat.length ? "…" : ""}`;
  return piece.split(pattern).map((part, index) => (index % 2 ? h("mark", { text: part }) : part));
}
