/** Every call of `/openapi.json`, to browse and to try, as Swagger UI draws it. */
import { byId, h } from "./element.js";
import { t } from "./i18n.js";
import { startShell } from "./shell.js";

const show = await startShell();
const title = t("docs.title");
document.title = title;
byId("title", HTMLElement).textContent = title;
byId("back", HTMLElement).setAttribute("aria-label", t("memory.back"));

const root = document.documentElement;
const followTheme = () => root.classList.toggle("dark-mode", root.dataset.theme !== "light");
new MutationObserver(followTheme).observe(root, { attributeFilter: ["data-theme"] });
followTheme();

const library = h("script", { src: "static/vendor/swagger-ui-bundle.js" }); // it is no module
library.addEventListener("load", () => {
  const { SwaggerUIBundle: draw } = /** @type {{ SwaggerUIBundle: (options: object) => void }} */ (/** @type {unknown} */ (globalThis));
  draw({ url: "openapi.json", domNode: byId("docs", HTMLElement), docExpansion: "none", defaultModelsExpandDepth: -1, filter: true, validatorUrl: null });
});
library.addEventListener("error", () => byId("docs", HTMLElement).append(h("p", { role: "alert", text: t("docs.gone") })));
document.head.append(library);
show();
