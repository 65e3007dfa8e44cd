/** The rows settings are made of. */
import { h } from "../element.js";

/**
 * @param {string} label
 * @param {HTMLElement} control
 * @param {string} [hint]
 */
export function row(label, control, hint) {
  return h("label", { class: "field is-row" },
    h("span", { class: "field-words" }, h("span", { class: "field-name", text: label }), hint && h("span", { class: "field-hint", text: hint })), control);
}

/**
 * @param {[value: string, label: string][]} options
 * @param {string} value
 * @param {(value: string) => void} onChange
 * @param {string} testId
 */
export function select(options, value, onChange, testId) {
  const element = h("select", { class: "select", "data-testid": testId }, options.map(([key, label]) => h("option", { value: key, text: label })));
  element.value = value;
  element.addEventListener("change", () => onChange(element.value));
  return element;
}

/**
 * @param {boolean} checked
 * @param {(checked: boolean) => void} onChange
 * @param {string} testId
 */
export function toggle(checked, onChange, testId) {
  const element = h("input", { type: "checkbox", class: "toggle", role: "switch", "data-testid": testId });
  element.checked = checked;
  element.addEventListener("change", () => onChange(element.checked));
  return element;
}

/**
 * A slider whose value is read beside it; `show(value)` gives the words.
 * @param {{
 *   min: number, max: number, step: number, value: number, show: (value: number) => string, testId: string,
 *   onInput?: (value: number) => void, onChange?: (value: number) => void,
 * }} options
 */
export function slider({ min, max, step, value, show, onInput, onChange, testId }) {
  const output = h("output", { class: "slider-value", text: show(value) });
  const input = h("input", { type: "range", min, max, step, value: String(value), "data-testid": testId, "aria-valuetext": show(value) });
  input.addEventListener("input", () => {
    output.textContent = show(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
    onInput?.(Number(input.value));
  });
  input.addEventListener("change", () => onChange?.(Number(input.value)));
  return h("span", { class: "slider" }, input, output);
}
