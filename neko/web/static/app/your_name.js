/** What she calls you: asked once, changed whenever you like. */
import { get, post, sentenceOf } from "./api.js";
import { h } from "./element.js";
import { t } from "./i18n.js";
import { counted } from "./name_limit.js";

const MASTER = "主人";
const NAME = "档案名";

/** @returns {Promise<{ name: string, named: boolean }>} */
export function yourName() {
  return get("api/characters/master");
}

/** @param {string} name */
export async function saveYourName(name) {
  /** @type {Record<string, Record<string, unknown>>} */
  const cards = await get("api/characters");
  await post("api/characters/master", { ...cards[MASTER], [NAME]: name });
}

/**
 * A field for the name, with what was wrong with it below.
 * @param {{ name: string, button: string, onSaved: (name: string) => void }} options `name`: "" when none is known
 */
export function nameField({ name, button, onSaved }) {
  const input = h("input", { class: "input", autocomplete: "nickname", spellcheck: "false", value: name, "data-testid": "your-name", "aria-label": t("you.label"), placeholder: t("you.placeholder") });
  const note = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  const form = h("form", { class: "your-name" },
    h("div", { class: "field-pair" }, counted(input, note), h("button", { type: "submit", class: "button is-main", "data-testid": "your-name-save", text: button })), note);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = input.value.trim();
    if (!chosen) {
      input.focus();
      return;
    }
    saveYourName(chosen).then(() => onSaved(chosen), (/** @type {unknown} */ error) => {
      note.textContent = sentenceOf(error);
      note.hidden = false;
    });
  });
  return form;
}
