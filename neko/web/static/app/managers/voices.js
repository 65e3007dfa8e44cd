/**
 * Voices of one's own: made of a recording, heard, given to characters, deleted.
 *
 * @import { SpeechSettings } from "../rest.js"
 * @import { SpeechEngine } from "../wire.js"
 * @typedef {{ voice_id: string, prefix?: string, created_at?: string, engine?: SpeechEngine, is_local?: boolean }} Voice `engine` speaks with it.
 * @typedef {{ voices: Record<string, Voice>, free_voices: Record<string, string>, cloner: string }} Library
 */
import { get, post, put, sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { toast } from "../notices.js";
import { Removals } from "../removals.js";
import { startShell } from "../shell.js";
import { Frame } from "./frame.js";
import { soundButton } from "./sound_button.js";
import { VoiceMaker } from "./voice_maker.js";

const LIBRARY = "api/characters/voices";
const LISTEN_MS = 60_000;

/** @param {Voice} voice */
function engineOf({ engine, is_local: local }) {
  return engine ?? (local ? "cosyvoice" : "cosyvoice_cloud");
}

/** @param {string} voice */
async function soundOf(voice) {
  /** @type {{ audio: string, mime_type: string }} */
  const { audio, mime_type: type } = await get(`api/characters/voice_preview?${new URLSearchParams({ voice_id: voice }).toString()}`, LISTEN_MS);
  return new Blob([Uint8Array.from(atob(audio), (letter) => letter.charCodeAt(0))], { type });
}

class VoicesPage {
  #frame = new Frame("voices");
  #removals = new Removals();
  /** @type {Library} */
  #library = { voices: {}, free_voices: {}, cloner: "" };
  #going = new Set();
  #fault = "";
  #top = h("div", { class: "manager-content" });
  #list = h("div", { class: "manager-content" });
  /** @type {VoiceMaker | null} */
  #maker = null;

  constructor() {
    this.#frame.view.append(this.#top, this.#list);
  }

  async start() {
    await this.look();
    this.#drawTop();
    this.#frame.onChange(() => {
      this.#drawTop();
      this.draw();
    });
    window.addEventListener("pagehide", () => this.#maker?.leave());
  }

  async look() {
    try {
      [this.#library] = await Promise.all([/** @type {Promise<Library>} */ (get(LIBRARY)), this.#frame.meet()]);
      this.#fault = "";
    } catch (error) {
      this.#fault = sentenceOf(error);
    }
    this.draw();
  }

  #drawTop() {
    this.#maker?.leave();
    const { cloner } = this.#library;
    this.#maker = cloner ? new VoiceMaker(cloner, (voice) => void this.#made(voice)) : null;
    const way = (/** @type {string} */ page) => h("a", { class: "button", href: `./#settings/${page}`, text: t(`settings.pages.${page}`) });
    this.#top.replaceChildren(this.#maker?.element ?? h("section", { class: "ability-gate manager-gate", "data-testid": "no-cloner" }, icon("key"),
      h("div", {}, h("p", { text: t("errors.voice_no_cloner.message") }), h("p", { text: t("errors.voice_no_cloner.remedy") }), h("div", { class: "ability-links" }, way("model"), way("voice")))));
  }

  draw() {
    if (this.#fault) {
      this.#list.replaceChildren(h("p", { class: "memory-empty is-bad", role: "alert", text: this.#fault }));
      return;
    }
    const voices = Object.values(this.#library.voices).filter(({ voice_id: id }) => !this.#going.has(id));
    const free = Object.entries(this.#library.free_voices);
    this.#list.replaceChildren(
      voices.length ? h("div", { class: "models", "data-testid": "voices" }, voices.map((voice) => this.#row(voice.voice_id, voice.prefix || voice.voice_id, voice)))
        : h("p", { class: "memory-empty", "data-testid": "no-voices", text: t("voices.none") }),
      ...(free.length ? [h("section", { class: "rules" }, h("h2", { text: t("voices.free") }), h("div", { class: "models" }, free.map(([name, id]) => this.#row(id, name, null))))] : []));
  }

  /**
   * @param {string} id
   * @param {string} name
   * @param {Voice | null} voice null: one of the free service
   */
  #row(id, name, voice) {
    const { character, cards } = this.#frame;
    const has = cards[character]?.["voice_id"] === id;
    const made = voice?.created_at ? new Date(voice.created_at) : null;
    const day = made && !Number.isNaN(made.getTime()) ? new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium" }).format(made) : "";
    const others = Object.keys(cards).filter((one) => one !== character && cards[one]?.["voice_id"] === id);
    const line = [day, others.length > 0 && t("models.worn_by", { names: others.join(", ") })].filter(Boolean).join(" · ");
    return h("article", { class: "model", "data-testid": "voice", "data-voice": id, "data-has": has },
      h("span", { class: "model-sign", "aria-hidden": "true" }, icon("voice")),
      h("div", { class: "model-words" }, h("span", { class: "model-name", text: name }), h("span", { class: "model-line", text: line || id })),
      h("span", { class: "voice-acts" },
        soundButton({ label: t("voices.listen_to", { name }), sound: () => soundOf(id), testId: "voice-listen" }),
        voice && h("button", { type: "button", class: "icon-button", "aria-label": t("models.delete_what", { name }), title: t("models.delete"), "data-testid": "voice-delete", on: { click: () => this.#remove(id, name) } }, icon("delete")),
        has ? h("button", { type: "button", class: "button", "data-testid": "voice-take", text: t("voices.take", { name: character }), on: { click: () => void this.#give("", null) } })
          : h("button", { type: "button", class: "button", "data-testid": "voice-give", text: t("models.give", { name: character }), on: { click: () => void this.#give(id, voice) } })));
  }

  /** @param {string} voice */
  async #made(voice) {
    toast(t("voices.made"));
    await this.look();
    /** @type {HTMLElement | null} */ (this.#list.querySelector(`[data-voice="${CSS.escape(voice)}"] [data-testid="voice-give"]`))?.focus();
  }

  /**
   * @param {string} id "" for the voice of her engine
   * @param {Voice | null} voice
   */
  async #give(id, voice) {
    const { character } = this.#frame;
    try {
      await put(`api/characters/catgirl/voice_id/${encodeURIComponent(character)}`, { voice_id: id });
      await this.look();
      if (voice) await this.#see(character, engineOf(voice));
    } catch (error) {
      toast(sentenceOf(error));
    }
  }

  /**
   * A voice is heard only while its service speaks for her.
   * @param {string} character
   * @param {SpeechEngine} engine
   */
  async #see(character, engine) {
    /** @type {SpeechSettings} */
    const { engine: now, services } = await get(`api/speech?${new URLSearchParams({ character }).toString()}`);
    if (now === engine) {
      toast(t("voices.given", { name: character }));
      return;
    }
    const service = services.find((one) => one.engine === engine)?.name ?? engine;
    toast(t("voices.other_engine", { name: character, service }), { timeMs: 12_000, action: { label: t("voices.let_speak", { service }), run: () => void this.#letSpeak(engine, character) } });
  }

  /**
   * @param {SpeechEngine} engine
   * @param {string} character
   */
  async #letSpeak(engine, character) {
    try {
      await post("api/speech", { engine });
      toast(t("voices.given", { name: character }));
    } catch (error) {
      toast(sentenceOf(error));
    }
  }

  /**
   * @param {string} id
   * @param {string} name
   */
  #remove(id, name) {
    this.#removals.begin({
      path: `${LIBRARY}/${encodeURIComponent(id)}`, body: null, words: t("models.deleted", { name }),
      show: (shown) => {
        if (shown) this.#going.delete(id);
        else this.#going.add(id);
        this.draw();
      },
      gone: () => void this.look(),
    });
  }
}

const show = await startShell();
const page = new VoicesPage();
await page.start();
show();
