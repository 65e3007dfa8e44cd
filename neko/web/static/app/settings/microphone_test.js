/**
 * "Say something": a few seconds by the same path as a call. Shows how loud it is and what words were made of it, and plays
 * it back. Where nothing hears, what could is offered at once.
 *
 * @import { HearingSettings } from "../rest.js"
 */
import { BrowserRecogniser, canRecognise } from "../../sound/browser_recogniser.js";
import { RATE } from "../../sound/downsampler.js";
import { Microphone, MicrophoneError } from "../../sound/microphone.js";
import { ApiError, get, post, sentenceOf } from "../api.js";
import { chooseBrowserRecogniser, usesBrowserRecogniser } from "../call.js";
import { h } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { microphoneChoice, noiseReduction } from "../microphone_choice.js";
import { HearingModels } from "./hearing_models.js";

const FRAMES = 200;
/** Root mean square of the loudest frame: below it speech is hard to make out, above it is likely clipped. */
const TOO_QUIET = 0.02;
const TOO_LOUD = 0.6;
/** What hears may have to be loaded first. */
const ANSWER_TIMEOUT_MS = 130_000;
/** What was said last comes after the microphone is shut. */
const LAST_WORDS_MS = 1500;

/** @typedef {{ frames: ArrayBuffer[], loudest: number }} Recorded */

export class MicrophoneTest {
  #onAllowed;
  #meter = h("meter", { class: "microphone-meter", min: "0", max: "1", low: String(TOO_QUIET), value: "0", "aria-label": t("call.level"), "data-testid": "microphone-level" });
  #note = h("p", { class: "form-note", role: "status", "data-testid": "microphone-note", text: t("microphone.test_hint") });
  #words = h("p", { class: "microphone-words", role: "status", "data-testid": "microphone-words", hidden: true });
  #offer = h("div", { class: "settings-group", hidden: true, "data-testid": "microphone-offer" });
  #button = h("button", { type: "button", class: "button is-main", "data-testid": "microphone-test", text: t("microphone.test"), on: { click: () => void this.#run() } });
  element = h("div", { class: "form microphone-test" }, this.#meter, this.#note, this.#words, this.#offer, h("div", { class: "form-acts" }, this.#button));

  /**
   * @param {() => void} onAllowed the names of the devices may be known
   * @param {(now: HearingSettings) => void} onHearing what hears is known
   */
  constructor(onAllowed, onHearing) {
    this.#onAllowed = onAllowed;
    void this.#look(onHearing);
  }

  /**
   * Does anything hear?
   * @param {(now: HearingSettings) => void} onHearing
   */
  async #look(onHearing) {
    try {
      /** @type {HearingSettings} */
      const now = await get("api/hearing");
      onHearing(now);
      if (now.engine === "browser") chooseBrowserRecogniser(canRecognise());
      else if (now.error) this.#offerWhatHears(now, [now.error, now.remedy].filter(Boolean).join(" "));
    } catch {
      // the test itself will tell
    }
  }

