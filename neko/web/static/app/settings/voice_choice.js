/**
 * Which voice of an engine speaks: of the browser's kept in this browser, of any other with the character.
 *
 * @import { OfferedVoice, SpeechSettings } from "../rest.js"
 * @import { SpeechOutput } from "../speech_output.js"
 * @import { ListedVoice } from "./voice_list.js"
 * @import { VoiceSample } from "./voice_sample.js"
 */
import { get, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { VoiceList } from "./voice_list.js";

/**
 * To choose a voice with; nothing where there is none to choose. What an engine offers is fetched.
 * @param {SpeechSettings} settings
 * @param {SpeechOutput} speech
 * @param {VoiceSample} sample
 * @param {(voice: string) => void} onChange
 */
export function voiceChoice(settings, speech, sample, onChange) {
  const { engine } = settings;
  if (engine === "off") return null;
  if (engine === "browser") return listed(browserVoices(), speech.browserVoice, sample, (name) => speech.chooseBrowserVoice(name))?.element;
  const place = h("div", { class: "form" });
  void offer(place, settings, sample, onChange);
  return place;
}

/**
 * @param {HTMLElement} place
 * @param {SpeechSettings} settings
 * @param {VoiceSample} sample
 * @param {(voice: string) => void} onChange
 */
async function offer(place, settings, sample, onChange) {
  const service = settings.services.find(({ engine }) => engine === settings.engine);
  const field = service?.told.includes("voice") ? new TypedVoice(settings.voice, onChange) : null;
  if (field) place.append(field.element);
  try {
    /** @type {{ voices: OfferedVoice[], error: string }} */
    const { voices, error } = await get(`api/speech/voices?engine=${settings.engine}`);
    const list = listed(described(voices, settings.engine, service?.languages ?? []), settings.voice, sample, (name) => {
      field?.show(name);
      onChange(name);
    });
    if (list) field?.lead(list);
    place.append(list?.element ?? "", error ? fault(error) : "", service ? terms(service) : "");
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

/** A voice that may be one of the list or any other. */
class TypedVoice {
  #input;
  /** @type {VoiceList | null} */
  #list = null;
  element;

  /**
   * @param {string} value
   * @param {(voice: string) => void} onChange
   */
  constructor(value, onChange) {
    this.#input = h("input", {
      class: "input", value, spellcheck: "false", autocomplete: "off", "data-testid": "voice-voice",
      on: {
        change: () => {
          const name = this.#input.value.trim();
          this.#list?.show(name);
          onChange(name);
        },
      },
    });
    this.element = h("label", { class: "field" }, h("span", { class: "field-name", text: t("voice.voice") }), this.#input);
  }

  /** @param {string} name */
  show(name) {
    this.#input.value = name;
  }

  /** @param {VoiceList} list what is typed is shown there too */
  lead(list) {
    this.#list = list;
  }
}

/**
 * Those of the page's language come first, then those that speak any; before all of them the choice that is hers.
 * @param {ListedVoice[]} voices
 * @param {string} chosen
 * @param {VoiceSample} sample
 * @param {(voice: string) => void} onChange
 */
function listed(voices, chosen, sample, onChange) {
  if (!voices.length) return null;
  const fit = (/** @type {ListedVoice} */ { language }) => (language ? 2 * Number(primary(language) === primary(currentLanguage())) : 1);
  const sorted = voices.toSorted((a, b) => fit(b) - fit(a));
  const best = { name: "", label: t("voice.best"), about: "", language: "" };
  const known = voices.some(({ name }) => name === chosen) ? chosen : "";
  return new VoiceList([best, ...sorted], known, sample, onChange);
}

/** @param {string} language a BCP 47 tag */
function primary(language) {
  return language.split(/[-_]/)[0]?.toLowerCase();
}

/**
 * @param {OfferedVoice[]} voices
 * @param {string} engine
 * @param {string[]} spoken by each voice that names no language of its own; none for any
 * @returns {ListedVoice[]}
 */
function described(voices, engine, spoken) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return voices.map((voice) => ({
    name: voice.name,
    language: voice.language,
    label: engine === "builtin" && !voice.language ? numbered(voice, counts) : voice.label,
    about: [voice.language || !spoken.length ? languageName(voice.language) : languageNames(spoken), voice.licence].filter(Boolean).join(" · "),
  }));
}

/**
 * That of the page first, where it is among them; the others are counted.
 * @param {string[]} languages
 */
function languageNames(languages) {
  const [first = "", ...others] = languages.toSorted((a, b) => Number(primary(b) === primary(currentLanguage())) - Number(primary(a) === primary(currentLanguage())));
  return others.length ? t("voice.languages", { language: languageName(first), count: others.length }) : languageName(first);
}

/** @param {string} language */
function languageName(language) {
  if (!language) return t("voice.any_language");
  try {
    return new Intl.DisplayNames(currentLanguage(), { type: "language" }).of(language.replace("_", "-")) ?? language;
  } catch {
    return language; // what a service calls its language may be no tag
  }
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

/** @returns {ListedVoice[]} those that speak the language of the page */
function browserVoices() {
  const voices = globalThis.speechSynthesis?.getVoices() ?? [];
  return voices.filter(({ lang }) => primary(lang) === primary(currentLanguage()))
    .map(({ name, lang }) => ({ name, label: name, about: languageName(lang), language: lang }));
}
