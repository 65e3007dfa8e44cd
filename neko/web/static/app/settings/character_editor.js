/**
 * The editor of one character. Changes are kept as they are made (`CardChanges`); the name when it is left.
 *
 * @import { CharacterCard, OwnFields } from "../rest.js"
 * @import { Changes } from "./card_changes.js"
 * @import { PageParts } from "./dialog.js"
 *
 * @typedef {object} Deeds What the list does; each gets the name of now.
 * @property {(name: string) => void} back
 * @property {(name: string) => void} talk
 * @property {(name: string, card: CharacterCard) => void} duplicate
 * @property {(name: string) => void} remove
 *
 * @typedef {{ name: string, card: CharacterCard, parts: PageParts }} Edited
 */
import { post, sentenceOf } from "../api.js";
import { pathOf, PERSONALITY, pictureUrl, sign, traitsOf } from "../cards.js";
import { h, icon } from "../element.js";
import { LANGUAGES, sentenceFor, t } from "../i18n.js";
import { counted } from "../name_limit.js";
import { toast } from "../notices.js";
import { CardChanges } from "./card_changes.js";
import { colourFields } from "./character_colours.js";
import { voiceFields } from "./character_voice.js";
import { row, select } from "./controls.js";

/** What a card calls it, in the five languages of the first cast. */
const SPEAKING = ["Way of speaking", "说话方式", "說話方式", "話し方", "말투"];
const PICTURE_PX = 512;
const QUALITY = 0.9;

/**
 * @param {HTMLElement} place
 * @param {Edited} edited
 * @param {Deeds} deeds
 */
export function characterEditor(place, { name, card, parts }, deeds) {
  const now = structuredClone(card);
  const saved = h("span", { class: "form-note", role: "status", "data-testid": "character-saved" });
  const changes = new CardChanges(name, () => {
    saved.textContent = t("characters.saved");
    if (changes.name === parts.conversation.character) parts.appearance.show(now.neko ?? {});
  });
  /** @param {Changes} changed */
  const change = ({ neko, ...fields }) => {
    saved.textContent = "";
    Object.assign(now, fields);
    if (neko) now.neko = /** @type {OwnFields} */ (Object.fromEntries(Object.entries({ ...now.neko, ...neko }).filter(([, value]) => value)));
    changes.add({ ...fields, ...(neko && { neko }) });
  };
  /** @param {(name: string) => void} deed */
  const afterSaving = (deed) => () => changes.flush().then(() => deed(changes.name));
  const back = h("button", { type: "button", class: "icon-button", "data-testid": "character-back", "aria-label": t("characters.back"), on: { click: afterSaving(deeds.back) } }, icon("back"));
  const isHere = () => changes.name === parts.conversation.character;
  place.replaceChildren(h("div", { class: "form editor", "data-testid": "character-editor" },
    h("div", { class: "editor-head" }, back, pictureField(changes, now, change), saved),
    nameRow(changes),
    ...wordFields(now, change),
    row(t("characters.language"), select([["", t("characters.language_auto")], ...LANGUAGES], now.neko?.language ?? "", (language) => change({ neko: { language: language || null } }), "character-language")),
    voiceFields(() => changes.name, parts),
    colourFields(now.neko?.colours ?? {}, (colours) => change({ neko: { colours } })),
    promptField(now, change),
    h("div", { class: "form-acts" },
      h("button", { type: "button", class: "button", "data-testid": "character-duplicate", text: t("characters.duplicate"), on: { click: afterSaving((from) => deeds.duplicate(from, now)) } }),
      isHere() ? h("p", { class: "form-note", text: t("characters.delete_current") })
        : h("button", { type: "button", class: "button", "data-testid": "character-delete", text: t("characters.delete"), on: { click: afterSaving(deeds.remove) } }),
      !isHere() && h("button", { type: "button", class: "button is-main", "data-testid": "character-talk", text: t("characters.talk"), on: { click: afterSaving(deeds.talk) } }))));
  place.closest(".settings-body")?.scrollTo(0, 0);
  back.focus({ preventScroll: true });
}

/** @param {CardChanges} changes */
function nameRow(changes) {
  const note = h("p", { class: "form-note is-bad", id: "character-name-note", role: "alert", hidden: true });
  const input = h("input", { class: "input", value: changes.name, autocomplete: "off", spellcheck: "false", "data-testid": "character-name", "aria-describedby": "character-name-note" });
  const rename = async () => {
    const name = input.value.trim();
    note.hidden = true;
    input.removeAttribute("aria-invalid");
    if (name === changes.name) return;
    try {
      await changes.rename(name);
    } catch (error) {
      note.textContent = sentenceOf(error);
      note.hidden = false;
      input.setAttribute("aria-invalid", "true");
      if (!input.isConnected) toast(sentenceOf(error));
    }
  };
  input.addEventListener("change", () => void rename());
  return h("div", { class: "field" }, h("label", { class: "field" }, h("span", { class: "field-name", text: t("characters.name") }), counted(input, note)), note);
}

/**
 * @param {CharacterCard} card
 * @param {(changes: Changes) => void} change
 */
