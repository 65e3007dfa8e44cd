/** What the views of the agent's page have in common: a place for what is loading, what is not there, what failed. */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";

/** @typedef {{ view: HTMLElement, go: (place: string) => void }} ViewParts */

/**
 * Fill the view with what comes of `load`; what failed is told with a way to try again. A later call overtakes this one.
 * @param {HTMLElement} view
 * @param {() => Promise<(Node | string)[]>} load
 */
export async function fill(view, load) {
  const turn = String(Number(view.dataset.turn ?? 0) + 1);
  view.dataset.turn = turn;
  view.setAttribute("aria-busy", "true");
  let content;
  try {
    content = await load();
  } catch (error) {
    content = [failed(error, () => void fill(view, load))];
  }
  if (view.dataset.turn !== turn) return;
  view.removeAttribute("aria-busy");
  view.replaceChildren(...content);
}

/**
 * @param {unknown} error
 * @param {() => void} again
 */
export function failed(error, again) {
  return h("div", { class: "agent-empty is-bad", role: "alert", "data-testid": "view-failed" }, h("p", { text: sentenceOf(error) }),
    h("button", { type: "button", class: "button", "data-testid": "view-again", text: t("talk.try_again"), on: { click: again } }));
}

/**
 * @param {string} words
 * @param {string} [more]
 */
export function empty(words, more = "") {
  return h("div", { class: "agent-empty", "data-testid": "view-empty" }, h("p", { text: words }), more && h("p", { class: "agent-hint", text: more }));
}

/**
 * A switch with a name.
 * @param {string} label
 * @param {boolean} on
 * @param {(on: boolean) => void} change
 * @param {string} testId
 */
export function named(label, on, change, testId) {
  const input = h("input", { type: "checkbox", class: "toggle", role: "switch", "aria-label": label, title: label, "data-testid": testId, checked: on });
  input.addEventListener("change", () => change(input.checked));
  return h("label", { class: "large-target" }, input);
}

/**
 * A moment, short; the whole of it is in its title.
 * @param {string} iso
 * @param {string} language
 */
export function moment(iso, language) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return h("span", { text: iso });
  const today = at.toDateString() === new Date().toDateString();
  const short = today ? { hour: "2-digit", minute: "2-digit" } : { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  return h("time", { datetime: iso, title: at.toLocaleString(language), text: at.toLocaleString(language, /** @type {Intl.DateTimeFormatOptions} */ (short)) });
}
