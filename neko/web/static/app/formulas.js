/** Formulas drawn as MathML, which every browser of today lays out itself. The library comes with the first formula. */
import { h } from "./element.js";

/** @type {Promise<typeof import("../vendor/temml.mjs").default> | null} */
let loading = null;

function library() {
  loading ??= import("../vendor/temml.mjs").then(
    ({ default: temml }) => {
      document.head.append(h("link", { rel: "stylesheet", href: "static/vendor/Temml-Local.css" }));
      return temml;
    },
    (/** @type {unknown} */ error) => {
      loading = null;
      throw error;
    },
  );
  return loading;
}

/**
 * Draws a formula in place of its source; what is no formula stays as it was written.
 * @param {HTMLElement} element
 */
export async function drawFormula(element) {
  const tex = element.textContent ?? "";
  const drawn = h("span");
  try {
    const temml = await library();
    temml.render(tex, drawn, { displayMode: element.tagName === "DIV", throwOnError: true, trust: false, maxExpand: 200 });
  } catch {
    element.classList.add("is-source");
    return;
  }
  drawn.querySelector("math")?.setAttribute("aria-label", tex);
  element.replaceChildren(...drawn.childNodes);
}
