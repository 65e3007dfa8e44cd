/**
 * What this page asks of the agent, of its servers of tools and of its plug-ins.
 *
 * @import { Act, AgentSnapshot, AgentTask, HandName } from "../wire.js"
 *
 * @typedef {"allow" | "ask" | "ask_once" | "never"} Policy
 * @typedef {"hands" | "domains" | "plugins" | "tools"} RuleKind
 * @typedef {Record<RuleKind, Record<string, Policy>>} Policies A tool is named by its ability, its place and itself: `computer_use//click`.
 * @typedef {{
 *   id: number, at: string, task_id: string, character: string, hand: HandName | "", place: string, tool: string, title: string, act: Act,
 *   arguments: string, verdict: "allowed" | "approved" | "denied" | "expired" | "refused", outcome: "done" | "failed" | "cancelled" | "",
 *   detail: string, picture: string,
 * }} TrailRow
 * @typedef {{ error: string, remedy: string | null, code?: string }} Problem
 * @typedef {{ name: string, title: string, description: string, act: Act, policy: Policy, chosen: Policy | null, chosen_act: Act | null }} ServerTool `chosen`, `chosen_act`: the reader's own words.
 * @typedef {{ command?: string, args?: string[], env?: Record<string, string>, cwd?: string, url?: string, headers?: Record<string, string>, [more: string]: unknown }} ServerEntry
 * @typedef {{
 *   name: string, on: boolean, state: string, place: string, version: string, policy: Policy | null, entry: ServerEntry, tools: ServerTool[], problem: Problem | null, signed_in: boolean,
 * }} ToolServer `policy`: the word on all its tools, null when there is none. `signed_in`: the reader signed in there.
 * @typedef {{ at: string, source: string, text: string }} LogLine
 * @typedef {{ works: boolean, seconds: number, tools: string[], log: string[], problem: Problem | null }} ServerTest
 * @typedef {{ name: string, place: string, known: boolean, problem: Problem | null }} FoundServer `known`: there is one of this name, which it would replace.
 * @typedef {{
 *   id: string, name: string, description: string, version: string, entries: { id: string, name: string, description: string, act: Act }[],
 *   neko: { state: "stopped" | "starting" | "running" | "waiting" | "failed", known: boolean, place: string, problems: string[], problem: Problem | null },
 * }} PlugIn
 */
import { get, post, put, sentenceOf } from "../api.js";
import { toast } from "../notices.js";

const LONG_MS = 60_000;
/** Rows of the trail, tasks of the list. */
export const PAGE = 50;

/**
 * A command to the agent; the reader is told when it is refused.
 * @param {string} name
 * @param {object} [more]
 * @returns {Promise<{ snapshot?: AgentSnapshot, notification?: string | null } | null>} null when it was refused; `notification`: why a switch stays off
 */
export async function command(name, more = {}) {
  try {
    return await post("api/agent/command", { command: name, ...more });
  } catch (error) {
    toast(sentenceOf(error));
    return null;
  }
}

/** @returns {Promise<{ snapshot: AgentSnapshot }>} */
export function agentState() {
  return get("api/agent/state");
}

/** @returns {Promise<{ tasks: AgentTask[] }>} newest first */
export function latestTasks() {
  return get("api/agent/tasks?limit=200");
}

/**
 * @param {{ before?: number | undefined, task?: string, q?: string }} which
 * @returns {Promise<{ rows: TrailRow[] }>} newest first
 */
export function trail(which) {
  const query = Object.entries({ ...which, limit: PAGE }).flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, String(value)]]));
  return get(`api/agent/audit?${new URLSearchParams(query).toString()}`);
}

/** @param {"json" | "csv"} form */
export function trailFile(form) {
  return `api/agent/audit/export?format=${form}`;
}

/** @returns {Promise<Policies>} */
export function policies() {
  return get("api/agent/policies");
}

/**
 * @param {RuleKind} kind
 * @param {string} name
 * @param {Policy | null} policy null takes the word back
 * @returns {Promise<Policies>}
 */
export function setPolicy(kind, name, policy) {
  return put("api/agent/policies", { [kind]: { [name]: policy } });
}

/** Where a server of tools is. @param {string} name */
export function serverPath(name) {
  return `api/mcp/servers/${encodeURIComponent(name)}`;
}

/** @returns {Promise<{ installed: boolean, used: boolean, servers: ToolServer[] }>} */
export function servers() {
  return get("api/mcp/servers");
}

/**
 * @param {string} name
 * @param {ServerEntry} entry
 * @returns {Promise<unknown>}
 */
export function saveServer(name, entry) {
  return put(serverPath(name), { entry });
}

/**
 * @param {string} name
 * @param {boolean} on
 * @returns {Promise<unknown>}
 */
export function switchServer(name, on) {
  return post(`${serverPath(name)}/switch`, { on }, LONG_MS);
}

/**
 * @param {string} name
 * @returns {Promise<unknown>}
 */
export function restartServer(name) {
  return post(`${serverPath(name)}/restart`, {}, LONG_MS);
}

/**
 * Where the reader signs in; from there they come back to this page.
 * @param {string} name
 * @returns {Promise<{ address: string }>}
 */
export function signIn(name) {
  return post(`${serverPath(name)}/sign_in`, {}, LONG_MS);
}

/**
 * @param {string} name
 * @returns {Promise<unknown>}
 */
export function signOut(name) {
  return post(`${serverPath(name)}/sign_out`, {});
}

/**
 * @param {string} name
 * @returns {Promise<ServerTest>}
 */
export function testServer(name) {
  return post(`${serverPath(name)}/test`, {}, LONG_MS);
}

/**
 * @param {string} name
 * @returns {Promise<{ lines: LogLine[] }>}
 */
export function serverLog(name) {
  return get(`${serverPath(name)}/log`);
}

/**
 * @param {string} name
 * @param {Policy | null} policy
 * @param {string | null} [tool] null: of the whole server
 * @param {Act | null} [act] what it can do at worst, by the reader
 * @returns {Promise<unknown>}
 */
export function setServerPolicy(name, policy, tool = null, act = null) {
  return put(`${serverPath(name)}/policy`, { policy, tool, act });
}

/**
 * What a pasted document would bring.
 * @param {string} text
 * @returns {Promise<{ servers: FoundServer[] }>}
 */
export function lookIntoServers(text) {
  return post("api/mcp/import/preview", { text });
}

/**
 * @param {string} text
 * @returns {Promise<{ names: string[] }>}
 */
export function importServers(text) {
  return post("api/mcp/import", { text }, LONG_MS);
}

/** @returns {Promise<{ plugins: PlugIn[], message: string, on: boolean }>} */
export function plugIns() {
  return get("api/agent/plugins", LONG_MS);
}

/**
 * @param {string} id
 * @param {"start" | "stop" | "reload"} what
 * @returns {Promise<unknown>}
 */
export function movePlugIn(id, what) {
  return post(`api/agent/plugins/${encodeURIComponent(id)}/${what}`, {}, LONG_MS);
}

/**
 * @param {string} id
 * @returns {Promise<{ lines: LogLine[] }>}
 */
export function plugInLog(id) {
  return get(`api/agent/plugins/${encodeURIComponent(id)}/log`);
}
