/**
 * How somebody looks, beside what is set for it: the built-in drawing in her colours, until models are drawn.
 *
 * @import { Avatar, Feeling } from "../../avatar/avatar.js"
 * @import { CharacterCard } from "../rest.js"
 */
import { h } from "../element.js";
import { t } from "../i18n.js";
import { drawPortrait } from "../settings/portrait.js";

export class Preview {
  #place = h("div", { class: "preview-figure", role: "img" });
  #name = h("strong");
  #words = h("p");
  element = h("aside", { class: "preview", "data-testid": "preview" }, this.#place, h("div", { class: "preview-words" }, this.#name, this.#words));
  /** @type {Avatar | null} */
  #avatar = null;
  #drawn = "";

  /**
   * @param {string} character
   * @param {CharacterCard | undefined} card
   * @param {string} model its name, "" for the built-in drawing
   */
  show(character, card, model) {
    this.#name.textContent = character;
    this.#words.textContent = model ? t("models.not_drawn", { model }) : t("models.has_builtin");
    this.#place.setAttribute("aria-label", t("talk.portrait", { name: character }));
    const colours = card?.neko?.colours ?? {};
    const wanted = JSON.stringify(colours);
    if (this.#avatar && this.#drawn === wanted) return;
    if (this.#avatar) this.#avatar.setColours(colours);
    else if (!this.#drawn) void drawPortrait(this.#place, colours).then((avatar) => { this.#avatar = avatar; });
    this.#drawn = wanted;
  }

  /** @param {Feeling} feeling */
  feel(feeling) {
    this.#avatar?.setEmotion(feeling, 1);
  }
}
