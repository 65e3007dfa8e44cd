/** Settings › About. */
import { h } from "../element.js";
import { t } from "../i18n.js";
import { settingOrigins } from "./origins.js";

/** @param {HTMLElement} body */
export function aboutPage(body) {
  const line = (/** @type {string} */ key) => h("p", { text: t(`about.${key}`) });
  body.append(h("div", { class: "settings-group about" },
    h("img", { src: "static/icons/favicon.svg", width: "56", height: "56", alt: "" }),
    line("what"), line("where"), line("network"),
    h("p", { class: "form-note", text: t("about.version", { version: document.documentElement.dataset.version ?? "" }) }),
    h("p", { class: "ability-links" },
      h("a", { class: "button", href: "monitor", "data-testid": "to-monitor", text: t("about.running") }),
      h("a", { class: "button", href: "docs", "data-testid": "to-docs", text: t("docs.title") })),
    settingOrigins(),
    h("h3", { text: t("about.keys") }),
    h("dl", { class: "keys" }, ["enter", "shift_enter", "esc", "paste", "search", "new_chat", "mute", "private", "hold"].flatMap((key) => [
      h("dt", {}, h("kbd", { text: t(`about.key_${key}`) })), h("dd", { text: t(`about.key_${key}_does`) })]))));
}
