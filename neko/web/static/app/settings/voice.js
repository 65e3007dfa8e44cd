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
import { ApiError, get, post, postForBytes, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { toast } from "../notices.js";
import { row, select, slider } from "./controls.js";
import { voiceChoice } from "./voice_choice.js";

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
  const { speech } = parts;
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
    if (settings.engine === engine) drawExtra(extra, settings, speech, change, choose);
  };
  drawExtra(extra, settings, speech, change, choose);
  const percent = (/** @type {number} */ value) => `${Math.round(value * 100)} %`;
  place.replaceChildren(
    h("div", { class: "tiles", role: "radiogroup", "aria-label": t("voice.engine") }, tiles.map(({ tile }) => tile)), extra,
    sounds(row(t("voice.rate"), slider({ min: 0.5, max: 1.8, step: 0.05, value: settings.rate, show: percent, onChange: (rate) => void change({ rate }), testId: "voice-rate" }))),
    sounds(row(t("voice.pitch"), slider({ min: -8, max: 8, step: 0.5, value: settings.pitch, show: (value) => (value > 0 ? `+${value}` : `${value}`), onChange: (pitch) => void change({ pitch }), testId: "voice-pitch" }))),
    sounds(row(t("menu.volume"), slider({ min: 0, max: 1, step: 0.05, value: speech.loudness, show: percent, onInput: (volume) => speech.setVolume(volume), testId: "voice-volume" }))),
    note,
    sounds(h("div", { class: "form-acts" }, h("button", {
      type: "button", class: "button is-main", "data-testid": "voice-sample", text: t("voice.sample"), on: { click: () => sample(settings, parts, note) },
    }))));
  showAudible();
}

/**
 * Which service speaks and what it needs to know, and which voice of the engine.
 * @param {HTMLElement} place
 * @param {SpeechSettings} settings
 * @param {SpeechOutput} speech
 * @param {Change} change
 * @param {(engine: SpeechEngine) => Promise<void>} choose
 */
function drawExtra(place, settings, speech, change, choose) {
  const voices = h("div", { class: "form" });
  const drawVoices = () => voices.replaceChildren(voiceChoice(settings, speech, (voice) => void change({ voice })) ?? "");
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
 * @param {SpeechSettings} settings
 * @param {PageParts} parts
 * @param {HTMLElement} note
 * @param {string} [character] the one of this page
 */
export async function sample(settings, { speech, conversation }, note, character = conversation.character) {
  const text = t("voice.sample_text", { name: character });
  note.hidden = true;
  speech.unlock();
  if (settings.engine === "off") {
    toast(t("voice.off_words"));
  } else if (settings.engine === "browser") {
    speech.sample(text, currentLanguage(), settings);
  } else {
    try {
      speech.playSample(await postForBytes("api/speech/sample", { character, text, language: currentLanguage() }));
    } catch (error) {
      if (error instanceof ApiError && (error.status === 404 || error.status === 405)) toast(t("voice.sample_later"));
      else fail(note, error);
    }
  }
}

/**
 * @param {HTMLElement} note
 * @param {unknown} error
 */
function fail(note, error) {
  note.textContent = sentenceOf(error);
  note.hidden = false;
}
