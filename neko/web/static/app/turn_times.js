/**
 * How long each step of a spoken turn took, folded away under the reply: a row for each, on one scale.
 *
 * @import { Times } from "./wire.js"
 * @typedef {{ ms: Times, late: number | null }} TurnTimesShown `ms`: since the last sound of the reader's voice; `late`:
 *   milliseconds between the arrival of the first sound and its being heard; null until it is.
 */
import { h } from "./element.js";
import { t } from "./i18n.js";

const STEPS = /** @type {const} */ (["end_of_turn", "transcript", "first_token", "first_sound"]);

/** @param {TurnTimesShown} times */
export function turnTimes({ ms, late }) {
  /** @type {[name: string, until: number][]} */
  const steps = STEPS.flatMap((step) => {
    const until = ms[step];
    return until === undefined ? [] : [[step, until]];
  });
  if (late !== null && ms.first_sound !== undefined) steps.push(["first_played", ms.first_sound + late]);
  const whole = steps.at(-1)?.[1] ?? 0;
  const rows = steps.map(([step, until], at) => {
    const from = steps[at - 1]?.[1] ?? 0;
    const bar = h("i", { class: "turn-bar", "aria-hidden": "true" });
    bar.style.marginInlineStart = `${(100 * from) / (whole || 1)}%`;
    bar.style.width = `${(100 * Math.max(0, until - from)) / (whole || 1)}%`;
    return h("li", { class: "turn-step", "data-step": step },
      h("span", { text: t(`turn.${step}`) }), h("span", { class: "turn-track" }, bar), h("span", { class: "turn-ms", text: `${Math.round(until)} ms` }));
  });
  return [h("summary", { text: t("turn.summary", { seconds: (whole / 1000).toFixed(1) }) }), h("ol", { class: "turn-steps" }, rows)];
}
