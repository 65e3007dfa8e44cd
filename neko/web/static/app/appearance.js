/**
 * How the character of this page looks: her colours on the stage, her picture in the bar.
 *
 * @import { Colours } from "../avatar/avatar.js"
 * @import { Bar } from "./bar.js"
 * @import { OwnFields } from "./rest.js"
 * @import { Stage } from "./stage.js"
 */
import { ownFieldsOf, pictureUrl } from "./cards.js";
import { recall, remember } from "./preferences.js";

export class Appearance {
  #bar;
  #stage;
  #character = "";

  /** @param {{ bar: Bar, stage: Stage }} parts */
  constructor({ bar, stage }) {
    this.#bar = bar;
    this.#stage = stage;
    this.#paint(remembered());
    document.addEventListener("visibilitychange", () => { // a page whose conversation is open elsewhere is told nothing
      if (!document.hidden && this.#character) void this.follow(this.#character);
    });
  }

  /** @param {string} character */
  async follow(character) {
    this.#character = character;
    const own = await ownFieldsOf(character);
    if (character === this.#character) this.show(own);
  }

  /**
   * Of whoever is here, now.
   * @param {OwnFields} own
   */
  show({ colours = {}, picture }) {
    this.#bar.setPicture(pictureUrl(picture));
    this.#paint(colours);
    remember("colours", JSON.stringify(colours));
  }

  /** @param {Partial<Colours>} colours */
  #paint(colours) {
    try {
      this.#stage.setColours(colours);
    } catch (error) {
      console.warn("colours", error); // written by hand: she comes as she is
    }
  }
}

/** What she wore last, so that she does not change before the reader's eyes. @returns {Partial<Colours>} */
function remembered() {
  try {
    /** @type {unknown} */
    const colours = JSON.parse(recall("colours", "{}"));
    return typeof colours === "object" && colours ? colours : {};
  } catch {
    return {};
  }
}
