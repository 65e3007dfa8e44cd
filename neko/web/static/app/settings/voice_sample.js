/**
 * A sentence in a voice, one at a time: the one before stops, and so does the same one when it is wanted again.
 *
 * @import { SpeechSettings } from "../rest.js"
 * @import { SpeechOutput } from "../speech_output.js"
 *
 * @typedef {"quiet" | "loading" | "sounding"} SampleState
 * @typedef {{ name: string, language: string }} SampledVoice `language`: BCP 47, "" where it speaks any
 */
import { postForBytes, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { currentLanguage, t } from "../i18n.js";

/**
 * Says something in the voice that is chosen, as it is tuned.
 * @param {VoiceSample} sample
 * @param {string} words
 * @param {string} testId
 */
export function sampleButton(sample, words, testId) {
  const button = h("button", {
    type: "button", class: "button is-main", "data-testid": testId, text: words,
    on: {
      click: () => void sample.play(null, (state) => {
        button.textContent = state === "quiet" ? words : t("voice.stop");
        button.setAttribute("aria-busy", String(state === "loading"));
      }),
    },
  });
  return button;
}

export class VoiceSample {
  #speech;
  #settings;
  #character;
  /** What went wrong. */
  note = h("p", { class: "form-note is-bad", role: "alert", hidden: true, "data-testid": "voice-fault" });
  /** @type {{ voice: SampledVoice | null, show: (state: SampleState) => void } | null} */
  #playing = null;

  /**
   * @param {SpeechOutput} speech
   * @param {SpeechSettings} settings as they are now, and as they will be
   * @param {() => string} character who speaks
   */
  constructor(speech, settings, character) {
    this.#speech = speech;
    this.#settings = settings;
    this.#character = character;
  }

  /**
   * Say a sentence, or stop saying it.
   * @param {SampledVoice | null} voice null: the one that is chosen
   * @param {(state: SampleState) => void} show
   */
  async play(voice, show) {
    const again = this.#playing?.voice === voice;
    this.#stop();
    if (again) return;
    const mine = this.#playing = { voice, show };
    this.#tell(this.#speech.loudness === 0 ? t("voice.no_sound") : "");
    show("loading");
    try {
      await this.#say(voice, () => this.#playing === mine && this.note.isConnected);
    } catch (error) {
      if (this.#playing === mine) this.#tell(sentenceOf(error));
    }
    if (this.#playing === mine) this.#playing = null;
    show("quiet");
  }

  /**
   * @param {SampledVoice | null} voice
   * @param {() => boolean} isWanted
   */
  async #say(voice, isWanted) {
    const speech = this.#speech;
    const sounding = () => this.#playing?.show("sounding");
    speech.unlock();
    if (this.#settings.engine === "browser") {
      sounding();
      await speech.sample(t("voice.sample_text", { name: this.#character() }), currentLanguage(), { ...this.#settings, voice: voice?.name ?? speech.browserVoice });
      return;
    }
    const pcm = await postForBytes("api/speech/sample", {
      character: this.#character(), language: voice?.language || currentLanguage(), ...(voice && { voice: voice.name }),
    });
    if (!isWanted()) return;
    sounding();
    await speech.playSample(pcm);
  }

  #stop() {
    const before = this.#playing;
    this.#playing = null;
    if (!before) return;
    before.show("quiet");
    this.#speech.stopSample();
  }

  /** @param {string} words */
  #tell(words) {
    this.note.textContent = words;
    this.note.hidden = !words;
  }
}
