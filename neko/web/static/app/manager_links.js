/** The pages beside the talk, and the way to them. */
import { h } from "./element.js";
import { t } from "./i18n.js";

/** The address of each, by the name of its words. */
const PAGES = { models: "model_manager", voices: "voice_clone", workshop: "steam_workshop_manager", logins: "cookies_login" };

/** @typedef {keyof typeof PAGES} ManagerPage */

/**
 * Links to all of them.
 * @param {string} character for whom
 * @param {{ className: string, current?: ManagerPage }} options
 */
export function managerLinks(character, { className, current }) {
  return Object.entries(PAGES).map(([name, address]) => h("a", {
    class: className, href: `${address}?${new URLSearchParams({ lanlan_name: character }).toString()}`, "data-testid": `tab-${name}`, "aria-current": name === current && "page",
    text: t(`${name}.tab`),
  }));
}
