/**
 * Which animation somebody with a VRM model moves by while nothing happens.
 *
 * @import { Animation, Model } from "./model_calls.js"
 * @import { Frame } from "./frame.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { row, select } from "../settings/controls.js";
import { setIdle } from "./model_calls.js";

/**
 * @param {Model} model
 * @param {Animation[]} animations
 * @param {Frame} frame
 */
export function movementPanel(model, animations, { character, cards }) {
  if (!animations.length) return h("p", { class: "memory-empty", text: t("models.no_animations") });
  if (!model.worn_by.includes(character)) return h("p", { class: "memory-empty", text: t("models.movement_of_wearer", { name: character }) });
  const card = cards[character];
  const kept = card?.["vrm_animation"];
  const chosen = animations.find(({ url, filename }) => url === kept || filename === kept)?.url ?? "";
  const choose = async (/** @type {string} */ url) => {
    try {
      await setIdle(character, model, url);
      if (card) card["vrm_animation"] = url;
      toast(t("models.kept"));
    } catch (error) {
      toast(sentenceOf(error));
    }
  };
  /** @type {[string, string][]} */
  const options = [["", t("models.no_movement")], ...animations.map(({ url, name }) => /** @type {[string, string]} */ ([url, name]))];
  return row(t("models.idle"), select(options, chosen, (url) => void choose(url), "idle-animation"));
}
