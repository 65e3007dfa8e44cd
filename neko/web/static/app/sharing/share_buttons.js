/**
 * Screen and camera in the bar of a call.
 *
 * @import { Sharing } from "./sharing.js"
 * @import { ShareSource } from "../wire.js"
 */
import { h, icon } from "../element.js";
import { onLanguage, t } from "../i18n.js";
import { privacy } from "../privacy.js";
import { canShareScreen, canUseCamera } from "./capture.js";

/**
 * The buttons for what this browser can share.
 * @param {Sharing} sharing
 */
export function shareButtons(sharing) {
  /** @param {ShareSource} source */
  const button = (source) => h("button", {
    type: "button", class: "icon-button share-button", "data-testid": `share-${source}`,
    on: { click: () => {
      if (sharing.isOn && sharing.source === source) sharing.stop("reader");
      else void sharing.start(source);
    } },
  }, icon(source));
  const able = { screen: canShareScreen(), camera: canUseCamera() };
  const buttons = /** @type {const} */ (["screen", "camera"]).filter((source) => able[source]).map((source) => ({ source, button: button(source) }));
  const draw = () => {
    for (const { source, button: one } of buttons) {
      const isPressed = sharing.source === source && sharing.isOn;
      one.setAttribute("aria-pressed", String(isPressed));
      one.setAttribute("aria-label", t(`share.${source}`));
      one.title = t(isPressed ? `share.stop_${source}` : `share.${source}`);
      one.toggleAttribute("data-asking", sharing.source === source && sharing.state === "asking");
    }
  };
  sharing.on("change", draw);
  privacy.on("change", draw);
  onLanguage(draw);
  return buttons.map((one) => one.button);
}
