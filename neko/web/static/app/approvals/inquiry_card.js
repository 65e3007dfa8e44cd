/** What a server of tools wants to know: a form as its schema says, or a page of its own. @import { FieldSchema, Inquiry } from "../wire.js" */
import { h, icon } from "../element.js";
import { t } from "../i18n.js";

/** @typedef {{ decision: "accept" | "decline" | "cancel", content?: Record<string, unknown> }} Replied */
/** @typedef {{ row: HTMLElement, read: () => unknown }} Field */

/**
 * @param {Inquiry} inquiry
 * @param {(answer: Replied) => void} answer
 * @returns {{ card: HTMLElement, no: Replied }}
 */
export function inquiryCard(inquiry, answer) {
  const title = `approval-title-${inquiry.id}`;
  const form = h("form", { class: "approval-form", "data-testid": "inquiry-form" });
  const fields = Object.entries(inquiry.schema.properties ?? {}).map(([name, schema]) => /** @type {const} */ ([name, fieldOf(name, schema, inquiry.schema.required?.includes(name) ?? false)]));
  form.append(...fields.map(([, field]) => field.row));
  if (inquiry.url) form.append(pageOf(inquiry));
  form.append(h("div", { class: "approval-acts" },
    h("button", { type: "button", class: "button", "data-testid": "inquiry-decline", text: t("approval.decline"), on: { click: () => answer({ decision: "decline" }) } }),
    h("button", { type: "submit", class: "button is-main", "data-testid": "inquiry-send", text: t(inquiry.url ? "approval.opened" : "approval.send") })));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    /** @type {[string, unknown][]} */
    const told = fields.map(([name, field]) => [name, field.read()]);
    /** @type {Record<string, unknown>} */
    const content = Object.fromEntries(told.filter(([, value]) => value !== undefined));
    answer({ decision: "accept", ...(inquiry.url ? {} : { content }) });
  });
  const card = h("section", { class: "approval", role: "group", tabindex: "-1", "aria-labelledby": title, "data-testid": "inquiry" },
    h("div", { class: "approval-head" },
      h("span", { class: "approval-sign" }, icon("warning")),
      h("p", { class: "approval-title", id: title }, t("approval.asks", { server: inquiry.server }), h("span", { class: "approval-source", text: t("approval.goes_to", { server: inquiry.server }) }))),
    h("p", { class: "approval-words", text: inquiry.message }),
    form);
  return { card, no: { decision: "cancel" } };
}

/** @param {Inquiry} inquiry */
function pageOf({ url }) {
  const address = URL.canParse(url) ? new URL(url) : null;
  const safe = address !== null && /^https?:$/.test(address.protocol);
  return h("p", { class: "approval-words" }, safe
    ? h("a", { class: "approval-link", href: url, target: "_blank", rel: "noopener noreferrer", text: t("approval.open", { host: address.host }) })
    : "", h("code", { class: "approval-address", text: url }));
}

/**
 * @param {string} name
 * @param {FieldSchema} schema
 * @param {boolean} required
 * @returns {Field}
 */
function fieldOf(name, schema, required) {
  const label = `${schema.title ?? name}${required ? " *" : ""}`;
  if (schema.type === "array") return severalOf(label, schema);
  const choices = choicesOf(schema);
  const control = choices.length ? choiceOf(choices, schema, required) : inputOf(schema, required);
  const row = h("label", { class: "field" }, h("span", { class: "field-name", text: label }), control, schema.description && h("span", { class: "field-hint", text: schema.description }));
  return { row, read: () => valueOf(control, schema) };
}

/** @param {FieldSchema} schema @returns {[value: string, label: string][]} */
function choicesOf(schema) {
  if (schema.oneOf) return schema.oneOf.map((one) => [one.const, one.title]);
  return (schema.enum ?? []).map((value, at) => [String(value), schema.enumNames?.[at] ?? String(value)]);
}

/**
 * @param {[string, string][]} choices
 * @param {FieldSchema} schema
 * @param {boolean} required
 */
function choiceOf(choices, schema, required) {
  const select = h("select", { class: "select", required }, h("option", { value: "", text: t("approval.choose") }), ...choices.map(([value, text]) => h("option", { value, text })));
  select.value = typeof schema.default === "string" ? schema.default : "";
  return select;
}

/**
 * @param {FieldSchema} schema
 * @param {boolean} required
 */
function inputOf(schema, required) {
  if (schema.type === "boolean") {
    return h("input", { type: "checkbox", class: "toggle", role: "switch", checked: schema.default === true });
  }
  const isNumber = schema.type === "number" || schema.type === "integer";
  const kinds = /** @type {Record<string, string>} */ ({ email: "email", uri: "url", date: "date", "date-time": "datetime-local" });
  return h("input", {
    class: "input", type: isNumber ? "number" : kinds[schema.format ?? ""] ?? "text", required, autocomplete: "off",
    step: isNumber ? (schema.type === "integer" ? 1 : "any") : null, min: schema.minimum, max: schema.maximum, minlength: schema.minLength, maxlength: schema.maxLength,
    value: typeof schema.default === "string" || typeof schema.default === "number" ? String(schema.default) : "",
  });
}

/**
 * @param {string} label
 * @param {FieldSchema} schema
 * @returns {Field}
 */
function severalOf(label, schema) {
  const choices = schema.items?.anyOf?.map((one) => [one.const, one.title]) ?? (schema.items?.enum ?? []).map((value) => [value, value]);
  const chosen = Array.isArray(schema.default) ? schema.default.map(String) : [];
  const boxes = choices.map(([value = "", text = ""]) => ({ value, text, box: h("input", { type: "checkbox", class: "toggle", role: "switch", checked: chosen.includes(value) }) }));
  const row = h("fieldset", { class: "field approval-several" }, h("legend", { class: "field-name", text: label }),
    ...boxes.map(({ text, box }) => h("label", { class: "approval-box" }, box, h("span", { text }))));
  return { row, read: () => boxes.filter(({ box }) => box.checked).map(({ value }) => value) };
}

/**
 * @param {HTMLInputElement | HTMLSelectElement} control
 * @param {FieldSchema} schema
 */
function valueOf(control, schema) {
  if (control instanceof HTMLInputElement && control.type === "checkbox") return control.checked;
  if (control.value === "") return undefined;
  return schema.type === "number" || schema.type === "integer" ? Number(control.value) : control.value;
}
