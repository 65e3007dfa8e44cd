/**
 * Which voice of an engine speaks: of the built-in one kept with the character, of the browser's in this browser.
 *
 * @import { SpeechSettings } from "../rest.js"
 * @import { SpeechOutput } from "../speech_output.js"
 */
import { currentLanguage, t } from "../i18n.js";
import { row, select } from "./controls.js";

/**
 * A row to choose a voice with; nothing where there is none to choose.
 * @param {SpeechSettings} settings
 * @param {SpeechOutput} speech
 * @param {(voice: string) => void} onChange a voice of the built-in engine
 */
export function voiceChoice({ engine, voice, voices }, speech, onChange) {
  if (engine === "browser") return choice(browserVoices(), speech.browserVoice, (name) => speech.chooseBrowserVoice(name));
  return engine === "builtin" ? choice(named(voices), voice, onChange) : null;
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
 * Voices of a kind are numbered.
 * @param {SpeechSettings["voices"]} voices
 * @returns {[value: string, label: string][]}
 */
function named(voices) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return voices.map(({ name, kind }) => {
    const number = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, number);
    return [name, t(`voice.${kind}`, { number })];
  });
}

/** @returns {[value: string, label: string][]} those that speak the language of the page */
function browserVoices() {
  const [language] = currentLanguage().split("-");
  const voices = globalThis.speechSynthesis?.getVoices() ?? [];
  return voices.filter(({ lang }) => lang.split(/[-_]/)[0]?.toLowerCase() === language).map(({ name }) => [name, name]);
}
