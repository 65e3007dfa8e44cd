/** The style sheet of what is loaded late; resolves when it applies, or cannot be had. */
import { h } from "../element.js";

/** @param {string} name */
export function loadStyle(name) {
  const address = `static/css/${name}.css?v=${encodeURIComponent(document.documentElement.dataset.version ?? "")}`;
  return new Promise((resolve) => {
    const link = h("link", { rel: "stylesheet", href: address });
    link.addEventListener("load", resolve);
    link.addEventListener("error", resolve);
    document.head.append(link);
  });
}
