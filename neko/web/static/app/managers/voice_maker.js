/**
 * Making a voice: a recording or a file, what it is to be called, a promise, and the service makes it.
 *
 * @import { Recording } from "./recording.js"
 */
import { ApiError, sentenceOf } from "../api.js";
import { dropZone } from "../drop_zone.js";
import { h, icon } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { row, select } from "../settings/controls.js";
import { LONGEST_S, Recorder, recordingOf } from "./recording.js";
import { send } from "./sending.js";
import { soundButton } from "./sound_button.js";

const SHORTEST_S = 3;
const GOOD_S = 8;
const TOO_QUIET = 0.05;
/** As N.E.K.O. calls them, and the names that the browser has for them. */
const LANGUAGES = { ch: "zh", en: "en", ja: "ja", ko: "ko", fr: "fr", de: "de", ru: "ru" };
/** @type {Record<string, string>} */
const OF_READER = { "zh-CN": "ch", "zh-TW": "ch", ja: "ja", ko: "ko" };

/** @param {number} seconds */
function timeOf(seconds) {
  return new Intl.NumberFormat(currentLanguage(), { style: "unit", unit: "second", maximumFractionDigits: 0 }).format(seconds);
}

export class VoiceMaker {
  element = h("section", { class: "voice-maker", "data-testid": "voice-maker" });
  #made;
  #service;
  /** @type {Recorder | null} */
  #recorder = null;

  /**
   * @param {string} service that makes voices
   * @param {(voice: string) => void} made
   */
  constructor(service, made) {
    this.#service = service;
    this.#made = made;
    this.#begin();
  }

  /** @param {string} [fault] */
  #begin(fault = "") {
    const record = h("button", { type: "button", class: "button is-main", "data-testid": "record", text: t("voices.record"), on: { click: () => void this.#record() } });
    const zone = dropZone({
      testId: "voice", title: t("voices.make"), lead: t("voices.make_lead"), choose: t("models.choose"), accept: "audio/*",
      onFiles: ([first]) => { if (first) void this.take(first.file); },
    });
    zone.querySelector(".import-choose")?.prepend(record);
    this.element.replaceChildren(zone, fault && h("p", { class: "form-note is-bad manager-refused", role: "alert", "data-testid": "refused", text: fault }));
  }

  /** Nothing is listened to any more. */
  leave() {
    this.#recorder?.close();
    this.#recorder = null;
  }

  async #record() {
    const meter = h("meter", { class: "microphone-meter", min: "0", max: "0.4", value: "0", "aria-label": t("call.level") });
    const time = h("p", { class: "model-line", role: "timer" });
    const stop = h("button", { type: "button", class: "button is-main", "data-testid": "record-stop", text: t("voices.stop"), on: { click: () => void this.#stop() } });
    try {
      const began = performance.now();
      this.#recorder = await Recorder.start((level) => {
        meter.value = level;
        const seconds = (performance.now() - began) / 1000;
        time.textContent = timeOf(seconds);
        if (seconds > LONGEST_S) void this.#stop();
      });
    } catch (error) {
      const denied = error instanceof DOMException && ["NotAllowedError", "SecurityError"].includes(error.name);
      const fault = denied ? "denied" : navigator.mediaDevices ? "none" : "insecure";
      this.#begin(`${t(`microphone.faults.${fault}.message`)} ${t(`microphone.faults.${fault}.remedy`)}`);
      return;
    }
    this.element.replaceChildren(h("div", { class: "voice-recording" },
      h("h2", { text: t("voices.listening") }), h("blockquote", { class: "microphone-words", text: t("voices.read_this") }), meter, time,
      h("div", { class: "form-acts" }, stop)));
    stop.focus();
  }

  async #stop() {
    const recorder = this.#recorder;
    this.#recorder = null;
    if (!recorder) return;
    try {
      this.#show(await recorder.stop());
    } catch {
      this.#begin(t("voices.unreadable"));
    }
  }

  /**
   * Make a voice of this recording.
   * @param {File} file
   */
  async take(file) {
    try {
      this.#show(await recordingOf(file));
    } catch {
      this.#begin(t("voices.unreadable"));
    }
  }

  /** @param {Recording} recording */
  #show(recording) {
    if (recording.seconds < SHORTEST_S) {
      this.#begin(t("errors.voice_sample_length.message"));
      return;
    }
    const advice = recording.loudest < TOO_QUIET ? t("voices.quiet") : recording.seconds < GOOD_S ? t("voices.short") : "";
    const name = h("input", { class: "input", required: true, maxlength: "10", pattern: "[A-Za-z0-9]{1,10}", spellcheck: "false", autocomplete: "off", "data-testid": "voice-name" });
    const names = new Intl.DisplayNames(currentLanguage(), { type: "language" });
    const languages = Object.entries(LANGUAGES).map(([code, language]) => /** @type {[string, string]} */ ([code, names.of(language) ?? code]));
    let language = OF_READER[currentLanguage()] ?? "en";
    const promise = h("input", { type: "checkbox", class: "tick", required: true, "data-testid": "voice-promise" });
    const note = h("p", { class: "form-note", role: "status" });
    const make = h("button", { type: "submit", class: "button is-main", "data-testid": "voice-make", text: t("voices.make_it") });
    const form = h("form", { class: "form", on: { submit: (event) => {
      event.preventDefault();
      void this.#make(recording, name.value, language, make, note);
    } } },
      h("div", { class: "model" }, h("span", { class: "model-sign", "aria-hidden": "true" }, icon("voice")),
        h("div", { class: "model-words" }, h("span", { class: "model-name", text: t("voices.recording") }), h("span", { class: "model-line", text: timeOf(recording.seconds) })),
        h("span", { class: "voice-acts" },
          soundButton({ label: t("voices.listen"), sound: () => Promise.resolve(recording.wav), testId: "recording-play" }),
          h("button", { type: "button", class: "icon-button", "aria-label": t("voices.discard"), title: t("voices.discard"), "data-testid": "recording-discard", on: { click: () => this.#begin() } }, icon("delete")))),
      advice && h("p", { class: "form-note", text: advice }),
      h("label", { class: "field" }, h("span", { class: "field-name", text: t("voices.name") }), name, h("span", { class: "field-hint", text: t("voices.name_hint") })),
      row(t("voices.language"), select(languages, language, (chosen) => { language = chosen; }, "voice-language")),
      h("label", { class: "memory-all" }, promise, h("span", { text: t("voices.promise") })),
      h("p", { class: "form-note", text: t("voices.sent_to", { service: this.#service }) }), note, h("div", { class: "form-acts" }, make));
    this.element.replaceChildren(form);
    name.focus();
  }

  /**
   * @param {Recording} recording
   * @param {string} name
   * @param {string} language
   * @param {HTMLButtonElement} button
   * @param {HTMLElement} note
   */
  async #make({ wav }, name, language, button, note) {
    button.disabled = true;
    note.classList.remove("is-bad");
    note.textContent = t("voices.making", { service: this.#service });
    const form = new FormData();
    form.append("file", wav, `${name}.wav`);
    form.append("prefix", name);
    form.append("ref_language", language);
    try {
      /** @type {{ voice_id: string } | null} */
      const answer = await send("api/characters/voice_clone", form, { onShare: () => {}, signal: new AbortController().signal });
      if (answer) this.#made(answer.voice_id);
      this.#begin();
    } catch (error) {
      const said = error instanceof ApiError && error.said ? ` (${error.said})` : "";
      note.textContent = sentenceOf(error) + said;
      note.classList.add("is-bad");
      button.disabled = false;
    }
  }
}
