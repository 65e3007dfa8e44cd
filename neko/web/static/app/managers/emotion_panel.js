/**
 * Which expressions and motions of a model go with which emotion. Every choice is kept at once.
 *
 * @import { Feeling } from "../../avatar/avatar.js"
 * @import { Mapping, Model } from "./model_calls.js"
 * @typedef {{ title: string, options: string[], chosen: string[], choose: (chosen: string[]) => void, ordered?: boolean }} Choice
 *   `ordered`: the first counts, the others stand in for it
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { keepLive2dEmotions, keepVrmEmotions, live2dEmotions, vrmEmotions } from "./model_calls.js";

/** The group of expressions that are always on, as N.E.K.O. has it. */
const ALWAYS = "常驻";
const LIVE2D_EMOTIONS = ["happy", "sad", "angry", "surprised", "neutral", "Idle", ALWAYS];
const VRM_EMOTIONS = ["neutral", "happy", "relaxed", "sad", "angry", "surprised"];
const FEELINGS = ["happy", "sad", "angry", "surprised", "neutral", "relaxed"];

/** @param {string} emotion */
function nameOf(emotion) {
  return t(`models.emotions.${emotion === ALWAYS ? "always" : emotion.toLowerCase()}`);
}

/** @param {string} file */
function shortName(file) {
  return file.split("/").at(-1)?.replace(/\.(motion3|exp3)\.json$/i, "") ?? file;
}

/**
 * @param {Model} model
 * @param {(feeling: Feeling) => void} feel shows how it feels
 * @returns {Promise<HTMLElement>}
 */
export async function emotionPanel(model, feel) {
  const panel = h("div", { class: "emotions", "data-testid": "emotions" }, h("p", { class: "agent-hint", text: t(`models.emotions_${model.kind}`) }));
  panel.append(...(model.kind === "vrm" ? await ofVrm(model, feel) : await ofLive2d(model, feel)));
  return panel;
}

/**
 * @param {Model} model
 * @param {(feeling: Feeling) => void} feel
 */
async function ofLive2d(model, feel) {
  const { motions, expressions, mapping } = await live2dEmotions(model);
  if (!motions.length && !expressions.length) return [h("p", { class: "memory-empty", text: t("models.no_emotions") })];
  const keep = keeper(() => keepLive2dEmotions(model, mapping));
  const choice = (/** @type {keyof Mapping} */ kind, /** @type {string} */ emotion, /** @type {string[]} */ options) => ({
    title: t(`models.${kind}`), options, chosen: mapping[kind][emotion] ?? [],
    choose: (/** @type {string[]} */ chosen) => {
      mapping[kind][emotion] = chosen;
      keep();
    },
  });
  return LIVE2D_EMOTIONS.map((emotion) => section(emotion, feel, [
    choice("expressions", emotion, expressions), ...(emotion === ALWAYS ? [] : [choice("motions", emotion, motions)])]));
}

/**
 * @param {Model} model
 * @param {(feeling: Feeling) => void} feel
 */
async function ofVrm(model, feel) {
  const { expressions, chosen } = await vrmEmotions(model);
  const keep = keeper(() => keepVrmEmotions(model, chosen));
  return VRM_EMOTIONS.map((emotion) => {
    const known = chosen[emotion] ?? [];
    return section(emotion, feel, [{
      title: t("models.expressions"), options: expressions, chosen: known.filter((one) => expressions.includes(one)), ordered: true,
      choose: (now) => {
        chosen[emotion] = [...now, ...known.filter((one) => !expressions.includes(one))];
        keep();
      },
    }]);
  });
}

/**
 * One at a time, the last one surely.
 * @param {() => Promise<unknown>} save
 */
function keeper(save) {
  let saving = Promise.resolve();
  return () => {
    saving = saving.then(save).then(() => { toast(t("models.kept")); }, (/** @type {unknown} */ error) => { toast(sentenceOf(error)); });
  };
}

/**
 * @param {string} emotion
 * @param {(feeling: Feeling) => void} feel
 * @param {Choice[]} choices
 */
function section(emotion, feel, choices) {
  const summary = h("span", { class: "emotion-chosen" });
  const tell = () => { summary.textContent = choices.flatMap(({ chosen }) => chosen.map(shortName)).join(" · ") || t("models.nothing_chosen"); };
  tell();
  const details = h("details", { class: "emotion", "data-testid": "emotion", "data-emotion": emotion },
    h("summary", {}, h("span", { class: "emotion-name", text: nameOf(emotion) }), summary),
    choices.filter(({ options }) => options.length).map((choice) => chips(choice, tell)));
  details.addEventListener("toggle", () => {
    if (details.open) feel(/** @type {Feeling} */ (FEELINGS.includes(emotion) ? emotion : "neutral"));
  });
  return details;
}

/**
 * @param {Choice} choice
 * @param {() => void} changed
 */
function chips(choice, changed) {
  const draw = () => choice.options.map((option) => {
    const place = choice.chosen.indexOf(option);
    const words = choice.ordered && place >= 0 && choice.chosen.length > 1 ? `${place + 1} · ${shortName(option)}` : shortName(option);
    return h("button", { type: "button", class: "agent-chip", "aria-pressed": String(place >= 0), "data-testid": "emotion-option", "data-option": option, text: words, on: { click: () => toggle(option) } });
  });
  const place = h("div", { class: "agent-filters", role: "group", "aria-label": choice.title }, draw());
  const toggle = (/** @type {string} */ option) => {
    choice.chosen = choice.chosen.includes(option) ? choice.chosen.filter((one) => one !== option) : [...choice.chosen, option];
    place.replaceChildren(...draw());
    /** @type {HTMLElement | null} */ (place.querySelector(`[data-option="${CSS.escape(option)}"]`))?.focus();
    changed();
    choice.choose(choice.chosen);
  };
  return h("div", { class: "emotion-choice" }, h("h3", { text: choice.title }), place);
}
