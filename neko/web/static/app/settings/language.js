/** Settings › Language: the page's words and the language she speaks by default. */
import { post, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { currentLanguage, LANGUAGES, setLanguage, t } from "../i18n.js";
import { toast } from "../notices.js";
import { row, select } from "./controls.js";

/** @param {string} code */
async function choose(code) {
  try {
    await setLanguage(code, { keep: true });
    await post("api/language", { language: code });
  } catch (error) {
    toast(sentenceOf(error));
  }
}

/** @param {HTMLElement} body */
export function languagePage(body) {
  body.append(h("div", { class: "settings-group" },
    row(t("language.label"), select(LANGUAGES, currentLanguage(), (code) => void choose(code), "language-select"), t("language.hint"))));
}
