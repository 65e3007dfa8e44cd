/**
 * What stands in each section of the monitor.
 *
 * @import { Child } from "../element.js"
 * @import { ConversationLook, MemoryLook, Monitor, Reached } from "./shapes.js"
 */
import { h } from "../element.js";
import { currentLanguage, has, t } from "../i18n.js";
import { sizeOf } from "../managers/size.js";

/** From where on a loop that is late is noticed by who talks. */
const LATE_S = 0.1;
const FULL = 0.5;

/**
 * The words for a name of the server's; the name itself where there are none.
 * @param {string} group
 * @param {string} name
 */
function wordsOf(group, name) {
  const key = `monitor.${group}.${name.replaceAll(/[ :.]/g, "_")}`;
  return has(key) ? t(key) : name;
}

/** @param {number} count */
function number(count) {
  return count.toLocaleString(currentLanguage(), { maximumFractionDigits: 2 });
}

/** @param {number} seconds */
function duration(seconds) {
  const [value, unit] = seconds < 1 ? [seconds * 1000, "millisecond"] : seconds < 120 ? [seconds, "second"] : seconds < 7200 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.NumberFormat(currentLanguage(), { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: value < 10 && unit !== "millisecond" ? 1 : 0 }).format(value);
}

/** @param {string} iso */
function time(iso) {
  return new Date(iso).toLocaleTimeString(currentLanguage(), { hour: "2-digit", minute: "2-digit" });
}

/** @param {string} key */
function nothing(key) {
  return h("p", { class: "monitor-none", text: t(`monitor.${key}`) });
}

/**
 * @param {string} title
 * @param {Child} state
 * @param {...Child} lines
 */
function row(title, state, ...lines) {
  return h("article", { class: "monitor-row" },
    h("div", { class: "monitor-head" }, h("h3", { text: title }), state), ...lines);
}

/**
 * @param {string} text
 * @param {string} [kind] "busy", "bad" or "good"
 */
function chip(text, kind = "") {
  return h("span", { class: "monitor-chip", "data-kind": kind, text });
}

/** @param {...(string | false | null | undefined)} parts */
function line(...parts) {
  const said = parts.filter((part) => part);
  return said.length > 0 && h("p", { class: "monitor-line", text: said.join(" · ") });
}

/**
 * @param {string} label
 * @param {number} done
 * @param {number} total
 * @param {string} [shown]
 */
function meter(label, done, total, shown = `${number(done)} / ${number(total)}`) {
  return h("div", { class: "monitor-meter" },
    h("span", { text: label }), h("span", { text: shown }),
    h("progress", { max: String(Math.max(total, 1)), "aria-label": label, value: String(done), "data-full": total > 0 && done / total >= FULL }));
}

/** @param {Monitor} seen */
export function faultRows({ faults }) {
  return faults.map(({ message, remedy, character }) => h("div", { class: "monitor-fault" }, h("p", { text: character ? `${character}: ${message}` : message }), remedy && h("p", { text: remedy })));
}

/** @param {Monitor} seen */
export function processTiles({ process }) {
  const tile = (/** @type {string} */ name, /** @type {string} */ value, bad = false) => h("div", { class: "monitor-tile", "data-bad": bad }, h("dt", { text: t(`monitor.process.${name}`) }), h("dd", { text: value }));
  return [h("dl", { class: "monitor-tiles" },
    tile("uptime", duration(Math.floor(process.uptime_s))),
    tile("lag", duration(process.lag_s)),
    tile("worst_lag", duration(process.worst_lag_s), process.worst_lag_s >= LATE_S),
    tile("processor", new Intl.NumberFormat(currentLanguage(), { style: "percent" }).format(process.processor)),
    tile("memory", process.memory === null ? "–" : sizeOf(process.memory)),
    tile("tasks", number(process.tasks)),
    tile("threads", number(process.threads)))];
}

/** @param {Monitor} seen */
export function conversationRows({ conversations }) {
  if (conversations.length === 0) return [nothing("no_conversations")];
  return conversations.map((one) => row(
    one.character, chip(wordsOf("phases", one.phase), one.phase === "idle" ? "" : "busy"),
    line(sessionOf(one), one.step && wordsOf("steps", one.step)),
    line(one.owner ? t("monitor.page_open") : t("monitor.no_page"), one.viewers > 0 && t("monitor.viewers", { count: one.viewers }), one.taps > 0 && t("monitor.taps", { count: one.taps })),
    line(one.questions > 0 && t("monitor.questions", { count: one.questions }), one.lines > 0 && t("monitor.lines", { count: one.lines }), one.unkept > 0 && t("monitor.unkept", { count: one.unkept })),
    meter(t("monitor.queue"), one.fill, 1, number(one.waiting))));
}

