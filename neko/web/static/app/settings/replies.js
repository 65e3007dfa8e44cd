/**
 * Settings › Model, last part: how lively and how long her replies are. Changes are kept at once.
 *
 * @import { ReplyOptions } from "../rest.js"
 */
import { get, post, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { row, select, slider } from "./controls.js";

/** What is sent when nobody chose. */
const USUAL_TEMPERATURE = 1;
const LENGTHS = [150, 400, 1000, 3000];

/**
 * @param {HTMLElement} place
 * @param {string} character
 */
export async function replyOptions(place, character) {
  try {
    /** @type {ReplyOptions} */
    const options = await get("api/replies");
    draw(place, options, character);
  } catch (error) {
    place.replaceChildren(h("p", { class: "form-note is-bad", text: sentenceOf(error) }));
  }
}

/**
 * @param {HTMLElement} place
 * @param {ReplyOptions} options
 * @param {string} character
 */
function draw(place, options, character) {
  const note = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  const wishes = { temperature: options.temperature, max_tokens: options.max_tokens };
  const change = async (/** @type {Partial<ReplyOptions>} */ changes) => {
    Object.assign(wishes, changes);
    note.hidden = true;
    try {
      await post("api/replies", wishes);
    } catch (error) {
      note.textContent = sentenceOf(error);
      note.hidden = false;
    }
  };
  const lengths = [...new Set([...LENGTHS, ...(wishes.max_tokens ? [wishes.max_tokens] : [])])].sort((a, b) => a - b);
  place.replaceChildren(
    h("h3", { text: t("replies.title", { name: character }) }),
    row(t("replies.temperature"), slider({
      min: 0, max: 2, step: 0.1, value: wishes.temperature ?? USUAL_TEMPERATURE, testId: "reply-temperature",
      show: (value) => (value === USUAL_TEMPERATURE ? t("replies.usual") : value.toFixed(1)),
      onChange: (value) => void change({ temperature: value === USUAL_TEMPERATURE ? null : value }),
    }), t("replies.temperature_hint")),
    row(t("replies.length"), select(
      [["", t("replies.any")], ...lengths.map((count) => /** @type {[string, string]} */ ([`${count}`, t("replies.most", { count })]))],
      `${wishes.max_tokens ?? ""}`, (value) => void change({ max_tokens: value ? Number(value) : null }), "reply-length"), t("replies.length_hint")),
    note);
}
