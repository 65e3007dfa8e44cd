/**
 * Model servers found on this computer: one row each, one tap to use it.
 *
 * @import { LocalServer, LocalServers } from "./rest.js"
 * @typedef {(server: LocalServer, model: string) => Promise<void>} UseModel
 */
import { get, sentenceOf } from "./api.js";
import { h } from "./element.js";
import { t } from "./i18n.js";

const LOOK_TIMEOUT_MS = 6000;
const LOOK_AGAIN_MS = 5000;

/**
 * Those that run. Nobody is told when they cannot be looked for: then there is none.
 * @returns {Promise<LocalServer[]>}
 */
export async function findLocalServers() {
  try {
    /** @type {LocalServers} */
    const { servers } = await get("api/models/local", LOOK_TIMEOUT_MS);
    return servers;
  } catch {
    return [];
  }
}

/**
 * Look now, and again while the page is seen. `tell` gets what runs at first and whenever that has changed. Returns
 * what ends it.
 * @param {(servers: LocalServer[]) => void} tell
 */
export function watchLocalServers(tell) {
  let known = "";
  let looks = true;
  const look = async () => {
    const servers = await findLocalServers();
    const now = JSON.stringify(servers);
    if (!looks || now === known) return;
    known = now;
    tell(servers);
  };
  const timer = setInterval(() => { if (!document.hidden) void look(); }, LOOK_AGAIN_MS);
  void look();
  return () => {
    looks = false;
    clearInterval(timer);
  };
}

/**
 * `use(server, model)` returns a promise; its failure is shown in the row.
 * @param {LocalServer[]} servers
 * @param {UseModel} use
 */
export function localModels(servers, use) {
  return h("div", { class: "model-rows" }, servers.map((server) => row(server, use)));
}

/**
 * @param {LocalServer} server
 * @param {UseModel} use
 */
function row(server, use) {
  const name = h("div", { class: "model-row-name" }, h("strong", { text: server.name }), h("span", { text: server.base_url.replace(/^https?:\/\//, "") }));
  if (!server.models.length) {
    return h("div", { class: "model-row" }, name, h("p", { class: "form-note", "data-testid": "local-empty", text: t("model.local_empty") }));
  }
  const models = h("select", { class: "select", "aria-label": t("model.which", { server: server.name }) },
    server.models.map((model) => h("option", { value: model, text: model })));
  const problem = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  const button = h("button", { type: "button", class: "button is-main", "data-testid": "use-local", text: t("model.use_short") });
  const choose = async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      await use(server, models.value);
    } catch (error) {
      problem.textContent = sentenceOf(error);
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  };
  button.addEventListener("click", () => void choose());
  return h("div", { class: "model-row" }, name, h("div", { class: "model-row-choice" }, models, button), problem);
}
