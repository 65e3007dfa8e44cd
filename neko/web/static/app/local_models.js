/** Model servers found on this computer: one row each, one tap to use it. */
import { h } from "./element.js";
import { t } from "./i18n.js";

/** `use(server, model)` returns a promise; its failure is shown in the row. */
export function localModels(servers, use) {
  return h("div", { class: "model-rows" }, servers.map((server) => row(server, use)));
}

function row(server, use) {
  const models = h("select", { class: "select", "aria-label": t("model.which", { server: server.name }) },
    server.models.map((model) => h("option", { value: model, text: model })));
  const problem = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  const button = h("button", { type: "button", class: "button is-main", "data-testid": "use-local", text: t("model.use_short") });
  button.addEventListener("click", async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      await use(server, models.value);
    } catch (error) {
      problem.textContent = [error.message, error.remedy].filter(Boolean).join(" ");
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
  return h("div", { class: "model-row" },
    h("div", { class: "model-row-name" }, h("strong", { text: server.name }), h("span", { text: server.base_url.replace(/^https?:\/\//, "") })),
    h("div", { class: "model-row-choice" }, models, button), problem);
}
