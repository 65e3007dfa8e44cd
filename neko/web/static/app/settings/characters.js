/**
 * Settings › Characters: who is there, and with whom you talk.
 *
 * @import { CharacterCard, Characters } from "../rest.js"
 * @import { PageParts } from "./dialog.js"
 */
import { get, post, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { nameField, yourName } from "../your_name.js";

const PEOPLE = "猫娘";
const HIDDEN = new Set([
  "live2d", "voice_id", "system_prompt", "档案名", "vrm", "model_type", "lighting", "vrm_rotation", "live2d_item_id", "idleAnimation", "item_id",
  "vrm_animation", "lightingPreset", "原始数据", "文件路径", "创意工坊物品ID", "description", "tags", "name", "描述", "标签", "关键词", "角色卡描述",
]);

/**
 * A few of the card's own words, as written there.
 * @param {CharacterCard} card
 */
function traits(card) {
  return Object.entries(card)
    .map(([key, value]) => (!HIDDEN.has(key) && (typeof value === "string" || typeof value === "number") ? String(value) : ""))
    .filter((text) => text.trim())
    .join(" · ");
}

/**
 * @param {HTMLElement} body
 * @param {PageParts} parts
 */
export async function charactersPage(body, { conversation, close }) {
  const place = h("div", { class: "people" }, h("p", { class: "form-note", text: t("model.loading") }));
  body.append(place);
  try {
    /** @type {Characters} */
    const characters = await get("api/characters");
    const note = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
    const choose = async (/** @type {string} */ name) => {
      try {
        await post("api/characters/current_catgirl", { catgirl_name: name });
        close();
      } catch (error) {
        note.textContent = sentenceOf(error);
        note.hidden = false;
      }
    };
    const { name: you, named } = await yourName();
    const yours = h("div", { class: "settings-group" }, h("h3", { text: t("you.label") }), nameField({
      name: named ? you : "", button: t("you.save"), onSaved: (name) => toast(t("you.hello", { name })),
    }));
    place.before(yours);
    place.replaceChildren(...Object.entries(characters[PEOPLE] ?? {}).map(([name, card]) => person(name, card, name === conversation.character, choose)), note);
  } catch (error) {
    place.replaceChildren(h("p", { class: "form-note is-bad", text: sentenceOf(error) }));
  }
}

/**
 * @param {string} name
 * @param {CharacterCard} card
 * @param {boolean} current with whom the reader talks now
 * @param {(name: string) => Promise<void>} choose
 */
function person(name, card, current, choose) {
  return h("article", { class: "person", "data-testid": "character", "data-name": name, "data-here": current },
    h("span", { class: "person-sign", "aria-hidden": "true", text: [...name][0] ?? "" }),
    h("div", { class: "person-words" }, h("strong", { text: name }), h("p", { text: traits(card) })),
    current
      ? h("span", { class: "person-here", text: t("characters.here") })
      : h("button", { type: "button", class: "button", text: t("characters.talk"), on: { click: () => choose(name) } }));
}
