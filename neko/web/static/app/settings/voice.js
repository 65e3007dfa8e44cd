/**
 * Settings › Voice: what she sounds like. Changes are kept at once.
 *
 * @import { SpeechSettings } from "../rest.js"
 * @import { SpeechOutput } from "../speech_output.js"
 * @import { SpeechEngine } from "../wire.js"
 * @import { PageParts } from "./dialog.js"
 *
 * @typedef {(changes: Partial<SpeechSettings>) => Promise<void>} Change
 */
import { get, post, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { row, select, slider } from "./controls.js";
import { voiceChoice } from "./voice_choice.js";
import { VoiceSample, sampleButton } from "./voice_sample.js";

/** @typedef {"builtin" | "service" | "browser" | "off"} Place Where her voice is made. */
/** @type {Place[]} */
const PLACES = ["builtin", "service", "browser", "off"];
/** @type {SpeechEngine} The service to begin with. */
const USUAL_SERVICE = "openai";

/**
 * @param {HTMLElement} body
 * @param {PageParts} parts
 */
export async function voicePage(body, parts) {
  const place = h("div", { class: "settings-group" }, h("p", { class: "form-note", text: t("model.loading") }));
  body.append(place);
  try {
    /** @type {SpeechSettings} */
    const settings = await get("api/speech");
    draw(place, settings, parts);
  } catch (error) {
    place.replaceChildren(h("p", { class: "form-note is-bad", text: sentenceOf(error) }));
  }
}

/**
 * @param {HTMLElement} place
 * @param {SpeechSettings} settings
 * @param {PageParts} parts
 */
function draw(place, settings, parts) {
  const { speech, conversation } = parts;
  const voiceSample = new VoiceSample(speech, settings, () => conversation.character);
  const note = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  /** @type {Change} */
  const change = async (changes) => {
    Object.assign(settings, changes);
    note.hidden = true;
    try {
      Object.assign(settings, await post("api/speech", changes));
    } catch (error) {
      fail(note, error);
    }
  };
  const extra = h("form", { class: "form", autocomplete: "off", on: { submit: (event) => event.preventDefault() } });
  const placeOf = (/** @type {SpeechEngine} */ engine) => PLACES.find((own) => own === engine) ?? "service";
  let service = placeOf(settings.engine) === "service" ? settings.engine : USUAL_SERVICE;
  const tiles = PLACES.map((own) => ({
    own,
    tile: h("button", {
      type: "button", class: "tile", role: "radio", "aria-checked": String(own === placeOf(settings.engine)), "data-testid": `voice-${own}`,
      on: { click: () => choose(own === "service" ? service : own) },
    }, h("span", { class: "tile-name", text: t(`voice.${own}`) }), h("span", { class: "tile-note", text: t(`voice.${own}_hint`) })),
  }));
  /** @type {HTMLElement[]} What changes nothing while there is no voice. */
  const audible = [];
  const sounds = (/** @type {HTMLElement} */ element) => {
    audible.push(element);
    return element;
  };
  const showAudible = () => { for (const element of audible) element.hidden = settings.engine === "off"; };
  const choose = async (/** @type {SpeechEngine} */ engine) => {
    const own = placeOf(engine);
    if (own === "service") service = engine;
    for (const one of tiles) one.tile.setAttribute("aria-checked", String(one.own === own));
    await change({ engine });
    showAudible();
    if (settings.engine === engine) drawExtra(extra, settings, speech, voiceSample, change, choose);
  };
  drawExtra(extra, settings, speech, voiceSample, change, choose);
  const percent = (/** @type {number} */ value) => `${Math.round(value * 100)} %`;
  place.replaceChildren(
    h("p", { class: "settings-lead", text: t("voice.of", { name: conversation.character }) }),
    h("div", { class: "tiles", role: "radiogroup", "aria-label": t("voice.engine") }, tiles.map(({ tile }) => tile)), extra,
    sounds(h("a", { class: "field-hint", href: `voice_clone?${new URLSearchParams({ lanlan_name: conversation.character }).toString()}`, "data-testid": "voice-own", text: t("voices.title") })),
    sounds(row(t("voice.rate"), slider({ min: 0.5, max: 1.8, step: 0.05, value: settings.rate, show: percent, onChange: (rate) => void change({ rate }), testId: "voice-rate" }))),
    sounds(row(t("voice.pitch"), slider({ min: -8, max: 8, step: 0.5, value: settings.pitch, show: (value) => (value > 0 ? `+${value}` : `${value}`), onChange: (pitch) => void change({ pitch }), testId: "voice-pitch" }))),
    sounds(row(t("menu.volume"), slider({ min: 0, max: 1, step: 0.05, value: speech.loudness, show: percent, onInput: (volume) => speech.setVolume(volume), testId: "voice-volume" }))),
    note, voiceSample.note,
    sounds(h("div", { class: "form-acts" }, sampleButton(voiceSample, t("voice.sample"), "voice-sample"))));
  showAudible();
}

/**
 * Which service speaks and what it needs to know, and which voice of the engine.
 * @param {HTMLElement} place
 * @param {SpeechSettings} settings
 * @param {SpeechOutput} speech
 * @param {VoiceSample} voiceSample
 * @param {Change} change
 * @param {(engine: SpeechEngine) => Promise<void>} choose
 */
function drawExtra(place, settings, speech, voiceSample, change, choose) {
  const voices = h("div", { class: "form" });
  const drawVoices = () => voices.replaceChildren(voiceChoice(settings, speech, voiceSample, (voice) => void change({ voice })) ?? "");
  const fields = {
    url: { label: t("model.url"), hint: "http://localhost:8880/v1" },
    api_key: { label: t(settings.engine === "openai" ? "model.key_optional" : "model.key"), hint: settings.api_key ? t("model.key_saved_placeholder") : "" },
    model: { label: t("model.model"), hint: "tts-1" },
  };
  const field = (/** @type {keyof typeof fields} */ name) => {
    const secret = name === "api_key";
    /** @type {HTMLInputElement} */
    const input = h("input", {
      class: "input", type: secret ? "password" : "text", spellcheck: "false", autocomplete: "off", value: secret ? "" : settings[name],
      placeholder: fields[name].hint, "data-testid": `voice-${name}`,
      on: { change: () => change({ [name]: input.value.trim() }).then(drawVoices) },
    });
    return h("label", { class: "field" }, h("span", { class: "field-name", text: fields[name].label }), input);
  };
  const service = settings.services.find(({ engine }) => engine === settings.engine);
  const services = settings.services.map(({ engine, name }) => /** @type {[string, string]} */ ([engine, name]));
  const told = (service?.told ?? []).flatMap((name) => (name === "voice" ? [] : [field(name)]));
  drawVoices();
  place.hidden = settings.engine === "off";
  place.replaceChildren(
    service ? row(t("voice.which_service"), select(services, service.engine, (engine) => void choose(/** @type {SpeechEngine} */ (engine)), "voice-which")) : "",
    ...told, voices);
}

/**
 * @param {HTMLElement} note
 * @param {unknown} error
 */
function fail(note, error) {
  note.textContent = sentenceOf(error);
  note.hidden = false;
}
