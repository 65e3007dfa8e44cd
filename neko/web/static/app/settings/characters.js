/** Settings › Characters: who is there, and with whom you talk. */
import { get, post } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";

const PEOPLE = "猫娘";
const HIDDEN = new Set([
  "live2d", "voice_id", "system_prompt", "档案名", "vrm", "model_type", "lighting", "vrm_rotation", "live2d_item_id", "idleAnimation", "item_id",
  "vrm_animation", "lightingPreset", "原始数据", "文件路径", "创意工坊物品ID", "description", "tags", "name", "描述", "标签", "关键词", "角色卡描述",
]);

/** A few of the card's own words, as written there. */
function traits(card) {
  return Object.entries(card)
    .filter(([key, value]) => !HIDDEN.has(key) && ["string", "number"].includes(typeof value) && `${value}`.trim())
    .map(([, value]) => `${value}`)
    .join(" · ");
}

export async function charactersPage(body, { talk, close }) {
  const place = h("div", { class: "people" }, h("p", { class: "form-note", text: t("model.loading") }));
  body.append(place);
  try {
    const people = (await get("api/characters"))[PEOPLE] ?? {};
    const note = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
    const choose = async (name) => {
      try {
        await post("api/characters/current_catgirl", { catgirl_name: name });
        close();
      } catch (error) {
        note.textContent = [error.message, error.remedy].filter(Boolean).join(" ");
        note.hidden = false;
      }
    };
    place.replaceChildren(...Object.entries(people).map(([name, card]) => person(name, card, name === talk.character, choose)), note);
  } catch (error) {
    place.replaceChildren(h("p", { class: "form-note is-bad", text: `${error.message} ${error.remedy}` }));
  }
}

function person(name, card, here, choose) {
  return h("article", { class: "person", "data-testid": "character", "data-name": name, "data-here": here },
    h("span", { class: "person-sign", "aria-hidden": "true", text: [...name][0] }),
    h("div", { class: "person-words" }, h("strong", { text: name }), h("p", { text: traits(card) })),
    here
      ? h("span", { class: "person-here", text: t("characters.here") })
      : h("button", { type: "button", class: "button", text: t("characters.talk"), on: { click: () => choose(name) } }));
}
