/**
 * How one character sounds: what the engine in use can change, and a sentence to hear it.
 *
 * @import { SpeechSettings } from "../rest.js"
 * @import { PageParts } from "./dialog.js"
 */
import { get, post, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { row, slider } from "./controls.js";
import { voiceChoice } from "./voice_choice.js";
import { VoiceSample, sampleButton } from "./voice_sample.js";

/**
 * @param {() => string} name of the character, now
 * @param {PageParts} parts
 */
export function voiceFields(name, parts) {
  const note = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  const place = h("div", { class: "form" });
  const fail = (/** @type {unknown} */ error) => {
    note.textContent = sentenceOf(error);
    note.hidden = false;
  };
  /** @param {SpeechSettings} settings */
  const draw = (settings) => {
    if (settings.engine === "off") {
      place.replaceChildren(h("p", { class: "form-note", text: t("voice.off_words") }));
      return;
    }
    /** @param {Partial<SpeechSettings>} changes */
    const change = async (changes) => {
      Object.assign(settings, changes);
      note.hidden = true;
      await post("api/speech", { character: name(), ...changes }).catch(fail);
    };
    const percent = (/** @type {number} */ value) => `${Math.round(value * 100)} %`;
    const sample = new VoiceSample(parts.speech, settings, name);
    place.replaceChildren(
      voiceChoice(settings, parts.speech, sample, (chosen) => void change({ voice: chosen })) ?? "",
      row(t("voice.rate"), slider({ min: 0.5, max: 1.8, step: 0.05, value: settings.rate, show: percent, onChange: (rate) => void change({ rate }), testId: "character-rate" })),
      row(t("voice.pitch"), slider({ min: -8, max: 8, step: 0.5, value: settings.pitch, show: (value) => (value > 0 ? `+${value}` : `${value}`), onChange: (pitch) => void change({ pitch }), testId: "character-pitch" })),
      note, sample.note,
      h("div", { class: "form-acts" }, sampleButton(sample, t("characters.hear"), "character-hear")));
  };
  /** @type {Promise<SpeechSettings>} */
  const settings = get(`api/speech?character=${encodeURIComponent(name())}`);
  void settings.then(draw, (error) => {
    fail(error);
    place.replaceChildren(note);
  });
  return h("section", { class: "form" }, h("h3", { text: t("characters.voice") }), place);
}