  async #run() {
    this.#button.disabled = true;
    this.#offer.hidden = true;
    this.#say(this.#words, "");
    this.#say(this.#note, t("microphone.speak_now"));
    try {
      const spoken = usesBrowserRecogniser() ? this.#browserWords() : null;
      const recorded = await record((level) => { this.#meter.value = level; }, this.#onAllowed).finally(() => spoken?.stop());
      this.#meter.value = 0;
      this.#tellLevel(recorded);
      if (recorded.loudest > 0) await Promise.all([play(recorded.frames), spoken ? spoken.over : this.#recognise(recorded)]);
      else spoken?.close();
    } catch (error) {
      const fault = error instanceof MicrophoneError ? error.fault : "failed";
      this.#say(this.#note, `${t(`microphone.faults.${fault}.message`)} ${t(`microphone.faults.${fault}.remedy`)}`, "is-bad");
    }
    this.#meter.value = 0;
    this.#button.disabled = false;
  }

  /** @param {Recorded} recorded */
  #tellLevel({ loudest }) {
    const how = loudest === 0 ? "silent" : loudest < TOO_QUIET ? "quiet" : loudest > TOO_LOUD ? "loud" : "good";
    this.#say(this.#note, t(how === "silent" ? "microphone.silent" : `microphone.heard_${how}`), how === "good" ? "is-good" : "is-bad");
  }

  /** @param {Recorded} recorded */
  async #recognise({ frames }) {
    this.#say(this.#words, t("model.loading"));
    try {
      /** @type {{ name: string, latency_ms: number, speech: boolean, text: string }} */
      const { name, latency_ms: ms, speech, text } = await post("api/hearing/test", { sound: base64(frames), language: currentLanguage(), reduce_noise: noiseReduction() === "server" }, ANSWER_TIMEOUT_MS);
      const seconds = new Intl.NumberFormat(currentLanguage(), { maximumFractionDigits: 1 }).format(ms / 1000);
      if (text) this.#say(this.#words, t("microphone.understood", { text, name, seconds }));
      else this.#say(this.#words, t(speech ? "microphone.no_words" : "microphone.no_speech"), "is-bad");
    } catch (error) {
      this.#say(this.#words, sentenceOf(error), "is-bad");
      if (error instanceof ApiError && error.code === "nothing_hears") await this.#offerModels(sentenceOf(error));
    }
  }

  /** What the browser's own recogniser makes of it, as it is said. */
  #browserWords() {
    /** @type {PromiseWithResolvers<void>} */
    const { promise, resolve } = Promise.withResolvers();
    let said = "";
    const recogniser = new BrowserRecogniser({
      onHeard: (_id, state, text) => {
        if (!text) return;
        if (state === "final") said = `${said} ${text}`.trim();
        this.#say(this.#words, `“${state === "final" ? said : `${said} ${text}`.trim()}”`);
      },
      onFault: (fault) => {
        said = `${t(`microphone.faults.${fault}.message`)} ${t(`microphone.faults.${fault}.remedy`)}`;
        this.#say(this.#words, said, "is-bad");
      },
    });
    recogniser.start(currentLanguage());
    return {
      over: promise,
      stop: () => {
        recogniser.stop();
        setTimeout(() => {
          recogniser.close();
          if (!said && this.#words.hidden) this.#say(this.#words, t("microphone.no_words"), "is-bad");
          resolve();
        }, LAST_WORDS_MS);
      },
      close: () => recogniser.close(),
    };
  }

  /** @param {string} why */
  async #offerModels(why) {
    /** @type {HearingSettings} */
    const now = await get("api/hearing");
    this.#offerWhatHears(now, why);
  }

  /**
   * What could hear: one tap fetches it.
   * @param {HearingSettings} settings
   * @param {string} why nothing hears
   */
  #offerWhatHears(settings, why) {
    this.#say(this.#words, why, "is-bad");
    /** @type {HearingModels} */
    const models = new HearingModels(settings, (now) => {
      models.show(now);
      if (!now.error) {
        this.#offer.hidden = true;
        this.#say(this.#words, t("microphone.hears_now", { name: now.name }));
      }
    }, async ({ local_model: model = "" }) => models.use(model));
    models.show(settings);
    this.#offer.replaceChildren(models.element, h("a", { class: "field-hint", href: "#settings/hearing", text: t("microphone.to_hearing") }));
    this.#offer.hidden = false;
  }

  /**
   * @param {HTMLElement} place
   * @param {string} text
   * @param {"" | "is-good" | "is-bad"} [how]
   */
  #say(place, text, how = "") {
    place.textContent = text;
    place.classList.remove("is-good", "is-bad");
    if (how) place.classList.add(how);
    place.hidden = !text;
  }
}

/** @param {ArrayBuffer[]} frames */
function base64(frames) {
  return btoa(frames.map((frame) => String.fromCharCode(...new Uint8Array(frame))).join(""));
}

/**
 * What the microphone hears in the next seconds. Rejects with a MicrophoneError.
 * @param {(level: number) => void} onLevel
 * @param {() => void} onOpen
 * @returns {Promise<Recorded>}
 */
async function record(onLevel, onOpen) {
  /** @type {ArrayBuffer[]} */
  const frames = [];
  let loudest = 0;
  /** @type {PromiseWithResolvers<void>} */
  const { promise, resolve, reject } = Promise.withResolvers();
  const microphone = new Microphone({
    onFrame: (frame) => {
      frames.push(frame);
      if (frames.length >= FRAMES) resolve();
    },
    onLevel: (level) => {
      loudest = Math.max(loudest, level);
      onLevel(level);
    },
    onLost: (fault) => reject(new MicrophoneError(fault)),
  });
  try {
    await microphone.open(microphoneChoice());
    onOpen();
    await promise;
  } finally {
    microphone.close();
  }
  return { frames: frames.slice(0, FRAMES), loudest };
}

/**
 * Resolves when all of it was heard.
 * @param {ArrayBuffer[]} frames
 */
async function play(frames) {
  const samples = frames.flatMap((frame) => [...new Int16Array(frame)].map((sample) => sample / 32768));
  const context = new AudioContext();
  const buffer = new AudioBuffer({ length: samples.length, sampleRate: RATE, numberOfChannels: 1 });
  buffer.copyToChannel(Float32Array.from(samples), 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  await new Promise((resolve) => {
    source.addEventListener("ended", resolve);
    source.start();
  });
  await context.close();
}
