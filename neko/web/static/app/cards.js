/**
 * The characters' cards: what is read of them, and how a character is shown by picture or letter.
 *
 * @import { CharacterCard, Characters, OwnFields } from "./rest.js"
 */
import { get } from "./api.js";
import { h } from "./element.js";

const PEOPLE = "猫娘";
const HIDDEN = new Set([
  "neko", "live2d", "voice_id", "system_prompt", "档案名", "vrm", "model_type", "lighting", "vrm_rotation", "live2d_item_id", "idleAnimation", "item_id",
  "vrm_animation", "lightingPreset", "live3d_sub_type", "live2d_idle_animation", "mmd", "mmd_animation", "mmd_idle_animation", "pngtuber", "touch_set", "原始数据", "文件路径", "创意工坊物品ID", "description", "tags", "name", "描述", "标签", "关键词", "角色卡描述",
]);

/** What a card calls it, in the five languages of the first cast. */
export const PERSONALITY = ["Personality", "性格", "個性", "성격"];

/** @returns {Promise<Record<string, CharacterCard>>} by name, in their order */
export async function allCards() {
  /** @type {Characters} */
  const characters = await get("api/characters");
  return characters[PEOPLE] ?? {};
}

/**
 * What the card holds beside N.E.K.O.'s fields; nothing when the card cannot be had.
 * @param {string} name
 * @returns {Promise<OwnFields>}
 */
export async function ownFieldsOf(name) {
  try {
    return (await allCards())[name]?.neko ?? {};
  } catch {
    return {};
  }
}

/** @param {string} name */
export function pathOf(name) {
  return `api/characters/catgirl/${encodeURIComponent(name)}`;
}

/**
 * The card's own words, by field.
 * @param {CharacterCard} card
 * @returns {[field: string, words: string][]}
 */
export function traitsOf(card) {
  return Object.entries(card).flatMap(([field, value]) => {
    const isTold = !HIDDEN.has(field) && (typeof value === "string" || typeof value === "number");
    return isTold && String(value).trim() ? [[field, String(value)]] : [];
  });
}

/**
 * How she is, in a sentence; of a card that does not say so, all it says.
 * @param {CharacterCard} card
 */
export function characterOf(card) {
  return traitsOf(card).find(([field]) => PERSONALITY.includes(field))?.[1] ?? moreOf(card);
}

/**
 * What else the card says.
 * @param {CharacterCard} card
 */
export function moreOf(card) {
  return traitsOf(card).filter(([field]) => !PERSONALITY.includes(field)).map(([, words]) => words).join(" · ");
}

/** @param {string | undefined} picture */
export function pictureUrl(picture) {
  return picture ? `api/characters/pictures/${picture}` : "";
}

/**
 * A picture, or the first letter.
 * @param {string} name
 * @param {CharacterCard} card
 */
export function sign(name, card) {
  const url = pictureUrl(card.neko?.picture);
  return h("span", { class: "person-sign", "aria-hidden": "true" }, url ? h("img", { src: url, alt: "" }) : ([...name][0] ?? ""));
}
