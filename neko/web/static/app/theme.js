/** Light, dark or high contrast, as chosen here or as the system says; and the size of the text. Applied on import. */
import { recall, remember } from "./preferences.js";

export const THEMES = ["system", "light", "dark", "contrast"];
export const TEXT_SIZES = ["small", "normal", "large", "huge"];

const dark = matchMedia("(prefers-color-scheme: dark)");
const contrast = matchMedia("(prefers-contrast: more)");

function apply() {
  const chosen = theme();
  const system = contrast.matches ? "contrast" : dark.matches ? "dark" : "light";
  const root = document.documentElement;
  root.dataset.theme = chosen === "system" ? system : chosen;
  root.dataset.textSize = textSize();
  const colour = getComputedStyle(root).getPropertyValue("--bar-colour").trim();
  for (const meta of document.querySelectorAll('meta[name="theme-color"]')) meta.setAttribute("content", colour);
}

export function theme() {
  const name = recall("theme", "system");
  return THEMES.includes(name) ? name : "system";
}

/** @param {string} name one of `THEMES` */
export function setTheme(name) {
  remember("theme", name);
  apply();
}

export function textSize() {
  const name = recall("textSize", "normal");
  return TEXT_SIZES.includes(name) ? name : "normal";
}

/** @param {string} name one of `TEXT_SIZES` */
export function setTextSize(name) {
  remember("textSize", name);
  apply();
}

dark.addEventListener("change", apply);
contrast.addEventListener("change", apply);
apply();
