/**
 * What was set, and where each value comes from: a list that is fetched when it is opened.
 *
 * @import { CurrentModel, SettingOverview } from "../rest.js"
 */
import { get, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { has, LANGUAGES, t } from "../i18n.js";

const KEY = /^assistApiKey(\w+)$/;
const OF_A_ROLE = /^(\w+)Model(Url|Id|ApiKey)$/;
const MANY = new Set(["allowed-hosts", "neko.borrowedVariables", "neko.voices", "neko.replies"]);
const PARTS = /** @type {Record<string, string>} */ ({ Url: "url", Id: "model", ApiKey: "role_key" });

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
    /** @type {CurrentModel} */
    const { providers } = await get("api/models/current");
    const names = new Map(providers.map(({ key, name }) => [key, name]));
    place.replaceChildren(
      settings.length ? h("dl", {}, settings.map((setting) => entry(setting, names))) : "",
      h("p", { class: "form-note", text: t("origins.rest") }));
  } catch (error) {
    place.replaceChildren(h("p", { class: "form-note is-bad", text: sentenceOf(error) }));
  }
}

/**
 * @param {SettingOverview} setting
 * @param {Map<string, string>} providers their names by key
 */
function entry({ name, value, origin, from_name: from, on_page: onPage }, providers) {
  return h("div", { class: "origin", "data-setting": name },
    h("dt", { text: nameOf(name, providers) }),
    h("dd", { class: "origin-value", text: wordsOf(name, value, providers) }),
    h("dd", { class: "field-hint", text: t(onPage ? "origins.page" : `origins.${origin}`, { name: from }) }));
}

/**
 * @param {string} setting
 * @param {Map<string, string>} providers
 */
function nameOf(setting, providers) {
  const [, company] = KEY.exec(setting) ?? [];
  if (company) return t("origins.key", { provider: providers.get(company.toLowerCase()) ?? company });
  const [, role, part] = OF_A_ROLE.exec(setting) ?? [];
  if (role && part) return t(`origins.${PARTS[part]}`, { role: t(`origins.roles.${role}`) });
  const key = `origins.names.${setting.replace(/^(--|neko\.)/, "").replace(/[.-]/g, "_")}`;
  return has(key) ? t(key) : setting;
}

/**
 * A value as a reader would say it; of what is set by character, for whom.
 * @param {string} setting
 * @param {string} value
 * @param {Map<string, string>} providers
 */
function wordsOf(setting, value, providers) {
  if (setting === "neko.speech.engine") return t(`voice.${value}`);
  if (setting === "neko.language") return LANGUAGES.find(([code]) => code === value)?.[1] ?? value;
  if (setting === "coreApi" || setting === "assistApi") return providers.get(value) ?? value;
  if (value === "true" || value === "false") return t(value === "true" ? "origins.yes" : "origins.no");
  if (!MANY.has(setting)) return value;
  /** @type {unknown} */
  const many = JSON.parse(value);
  return (Array.isArray(many) ? many : Object.keys(/** @type {object} */ (many))).join(", ");
}
