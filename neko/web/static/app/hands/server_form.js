/**
 * A server of tools as a form: a program on this computer, or an address.
 *
 * @import { ServerEntry, ToolServer } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { saveServer } from "./calls.js";

/** What the form writes, or would contradict it. */
const WRITTEN = new Set(["command", "args", "env", "url", "headers", "serverUrl", "httpUrl", "type", "transport"]);

/**
 * What stands on each line; an empty one says nothing.
 * @param {string} text
 */
export function linesOf(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/**
 * `NAME=value` or `Name: value`, one a line.
 * @param {string} text
 * @returns {Record<string, string>}
 */
export function pairsOf(text) {
  return Object.fromEntries(linesOf(text).flatMap((line) => {
    const at = line.search(/[=:]/);
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()]] : [];
  }));
}

/**
 * @param {Record<string, string> | undefined} pairs
 * @param {string} between
 */
function written(pairs, between) {
  return Object.entries(pairs ?? {}).map(([name, value]) => `${name}${between}${value}`).join("\n");
}

/**
 * @param {ToolServer | null} server null: a new one
 * @param {{ saved: () => void, cancel: () => void }} on
 */
export function serverForm(server, { saved, cancel }) {
  const entry = server?.entry ?? {};
  const address = entry.url ?? entry.serverUrl ?? entry.httpUrl;
  let remote = typeof address === "string";
  const area = (/** @type {string} */ value, /** @type {string} */ hint) => h("textarea", { class: "input server-lines", rows: 2, spellcheck: "false", autocapitalize: "none", placeholder: hint, value });
  const line = (/** @type {string} */ value, /** @type {string} */ testId, /** @type {string} */ hint) => h("input", { class: "input", value, autocomplete: "off", autocapitalize: "none", spellcheck: "false", placeholder: hint, "data-testid": testId });
  const name = line(server?.name ?? "", "server-name", "files");
  name.required = true;
  name.maxLength = 60;
  name.readOnly = server !== null;
  const command = line(entry.command ?? "", "server-command", "npx");
  const args = area((entry.args ?? []).join("\n"), "-y\n@modelcontextprotocol/server-filesystem\n/home/me/notes");
  const env = area(written(entry.env, "="), "API_KEY=…");
  const url = line(remote ? String(address) : "", "server-url", "https://example.com/mcp");
  url.type = "url";
  const headers = area(written(entry.headers, ": "), "Authorization: Bearer …");
  const problem = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  const field = (/** @type {string} */ key, /** @type {HTMLElement} */ control, hint = "") => h("label", { class: "field" }, h("span", { class: "field-name", text: t(`servers.${key}`) }), control, hint && h("span", { class: "field-hint", text: hint }));
  const local = h("div", { class: "server-part" }, field("command", command), field("args", args, t("servers.args_hint")), field("env", env, t("servers.env_hint")));
  const far = h("div", { class: "server-part" }, field("url", url), field("headers", headers, t("servers.headers_hint")));
  const kinds = h("div", { class: "agent-filters", role: "group", "aria-label": t("servers.kind") });
  const drawKind = () => {
    local.hidden = remote;
    far.hidden = !remote;
    command.required = !remote;
    url.required = remote;
    kinds.replaceChildren(...[false, true].map((one) => h("button", {
      type: "button", class: "agent-chip", "aria-pressed": String(remote === one), "data-testid": one ? "kind-remote" : "kind-local", text: t(one ? "servers.remote" : "servers.local"),
      on: { click: () => {
        remote = one;
        drawKind();
        /** @type {HTMLElement | null} */ (kinds.querySelector("[aria-pressed=true]"))?.focus();
      } },
    })));
  };
  drawKind();
  const save = h("button", { type: "submit", class: "button is-main", "data-testid": "server-save", text: t(server ? "servers.save" : "servers.add_this") });
  const form = h("form", { class: "form server-form", "data-testid": "server-form" },
    server ? "" : h("h2", { text: t("servers.new") }), field("name", name, server ? "" : t("servers.name_hint")), kinds, local, far, problem,
    h("div", { class: "form-acts" }, h("button", { type: "button", class: "button", text: t("servers.cancel"), on: { click: cancel } }), save));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const rest = Object.fromEntries(Object.entries(entry).filter(([key]) => !WRITTEN.has(key)));
    /** @type {ServerEntry} */
    const wanted = remote ? { ...rest, url: url.value.trim(), headers: pairsOf(headers.value) } : { ...rest, command: command.value.trim(), args: linesOf(args.value), env: pairsOf(env.value) };
    save.disabled = true;
    problem.hidden = true;
    saveServer(name.value.trim(), wanted).then(saved, (/** @type {unknown} */ error) => {
      problem.textContent = sentenceOf(error);
      problem.hidden = false;
    }).finally(() => { save.disabled = false; });
  });
  return form;
}
