/**
 * Settings › Look: theme, size of the text, her on the stage, the talk beside her.
 *
 * @import { PageParts } from "./dialog.js"
 */
import { canNotify, setNotifications, wantsNotifications } from "../attention.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { fold, folded, resetTalkWidth } from "../layout.js";
import { toast } from "../notices.js";
import { setTextSize, setTheme, TEXT_SIZES, textSize, theme, THEMES } from "../theme.js";
import { row, select, toggle } from "./controls.js";

/**
 * @param {HTMLElement} body
 * @param {PageParts} parts
 */
export function lookPage(body, { stage }) {
  body.append(h("div", { class: "settings-group" },
    row(t("look.theme"), select(options("theme", THEMES), theme(), setTheme, "theme")),
    row(t("look.text"), select(options("text", TEXT_SIZES), textSize(), setTextSize, "text-size")),
    row(t("look.avatar"), toggle(stage.shown, (shown) => void stage.setShown(shown), "avatar-toggle"), t("look.avatar_hint")),
    canNotify() && row(t("look.notify"), notify(), t("look.notify_hint")),
    h("div", { class: "menu-wide" },
      row(t("look.fold"), toggle(folded(), fold, "fold-toggle"), t("look.fold_hint")),
      h("div", { class: "form-acts" }, h("button", { type: "button", class: "button", text: t("look.reset_width"), on: { click: resetTalkWidth } })))));
}

/** The switch goes back when the browser says no. */
function notify() {
  const change = async (/** @type {boolean} */ on) => {
    const allowed = await setNotifications(on);
    control.checked = allowed;
    if (on && !allowed) toast(t("look.notify_refused"));
  };
  const control = toggle(wantsNotifications(), (on) => void change(on), "notify-toggle");
  return control;
}

/**
 * @param {"theme" | "text"} kind
 * @param {string[]} values
 * @returns {[value: string, label: string][]}
 */
function options(kind, values) {
  return values.map((value) => [value, t(`look.${kind}_${value}`)]);
}
