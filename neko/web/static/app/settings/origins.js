/**
 * What was set, and where each value comes from: a list that is fetched when it is opened.
 *
 * @import { SettingOverview } from "../rest.js"
 */
import { get, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";

export function settingOrigins() {
  const place = h("div", { class: "origins", "data-testid": "origins" });
  const details = h("details", { class: "origins-all" }, h("summary", { "data-testid": "origins-open", text: t("origins.title") }), place);
  details.addEventListener("toggle", () => {
    if (details.open) void draw(place);
  });
  return details;
}

/** @param {HTMLElement} place */
async function draw(place) {
  try {
    /** @type {{ settings: SettingOverview[] }} */
    const { settings } = await get("api/settings");
    place.replaceChildren(
      settings.length ? h("dl", {}, settings.map(entry)) : "",
      h("p", { class: "form-note", text: t("origins.rest") }));
  } catch (error) {
    place.replaceChildren(h("p", { class: "form-note is-bad", text: sentenceOf(error) }));
  }
}

/** @param {SettingOverview} setting */
function entry({ name, value, origin, from_name: from, on_page: onPage }) {
  return h("div", { class: "origin" },
    h("dt", {}, h("code", { text: name })),
    h("dd", { class: "origin-value", text: value }),
    h("dd", { class: "field-hint", text: t(onPage ? "origins.page" : `origins.${origin}`, { name: from }) }));
}
