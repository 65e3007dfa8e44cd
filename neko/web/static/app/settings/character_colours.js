/**
 * The colours of the built-in drawing, with herself beside them.
 *
 * @import { Avatar, Colours } from "../../avatar/avatar.js"
 */
import { h } from "../element.js";
import { t } from "../i18n.js";
import { OWN_COLOURS } from "../../avatar/palette.js";

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
  void show(mirror, chosen).then((shown) => {
    avatar = shown;
    draw();
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

/**
 * Herself, until her place is taken off the page.
 * @param {HTMLElement} place
 * @param {Partial<Colours>} colours
 */
async function show(place, colours) {
  try {
    const { createAvatar } = await import("../../avatar/avatar.js");
    await new Promise((resolve) => { requestAnimationFrame(resolve); });
    if (!place.isConnected) return null;
    const avatar = await createAvatar(place, { colours, reducedMotion: matchMedia("(prefers-reduced-motion: reduce)").matches });
    const gone = new MutationObserver(() => {
      if (place.isConnected) return;
      gone.disconnect();
      avatar.destroy();
    });
    gone.observe(document.body, { childList: true, subtree: true });
    return avatar;
  } catch {
    place.remove(); // the colours can be chosen without her
    return null;
  }
}
