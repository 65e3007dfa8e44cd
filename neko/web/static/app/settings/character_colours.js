/**
 * The colours of the built-in drawing, with herself beside them.
 *
 * @import { Avatar, Colours } from "../../avatar/avatar.js"
 */
import { h } from "../element.js";
import { t } from "../i18n.js";
import { OWN_COLOURS } from "../../avatar/palette.js";
import { drawPortrait } from "./portrait.js";

const PARTS = /** @type {(keyof Colours)[]} */ (["hair", "eyes", "clothes", "ears"]);

/**
 * @param {Partial<Colours>} colours
 * @param {(colours: Partial<Colours> | null) => void} onChange
 */
export function colourFields(colours, onChange) {
  /** @type {Partial<Colours>} */
  const chosen = { ...colours };
  const mirror = h("div", { class: "editor-mirror", "aria-hidden": "true" });
  /** @type {Avatar | null} */
  let avatar = null;
  const draw = () => avatar?.setColours(chosen);
  void drawPortrait(mirror, chosen).then((shown) => {
    avatar = shown;
    if (shown) draw();
    else mirror.remove(); // the colours can be chosen without her
  });
  const inputs = new Map(PARTS.map((part) => {
    /** @type {HTMLInputElement} */
    const input = h("input", { type: "color", class: "colour", value: chosen[part] ?? OWN_COLOURS[part], "data-testid": `character-${part}`, on: { input: () => {
      chosen[part] = input.value;
      changed();
    } } });
    return [part, input];
  }));
  const reset = h("button", { type: "button", class: "button is-quiet", "data-testid": "character-colours-reset", text: t("characters.colours_reset"), on: { click: () => {
    for (const [part, input] of inputs) {
      delete chosen[part];
      input.value = OWN_COLOURS[part];
    }
    changed();
  } } });
  const changed = () => {
    draw();
    reset.disabled = !Object.keys(chosen).length;
    onChange(Object.keys(chosen).length ? { ...chosen } : null);
  };
  reset.disabled = !Object.keys(chosen).length;
  return h("fieldset", { class: "editor-colours" }, h("legend", { class: "field-name", text: t("characters.colours") }), mirror,
    h("div", { class: "editor-swatches" }, [...inputs].map(([part, input]) => h("label", { class: "swatch" }, input, h("span", { text: t(`characters.${part}`) }))), reset));
}