function wordFields(card, change) {
  const traits = traitsOf(card);
  const known = (/** @type {string[]} */ keys, /** @type {string} */ own) => traits.find(([key]) => keys.includes(key))?.[0] ?? own;
  const personality = known(PERSONALITY, t("characters.personality"));
  const speaking = known(SPEAKING, t("characters.speaking"));
  const others = traits.filter(([key]) => key !== personality && key !== speaking);
  const trait = (/** @type {string} */ key, /** @type {string} */ label, /** @type {string} */ testId) => area({
    label, value: traits.find(([field]) => field === key)?.[1] ?? "", testId, onInput: (words) => change({ [key]: words || null }),
  });
  const more = h("div", { class: "form" }, others.map(([key]) => trait(key, key, "character-trait")));
  const field = h("input", { class: "input", maxlength: "40", placeholder: t("characters.trait_name"), "aria-label": t("characters.trait_name"), "data-testid": "character-trait-new" });
  const add = () => {
    const key = field.value.trim();
    if (!key) {
      field.focus();
      return;
    }
    field.value = "";
    const added = trait(key, key, "character-trait");
    more.append(added);
    added.querySelector("textarea")?.focus();
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) add();
  });
  return [
    trait(personality, t("characters.personality"), "character-personality"),
    trait(speaking, t("characters.speaking"), "character-speaking"),
    area({
      label: t("characters.greeting"), hint: t("characters.greeting_hint"), value: card.neko?.greeting ?? "", testId: "character-greeting",
      onInput: (greeting) => change({ neko: { greeting: greeting || null } }),
    }),
    h("details", { class: "editor-more" }, h("summary", { text: t("characters.more") }), more,
      h("div", { class: "editor-add" }, field, h("button", { type: "button", class: "button", text: t("characters.trait_add"), on: { click: add } }))),
  ];
}

/**
 * @param {CharacterCard} card
 * @param {(changes: Changes) => void} change
 */
function promptField(card, change) {
  return h("details", { class: "editor-more" }, h("summary", { text: t("characters.advanced") }), area({
    label: t("characters.advanced"), hint: t("characters.prompt_hint", { her: "{LANLAN_NAME}", you: "{MASTER_NAME}" }), value: card.system_prompt ?? "",
    testId: "character-prompt", rows: 8, onInput: (prompt) => change({ system_prompt: prompt }),
  }));
}

/** @param {{ label: string, hint?: string, value: string, testId: string, rows?: number, onInput: (words: string) => void }} options */
function area({ label, hint, value, testId, rows = 2, onInput }) {
  /** @type {HTMLTextAreaElement} */
  const input = h("textarea", { class: "input", rows: String(rows), maxlength: "2000", "data-testid": testId, on: { input: () => onInput(input.value.trim()) } });
  if (rows > 2) input.maxLength = 20_000;
  input.value = value;
  return h("label", { class: "field" }, h("span", { class: "field-name", text: label }), input, hint && h("span", { class: "field-hint", text: hint }));
}

/**
 * @param {CardChanges} changes
 * @param {CharacterCard} card
 * @param {(changes: Changes) => void} change
 */
function pictureField(changes, card, change) {
  const shown = h("span", { class: "editor-picture" });
  const file = h("input", { type: "file", accept: "image/*", hidden: true, "data-testid": "character-picture" });
  const away = h("button", { type: "button", class: "button is-quiet", text: t("characters.picture_remove"), on: { click: () => { change({ neko: { picture: null } }); draw(); } } });
  const draw = () => {
    shown.replaceChildren(sign(changes.name, card));
    away.hidden = !pictureUrl(card.neko?.picture);
  };
  const take = async (/** @type {File} */ picked) => {
    try {
      const form = new FormData();
      form.set("file", await square(picked), "picture.webp");
      /** @type {{ picture: string }} */
      const { picture } = await post(`${pathOf(changes.name)}/picture`, form);
      change({ neko: { picture } });
      draw();
    } catch (error) {
      toast(error instanceof DOMException ? sentenceFor("picture_kind") : sentenceOf(error));
    }
  };
  file.addEventListener("change", () => {
    const [picked] = file.files ?? [];
    if (picked) void take(picked);
    file.value = "";
  });
  draw();
  return h("div", { class: "editor-portrait" }, shown, file,
    h("button", { type: "button", class: "button", text: t("characters.picture_choose"), on: { click: () => file.click() } }), away);
}

/**
 * The middle of a picture, small enough to be sent. Rejects with a DOMException for what is no picture.
 * @param {Blob} file
 * @returns {Promise<Blob>}
 */
async function square(file) {
  const source = await createImageBitmap(file);
  const side = Math.min(source.width, source.height);
  const size = Math.min(side, PICTURE_PX);
  const canvas = h("canvas", { width: String(size), height: String(size) });
  canvas.getContext("2d")?.drawImage(source, (source.width - side) / 2, (source.height - side) / 2, side, side, 0, 0, size, size);
  source.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new DOMException("no picture"))), "image/webp", QUALITY);
  });
}
