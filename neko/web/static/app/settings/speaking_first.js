/**
 * Settings › Abilities, last part: when she may speak of her own accord. Changes are kept at once.
 *
 * @import { SpeakingFirst } from "../rest.js"
 */
import { get, post, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { row, select, toggle } from "./controls.js";

const PAUSES_MIN = [10, 30, 60, 120, 240];
const TIMES = [1, 3, 6, 12, 24];
/** One change goes after the other, or an older answer would be drawn over a newer one; only the last is drawn. */
let sent = Promise.resolve();
let newest = 0;
const SOURCES = /** @type {const} */ (["memory", "screen", "window", "news"]);

/** @param {HTMLElement} place */
export async function speakingFirst(place) {
  try {
    /** @type {SpeakingFirst} */
    const state = await get("api/proactive");
    draw(place, state);
  } catch (error) {
    place.replaceChildren(h("p", { class: "form-note is-bad", role: "alert", text: sentenceOf(error) }));
  }
}

/**
 * @param {HTMLElement} place
 * @param {SpeakingFirst} state
 */
function draw(place, state) {
  const note = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  const send = async (/** @type {Partial<SpeakingFirst>} */ wanted, /** @type {number} */ number) => {
    try {
      /** @type {SpeakingFirst} */
      const changed = await post("api/proactive", wanted);
      if (number !== newest) return;
      draw(place, changed);
    } catch (error) {
      note.textContent = sentenceOf(error);
      note.hidden = false;
    }
  };
  const change = (/** @type {Partial<SpeakingFirst>} */ changes) => {
    const wanted = { ...typed(place, state), ...changes };
    const number = ++newest;
    sent = sent.then(() => send(wanted, number));
  };
  place.replaceChildren(
    h("h3", { text: t("first.title") }),
    row(t("first.on"), toggle(state.on, (on) => change({ on }), "first-on"), t("first.on_hint")),
    ...(state.on ? wishes(state, change) : []),
    note);
}

/**
 * What stands in the fields and was not sent yet.
 * @param {HTMLElement} place
 * @param {SpeakingFirst} state
 * @returns {Partial<SpeakingFirst>}
 */
function typed(place, state) {
  const feeds = /** @type {HTMLTextAreaElement | null} */ (place.querySelector("[data-testid=first-feeds]"));
  const quiet = /** @type {HTMLInputElement | null} */ (place.querySelector("[data-testid=first-quiet]"));
  return {
    ...(feeds && feeds.value !== state.feeds.join("\n") ? { feeds: feeds.value.split("\n") } : {}),
    ...(quiet && quiet.value.trim() !== state.quiet ? { quiet: quiet.value.trim() } : {}),
  };
}

/**
 * @param {SpeakingFirst} state
 * @param {(changes: Partial<SpeakingFirst>) => void} change
 */
function wishes(state, change) {
  const quiet = h("input", { class: "input", type: "text", maxlength: "40", placeholder: "22:00-08:00", "data-testid": "first-quiet" });
  quiet.addEventListener("change", () => change({ quiet: quiet.value.trim() }));
  quiet.value = state.quiet;
  const chosen = new Set(state.sources);
  const sources = SOURCES.map((source) => row(t(`first.sources.${source}`), toggle(chosen.has(source), (on) => {
    if (on) chosen.add(source);
    else chosen.delete(source);
    change({ sources: [...chosen] });
  }, `first-source-${source}`), t(`first.source_hints.${source === "window" && !state.windows ? "no_window" : source}`)));
  const feeds = h("textarea", { class: "input", rows: "3", spellcheck: "false", placeholder: "https://", "data-testid": "first-feeds" });
  feeds.addEventListener("change", () => change({ feeds: feeds.value.split("\n") }));
  feeds.value = state.feeds.join("\n");
  return [
    h("p", { class: "form-note", role: "status", "data-testid": "first-now", text: t(`first.now.${state.now}`) }),
    row(t("first.every"), select(among(PAUSES_MIN, state.every_min).map((count) => [`${count}`, t("first.minutes", { count })]),
      `${state.every_min}`, (value) => change({ every_min: Number(value) }), "first-every")),
    row(t("first.per_day"), select(among(TIMES, state.per_day).map((count) => [`${count}`, `${count}`]),
      `${state.per_day}`, (value) => change({ per_day: Number(value) }), "first-per-day"), t("first.per_day_hint")),
    row(t("first.quiet"), quiet, t("first.quiet_hint")),
    h("h4", { text: t("first.about") }),
    ...sources,
    ...(chosen.has("news") ? [
      h("label", { class: "field" }, h("span", { class: "field-name", text: t("first.feeds") }), h("span", { class: "field-hint", text: t("first.feeds_hint") }), feeds),
      ...Object.entries(state.failed).map(([address, why]) => h("p", { class: "form-note is-bad", text: t("first.failed", { address, why }) })),
    ] : []),
  ];
}

/**
 * @param {number[]} usual
 * @param {number} value
 */
function among(usual, value) {
  return [...new Set([...usual, value])].sort((a, b) => a - b);
}
