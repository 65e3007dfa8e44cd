/**
 * Which voice of an engine speaks: of the browser's kept in this browser, of any other with the character.
 *
 * @import { OfferedVoice, SpeechSettings } from "../rest.js"
 * @import { SpeechOutput } from "../speech_output.js"
 */
import { get, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { row, select } from "./controls.js";

/**
 * To choose a voice with; nothing where there is none to choose. What an engine offers is fetched.
 * @param {SpeechSettings} settings
 * @param {SpeechOutput} speech
 * @param {(voice: string) => void} onChange
 */
export function voiceChoice(settings, speech, onChange) {
  const { engine } = settings;
  if (engine === "off") return null;
  if (engine === "browser") return choice(browserVoices(), speech.browserVoice, (name) => speech.chooseBrowserVoice(name));
  const place = h("div", { class: "form" });
  void offer(place, settings, onChange);
  return place;
}

/**
 * @param {HTMLElement} place
 * @param {SpeechSettings} settings
 * @param {(voice: string) => void} onChange
 */
async function offer(place, settings, onChange) {
  const service = settings.services.find(({ engine }) => engine === settings.engine);
  const typed = service?.told.includes("voice") ?? false;
  if (typed) place.append(typedVoice([], settings.voice, onChange));
  try {
    /** @type {{ voices: OfferedVoice[], error: string }} */
    const { voices, error } = await get(`api/speech/voices?engine=${settings.engine}`);
    const chooser = typed ? typedVoice(voices, settings.voice, onChange) : listed(voices, settings, onChange);
    place.replaceChildren(chooser ?? "", error && fault(error), service ? terms(service) : "");
  } catch (error) {
    place.append(fault(sentenceOf(error)));
  }
}

/** @param {string} text */
function fault(text) {
  return h("p", { class: "form-note", "data-testid": "voice-list-fault", text });
}

/** @param {SpeechSettings["services"][number]} service */
function terms({ licence, source }) {
  return h("p", { class: "form-note", "data-testid": "voice-terms" }, `${licence} · `,
    h("a", { href: source, target: "_blank", rel: "noopener noreferrer", text: t("voice.terms") }));
}

/**
 * A voice that may be one of the list or any other.
 * @param {OfferedVoice[]} voices
 * @param {string} value
 * @param {(voice: string) => void} onChange
 */
function typedVoice(voices, value, onChange) {
  /** @type {HTMLInputElement} */
  const input = h("input", {
    class: "input", value, spellcheck: "false", autocomplete: "off", list: "voices-offered", placeholder: voices[0]?.name ?? "",
    "data-testid": "voice-voice", on: { change: () => onChange(input.value.trim()) },
  });
  const options = voices.map(({ name, label }) => h("option", { value: name, label }));
  return h("label", { class: "field" }, h("span", { class: "field-name", text: t("voice.voice") }), input, h("datalist", { id: "voices-offered" }, options));
}

/**
 * Those of the page's language come first.
 * @param {OfferedVoice[]} voices
 * @param {SpeechSettings} settings
 * @param {(voice: string) => void} onChange
 */
function listed(voices, { engine, voice }, onChange) {
  const names = new Intl.DisplayNames(currentLanguage(), { type: "language" });
  /** @type {Map<string, [string, string][]>} */
  const groups = new Map();
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const offered of voices) {
    const options = groups.get(offered.language) ?? [];
    options.push([offered.name, engine === "builtin" && !offered.language ? numbered(offered, counts) : offered.label]);
    groups.set(offered.language, options);
  }
  const [own] = currentLanguage().split("-");
  const isOwn = (/** @type {string} */ language) => language.split("-")[0] === own;
  const sorted = [...groups].sort(([a], [b]) => Number(isOwn(b)) - Number(isOwn(a)));
  const element = choice([...groups.values()].flat(), voice, onChange);
  if (element && sorted.length > 1) {
    const [best] = element.querySelectorAll("option");
    const groupsOfOptions = sorted.map(([language, options]) => h("optgroup", { label: language ? names.of(language) ?? language : t("voice.any_language") },
      options.map(([name, label]) => h("option", { value: name, text: label, selected: name === voice }))));
    element.querySelector("select")?.replaceChildren(best ?? "", ...groupsOfOptions);
  }
  return element;
}

/**
 * @param {[value: string, label: string][]} options
 * @param {string} value
 * @param {(voice: string) => void} onChange
 */
function choice(options, value, onChange) {
  const chosen = options.some(([name]) => name === value) ? value : "";
  return options.length ? row(t("voice.voice"), select([["", t("voice.best")], ...options], chosen, onChange, "voice-choice")) : null;
}

/**
 * Voices of a kind that have no name of their own are numbered.
 * @param {OfferedVoice} voice
 * @param {Map<string, number>} counts
 */
function numbered({ label, kind }, counts) {
  if (!kind) return label;
  const number = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, number);
  return t(`voice.${kind}`, { number });
}

/** @returns {[value: string, label: string][]} those that speak the language of the page */
function browserVoices() {
  const [language] = currentLanguage().split("-");
  const voices = globalThis.speechSynthesis?.getVoices() ?? [];
  return voices.filter(({ lang }) => lang.split(/[-_]/)[0]?.toLowerCase() === language).map(({ name }) => [name, name]);
}
