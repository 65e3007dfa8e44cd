/** Markdown whose end has not come: what it shows does not turn into something else when more comes. */
import remend from "../vendor/remend.mjs";

const BARE_MARK = /(?:^|\n)[ \t]*(?:[-=*_+>#`~]{1,3}|\d{1,9}[.)]?)[ \t]*$|(?<=\s)[*_~`]{1,3}$/;

/** At the end of a line: the box of a task, a picture, the number of a footnote, a sign by its name. */
const HALF_MARK = /^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[[ xX]?\]?[ \t]*$|!\[[^[\]]*(?:\](?:\([^()]*)?)?$|\[\^[^[\]\s]*\]?:?[ \t]*$|&#?\w{0,31}$/;
/** The end of a name in brackets, which an address may follow. */
const NAMED = /(\[[^[\]]+)\]$/;
const HALF_FENCE = /\n[ \t]*(?:`{1,2}|~{1,2})$/;

/**
 * The part of a growing text that can be drawn, its open marks closed: a line that is nothing but the mark of a list,
 * a heading or a fence waits for its words, the head of a table for the line below it, half a mark for its other half.
 * @param {string} text
 */
export function drawable(text) {
  const fences = text.match(/^[ \t]*(?:```|~~~)/gm)?.length ?? 0;
  if (fences % 2) return text.replace(HALF_FENCE, "");
  const whole = beforeHalfTable(text);
  const line = whole.lastIndexOf("\n") + 1;
  const held = (whole.slice(0, line) + whole.slice(line).replace(HALF_MARK, "").replace(NAMED, "$1")).replace(BARE_MARK, "");
  return remend(held, { linkMode: "text-only", htmlTags: false, comparisonOperators: false, singleTilde: false, setextHeadings: false });
}

/**
 * The text without the first row of a table while the line below it, which says that it is one, is not whole.
 * @param {string} text
 */
function beforeHalfTable(text) {
  const lines = text.slice(text.lastIndexOf("\n\n") + 1).split("\n");
  const head = lines.findIndex((line) => /^[ \t]*\|/.test(line));
  if (head < 0 || lines.length - head > 2) return text;
  return text.slice(0, text.length - lines.slice(head).join("\n").length);
}
