/**
 * Questions about what is known: what it is to say, which notes say the same, whether it is to go.
 *
 * @import { Fact } from "./calls.js"
 */
import { ask } from "../ask.js";
import { h } from "../element.js";
import { has, t } from "../i18n.js";

const YES = "fact-yes";

const ATTRIBUTES = ["name", "home", "job", "family", "friend", "relationship", "pet", "likes", "dislikes", "hobby", "allergy", "health", "diet", "birthday", "age", "gender", "birthplace", "origin", "nationality", "language", "school", "education", "skill", "plan", "goal", "promise"];

/** @param {string} attribute */
export function attributeName(attribute) {
  const key = `memory.attributes.${attribute}`;
  return has(key) ? t(key) : attribute;
}

/**
 * @param {string} subject
 * @param {string} character
 */
export function subjectName(subject, character) {
  return subject === "user" ? t("talk.you") : subject === "character" ? character : subject;
}

/**
 * @param {string} name
 * @param {HTMLElement} control
 */
function field(name, control) {
  return h("label", { class: "field" }, h("span", { class: "field-name", text: t(`memory.${name}`) }), control);
}

/**
 * Ask what a note is to say. `save` gets what goes to the server.
 * @param {{ title: string, fact: Fact | null, character: string, subjects: string[], save: (body: Record<string, string | null>) => Promise<unknown> }} options
 */
export function askForFact({ title, fact, character, subjects, save }) {
  const names = new Map([...new Set(["user", "character", ...subjects])].map((one) => [subjectName(one, character), one]));
  const about = h("input", { class: "input", required: true, maxlength: "40", list: "fact-subjects", "data-testid": "fact-subject", value: subjectName(fact?.subject ?? "user", character) });
  const kinds = [...new Set([...ATTRIBUTES, ...(fact ? [fact.attribute] : [])])];
  const kind = h("select", { class: "select", "data-testid": "fact-attribute" }, kinds.map((one) => h("option", { value: one, text: attributeName(one), selected: one === (fact?.attribute ?? "likes") })));
  const value = h("textarea", { class: "input memory-field", required: true, rows: "2", maxlength: "200", "data-testid": "fact-value" });
  value.value = fact?.value ?? "";
  const since = h("input", { class: "input", type: "date", "data-testid": "fact-since", value: fact?.since.slice(0, 10) ?? "" });
  const until = h("input", { class: "input", type: "date", "data-testid": "fact-until", value: fact?.until?.slice(0, 10) ?? "" });
  const bound = () => { until.min = since.value; };
  since.addEventListener("change", bound);
  bound();
  ask({
    title, testId: "ask-fact", yes: YES, label: t("memory.save"),
    content: [
      field("fact_subject", about), h("datalist", { id: "fact-subjects" }, [...names.keys()].map((one) => h("option", { value: one }))),
      field("fact_attribute", kind), field("fact_value", value),
      h("div", { class: "fact-times" }, field("fact_since", since), fact && field("fact_until", until)),
    ],
    save: () => {
      const said = about.value.trim();
      /** @type {Record<string, string | null>} */
      const body = { subject: names.get(said) ?? said, attribute: kind.value, value: value.value.trim() };
      if (since.value && since.value !== fact?.since.slice(0, 10)) body["since"] = since.value;
      if (fact && until.value !== (fact.until?.slice(0, 10) ?? "")) body["until"] = until.value ? `${until.value}T23:59:59` : null;
      return save(body);
    },
  });
  value.focus();
}

/**
 * Ask which notes say the same as one that stays.
 * @param {{ fact: Fact, others: Fact[], save: (ids: number[]) => Promise<unknown> }} options
 */
export function askWhatIsTheSame({ fact, others, save }) {
  const same = [...others].sort((one, other) => Number(other.attribute === fact.attribute) - Number(one.attribute === fact.attribute));
  const boxes = same.map((one) => h("input", { type: "checkbox", class: "tick", value: String(one.id) }));
  ask({
    title: t("memory.merge_which", { value: fact.value }), testId: "ask-merge", yes: YES, label: t("memory.merge_do"),
    content: [h("div", { class: "fact-choices" }, same.map((one, at) => h("label", { class: "memory-all" }, boxes[at], h("span", { text: `${attributeName(one.attribute)} · ${one.value}` }))))],
    save: async () => {
      const ids = boxes.filter((box) => box.checked).map((box) => Number(box.value));
      if (ids.length) await save(ids);
    },
  });
}

/**
 * Ask whether a note is to go, alone or with what was said.
 * @param {{ fact: Fact, forget: (lines: boolean) => Promise<unknown> }} options
 */
export function askToForgetFact({ fact, forget }) {
  let withLines = false;
  const both = h("button", { type: "submit", class: "button", "data-testid": "forget-lines", text: t("memory.forget_lines"), on: { click: () => { withLines = true; } } });
  ask({
    title: t("memory.fact_ask", { value: fact.value }), testId: "ask-forget-fact", yes: YES,
    label: fact.sources.length ? t("memory.forget_note") : t("memory.forget"),
    content: fact.sources.length ? [h("p", { text: t("memory.fact_ask_words") })] : [],
    more: fact.sources.length ? [both] : [],
    save: () => {
      const lines = withLines;
      withLines = false;
      return forget(lines);
    },
  });
}
