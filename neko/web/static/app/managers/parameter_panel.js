/**
 * The values of a Live2D model's parameters. Every change is kept at once; what is reset is the model's own again.
 *
 * @import { Model, Parameter } from "./model_calls.js"
 */
import { sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { keepParameters, parametersOf } from "./model_calls.js";

/**
 * The usual ends of a slider by what a parameter is called (https://docs.live2d.com/en/cubism-editor-manual/standard-parameter-list/);
 * the model's own stand in its `.moc3`, which only Live2D's library reads.
 * @type {[name: RegExp, least: number, most: number][]}
 */
const RANGES = [
  [/^ParamAngle[XYZ]$/, -30, 30],
  [/^ParamBodyAngle[XYZ]$/, -10, 10],
  [/^ParamEye[LR]Open$/, 0, 1.5],
  [/Open|Smile|Breath|Cheek/, 0, 1],
];
/** @type {[least: number, most: number]} */
const USUAL = [-1, 1];
const STEP = 0.01;

/** @param {string} id */
function rangeOf(id) {
  const [, ...range] = RANGES.find(([name]) => name.test(id)) ?? [null, ...USUAL];
  return range;
}

/** @param {Model} model */
export async function parameterPanel(model) {
  const { parameters, groups, values } = await parametersOf(model);
  let saving = Promise.resolve();
  const keep = () => {
    saving = saving.then(() => keepParameters(model, values)).then(() => undefined, (/** @type {unknown} */ error) => { toast(sentenceOf(error)); });
  };
  const rows = parameters.map((parameter) => ({ parameter, row: parameterRow(parameter, values, keep) }));
  const names = [...new Set(parameters.map(({ groupId }) => groupId))];
  const sections = names.map((group) => h("section", { class: "parameters-group" }, h("h3", { text: groups[group] || group || t("models.other") }),
    rows.filter(({ parameter }) => parameter.groupId === group).map(({ row }) => row.element)));
  const none = h("p", { class: "memory-empty", hidden: true, text: t("models.none_found") });
  const words = h("input", {
    class: "input", type: "search", spellcheck: "false", maxlength: "100", placeholder: t("models.find"), "aria-label": t("models.find"), "data-testid": "parameter-find",
    on: { input: () => {
      const wanted = words.value.trim().toLowerCase();
      for (const { parameter, row } of rows) row.element.hidden = !`${parameter.name} ${parameter.id}`.toLowerCase().includes(wanted);
      for (const section of sections) section.hidden = !section.querySelector(".parameter:not([hidden])");
      none.hidden = sections.some((section) => !section.hidden);
    } },
  });
  const reset = h("button", { type: "button", class: "button", "data-testid": "parameters-reset", text: t("models.reset_all"), on: { click: () => {
    for (const id of Object.keys(values)) delete values[id];
    for (const { row } of rows) row.show();
    keep();
  } } });
  return h("div", { class: "parameters", "data-testid": "parameters" }, h("p", { class: "agent-hint", text: t("models.parameters_hint") }),
    h("div", { class: "parameters-bar" }, words, reset), sections, none);
}

/**
 * @param {Parameter} parameter
 * @param {Record<string, number>} values those that are set
 * @param {() => void} keep
 */
function parameterRow({ id, name }, values, keep) {
  const [least, most] = rangeOf(id);
  const label = name || id;
  const slider = h("input", { type: "range", min: String(least), max: String(most), step: String(STEP), "aria-label": label, "data-testid": "parameter" });
  const number = h("input", { class: "input parameter-number", type: "number", step: "any", "aria-label": t("models.value_of", { name: label }) });
  const back = h("button", { type: "button", class: "icon-button", "aria-label": t("models.reset", { name: label }), title: t("models.reset", { name: label }), "data-testid": "parameter-reset" }, icon("retry"));
  const element = h("div", { class: "parameter", "data-id": id }, h("span", { class: "parameter-name", text: label }), slider, number, back);
  const show = () => {
    const value = values[id];
    slider.value = String(value ?? 0);
    number.value = value === undefined ? "" : String(value);
    number.placeholder = t("models.own_value");
    back.disabled = value === undefined;
    element.toggleAttribute("data-set", value !== undefined);
  };
  const set = (/** @type {string} */ text) => {
    const value = Number(text);
    if (text === "" || !Number.isFinite(value)) delete values[id];
    else values[id] = value;
    show();
    keep();
  };
  slider.addEventListener("input", () => { number.value = slider.value; });
  slider.addEventListener("change", () => set(slider.value));
  number.addEventListener("change", () => set(number.value));
  back.addEventListener("click", () => {
    set("");
    slider.focus();
  });
  show();
  return { element, show };
}
