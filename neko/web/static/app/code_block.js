/** Code in her words: its language, a button that copies it, colours once it is whole. */
import { h, icon } from "./element.js";
import { t } from "./i18n.js";

const LONGEST_COLOURED = 50_000;

/** @typedef {{ getLanguage: (name: string) => { name?: string } | undefined, highlight: (code: string, options: { language: string, ignoreIllegals: boolean }) => { value: string } }} Highlighter */
/** @type {Promise<Highlighter> | null} */
let loading = null;

function highlighter() {
  const library = "../vendor/highlight.mjs"; // it comes without types
  loading ??= import(library).then(
    (/** @type {{ default: Highlighter }} */ loaded) => loaded.default,
    (/** @type {unknown} */ error) => {
      loading = null;
      throw error;
    },
  );
  return loading;
}

/** @param {string} text */
export async function copyText(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = h("textarea", { class: "visually-hidden", value: text });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/**
 * Copies, and says so by its picture.
 * @param {HTMLButtonElement} button
 * @param {string} text
 */
export async function copyBy(button, text) {
  try {
    await copyText(text);
  } catch {
    return;
  }
  button.replaceChildren(icon("check"));
  setTimeout(() => button.replaceChildren(icon("copy")), 1400);
}

/**
 * A frame around `<pre><code class="language-…">`.
 * @param {HTMLElement} pre
 * @param {{ isWhole: boolean, clean: (html: string) => DocumentFragment }} options `clean`: markup made safe
 */
export function codeBlock(pre, { isWhole, clean }) {
  const code = pre.querySelector("code") ?? pre;
  const language = /language-(\S+)/.exec(code.className)?.[1] ?? "";
  const name = h("span", { class: "md-language", text: language });
  const copy = h("button", { type: "button", class: "md-copy", tabindex: "-1", "aria-label": t("talk.copyCode"), title: t("talk.copyCode") }, icon("copy"));
  copy.addEventListener("click", () => void copyBy(copy, (code.textContent ?? "").replace(/\n$/, "")));
  const scroller = h("div", { class: "md-code-lines md-scroll" });
  const frame = h("div", { class: "md-code" }, h("div", { class: "md-code-head" }, name, copy), scroller);
  pre.replaceWith(frame);
  scroller.append(pre);
  if (isWhole && language) void colour(code, language, name, clean);
  return frame;
}

/**
 * @param {HTMLElement} code
 * @param {string} language
 * @param {HTMLElement} name
 * @param {(html: string) => DocumentFragment} clean
 */
async function colour(code, language, name, clean) {
  const text = code.textContent ?? "";
  if (text.length > LONGEST_COLOURED) return;
  try {
    const library = await highlighter();
    const known = library.getLanguage(language);
    if (!known) return;
    name.textContent = known.name ?? language;
    code.replaceChildren(clean(library.highlight(text, { language, ignoreIllegals: true }).value));
  } catch {
    // without its colours it is code all the same
  }
}