/** @param {ConversationLook} one */
function sessionOf({ session, slot }) {
  if (!session) return wordsOf("slots", slot);
  const model = session.offline ? t("connection.builtin") : `${session.model} (${session.provider})`;
  const since = t("monitor.since", { time: time(session.began) });
  return [model, t(`monitor.modes.${session.mode}`), since, slot === "replacing" && wordsOf("slots", slot)].filter(Boolean).join(" · ");
}

/** @param {Monitor} seen */
export function modelRows({ model, hearing, conversations }) {
  const works = model.offline || model.works === null ? "" : model.works ? "good" : "bad";
  const state = works && chip(t(works === "good" ? "monitor.works" : "monitor.fails"), works);
  const voices = new Map(conversations.map(({ character, voice }) => [character, voice]));
  return [
    row(t("monitor.thinks"), state, line(model.offline ? t("connection.builtin") : `${model.model} (${model.provider})`)),
    row(t("monitor.hears"), "", line(has(`hearing.${hearing}`) ? t(`hearing.${hearing}`) : hearing)),
    ...(voices.size > 0 ? [row(t("monitor.speaks"), "", ...[...voices].map(([character, voice]) => line(character, has(`voice.${voice}`) ? t(`voice.${voice}`) : voice)))] : []),
  ];
}

/** @param {Monitor} seen */
export function memoryRows({ memories }) {
  if (memories.length === 0) return [nothing("no_memories")];
  return memories.map((one) => row(
    one.character, chip(one.job ? wordsOf("jobs", one.job) : t("monitor.rests"), one.job ? "busy" : ""),
    line(one.jobs.length > 0 && t("monitor.next", { jobs: one.jobs.map((job) => wordsOf("jobs", job)).join(", ") })),
    ...progressOf(one)));
}

/** @param {MemoryLook} one */
function progressOf({ meaning, indexing, learning }) {
  /** @type {[string, Reached | null][]} */
  const all = [["indexing", indexing], ["learning", learning], ["meaning", meaning]];
  return all.map(([name, reached]) => reached && meter(t(`monitor.${name}`), reached.done, reached.total));
}

/** @param {Monitor} seen */
export function agentRows({ agent }) {
  const { tasks, servers, questions, on } = agent;
  /** @type {Child[]} */
  const rows = tasks.map((task) => row(task.title || task.id, chip(has(`hands.states.${task.state}`) ? t(`hands.states.${task.state}`) : task.state, "busy"),
    line(task.character, has(`abilities.names.${task.hand}`) ? t(`abilities.names.${task.hand}`) : task.hand, task.began && t("monitor.since", { time: time(task.began) })),
    h("p", { class: "monitor-line" }, h("a", { href: `agent#tasks/${encodeURIComponent(task.id)}`, text: t("monitor.open_task") }))));
  for (const server of servers) {
    const kind = server.state === "ready" ? "good" : server.state === "failed" ? "bad" : "";
    rows.push(row(server.name, chip(t(`servers.states.${server.state}`), kind), line(server.tools > 0 && t("servers.tools", { count: server.tools }), server.problem)));
  }
  if (questions > 0) rows.unshift(h("p", { class: "monitor-line", text: t("monitor.asks", { count: questions }) }));
  if (rows.length === 0) rows.push(nothing(on ? "no_tasks" : "agent_off"));
  return rows;
}

/** @param {Monitor} seen */
export function queueRows({ bus }) {
  return bus.queues.map(({ name, waiting, drops, failures }) => h("div", { class: "monitor-queue" },
    meter(wordsOf("queues", name), waiting, bus.capacity),
    line(drops > 0 && t("monitor.drops", { count: drops }), failures > 0 && t("monitor.failures", { count: failures }))));
}

/** @param {Monitor} seen */
export function hostRows({ network }) {
  const { local_only: closed, steam, hosts } = network;
  const rows = hosts.map((one) => row(
    one.host, chip(wordsOf("purposes", one.purpose)),
    line(t("monitor.requests", { count: number(one.requests) }), t("monitor.out", { size: sizeOf(one.bytes_out) }), t("monitor.in", { size: sizeOf(one.bytes_in) }), one.refused > 0 && t("monitor.refused", { count: one.refused }))));
  return [closed && h("p", { class: "monitor-line", text: t("monitor.local_only") }), steam && h("p", { class: "monitor-line", text: t("monitor.steam") }), ...(rows.length > 0 ? rows : [nothing("no_hosts")])];
}

/** @param {Monitor} seen */
export function timingRows({ timings }) {
  if (timings.length === 0) return [nothing("no_timings")];
  return timings.map((one) => h("div", { class: "monitor-timing" },
    h("code", { text: one.name }),
    line(t("monitor.measured", { count: number(one.count) }), t("monitor.half", { time: duration(one.p50) }), t("monitor.most", { time: duration(one.p95) }), t("monitor.longest", { time: duration(one.max) }))));
}
