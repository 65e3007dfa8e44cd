/**
 * How long a name may be (`check_name` of the server), told while it is written: nothing is cut.
 */
import { h } from "./element.js";
import { t } from "./i18n.js";

export const LONGEST_NAME = 20;
/** From here on the length is shown. */
const NEARLY = 12;

/**
 * ASCII counts one, all else two.
 * @param {string} name
 */
export function nameLength(name) {
  return [...name].reduce((sum, letter) => sum + (letter > "\x7f" ? 2 : 1), 0);
}

/**
 * The name itself or the next with a number, no longer than a name may be.
 * @param {string} name
 * @param {string[]} taken
 */
export function freeName(name, taken) {
  const letters = [...name.replace(/ \d+$/, "")];
  for (let number = 1; ; number += 1) {
    const end = number === 1 ? "" : ` ${number}`;
    while (nameLength(letters.join("") + end) > LONGEST_NAME) letters.pop();
    const candidate = letters.join("") + end;
    if (!taken.includes(candidate)) return candidate;
  }
}

/**
 * The field with how much of the length is used, and in `note` what to do when it is too much.
 * @param {HTMLInputElement} input
 * @param {HTMLElement} note
 */
export function counted(input, note) {
  const count = h("span", { class: "count", "aria-hidden": "true" });
  const tell = () => {
    const length = nameLength(input.value.trim());
    const over = length > LONGEST_NAME;
    count.textContent = `${length}/${LONGEST_NAME}`;
    count.hidden = length < NEARLY;
    count.toggleAttribute("data-over", over);
    if (over) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    note.textContent = over ? t("errors.character_too_long.remedy") : "";
    note.hidden = !over;
  };
  input.maxLength = 4 * LONGEST_NAME;
  input.addEventListener("input", tell);
  tell();
  return h("span", { class: "counted" }, input, count);
}
