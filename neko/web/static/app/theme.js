/** Light, dark, high contrast, or as the system has it; and the size of the text. */
import { recall, remember } from "./preferences.js";

export const THEMES = ["system", "light", "dark", "contrast"];
export const TEXT_SIZES = ["small", "normal", "large", "huge"];

const dark = matchMedia("(prefers-color-scheme: dark)");
const contrast = matchMedia("(prefers-contrast: more)");

function apply() {
  const chosen = theme();
  const system = contrast.matches ? "contrast" : dark.matches ? "dark" : "light";
  const shown = chosen === "system" ? system : chosen;
  const root = document.documentElement;
  root.dataset.theme = shown;
  root.dataset.textSize = textSize();
  const colour = getComputedStyle(root).getPropertyValue("--bar-colour").trim();
  for (const meta of document.querySelectorAll('meta[name="theme-color"]')) meta.content = colour;
}

export function theme() {
  const kept = recall("theme", "system");
  return THEMES.includes(kept) ? kept : "system";
}

export function setTheme(name) {
  remember("theme", name);
  apply();
}

export function textSize() {
  const kept = recall("textSize", "normal");
  return TEXT_SIZES.includes(kept) ? kept : "normal";
}

export function setTextSize(name) {
  remember("textSize", name);
  apply();
}

dark.addEventListener("change", apply);
contrast.addEventListener("change", apply);
apply();
