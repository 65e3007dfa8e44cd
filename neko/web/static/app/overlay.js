/**
 * What a stream shows of a talk (OBS, a browser source): her, her mouth and her words on a transparent page.
 *
 * The address says how: `?name=` whom (else the current character), `subtitles=only` or `off`, `language=` the words
 * translated into it once a reply is whole, `sound=on` with her voice, which her own page plays already.
 *
 * @import { Avatar } from "../avatar/avatar.js"
 * @import { TalkFrame } from "./viewer_socket.js"
 */
import { createAvatar } from "../avatar/avatar.js";
import { Player } from "../sound/player.js";
import { post } from "./api.js";
import { byId } from "./element.js";
import { setLanguage, t } from "./i18n.js";
import { startShell } from "./shell.js";
import { ViewerSocket } from "./viewer_socket.js";

const WORDS_STAY_MS = 30_000;
const VOICE = "voice";
const SILENT_BYTES = 4;
const MARKS = /[*`#]+/g;

const query = new URLSearchParams(location.search);

/** The words of a reply: as they come, translated when they are whole, gone after a while. */
class Subtitles {
  #place = byId("words", HTMLElement);
  #language = query.get("language");
  #text = "";
  #timer = 0;

  /**
   * @param {string} text
   * @param {boolean} isNew
   */
  add(text, isNew) {
    this.#text = isNew ? text : this.#text + text;
    this.#show(this.#text);
  }

  clear() {
    this.#text = "";
    this.#show("");
  }

  async complete() {
    const text = this.#text;
    if (!text || !this.#language) return;
    try {
      /** @type {{ translated_text: string }} */
      const { translated_text: words } = await post("api/translate", { text, target_lang: this.#language });
      if (this.#text === text) this.#show(words);
    } catch (error) {
      console.warn("subtitles", error);
    }
  }

  /** @param {string} text */
  #show(text) {
    const words = text.replace(MARKS, "").trim();
    clearTimeout(this.#timer);
    this.#place.textContent = words;
    this.#place.hidden = !words;
    if (words) this.#timer = setTimeout(() => this.clear(), WORDS_STAY_MS);
  }
}

/** @returns {Promise<Avatar | null>} null when only words are wanted, or she cannot be drawn */
async function avatarOf() {
  const place = byId("avatar", HTMLElement);
  place.hidden = query.get("subtitles") === "only" || byId("overlay", HTMLElement).dataset.shows === "subtitles";
  if (place.hidden) return null;
  try {
    const avatar = await createAvatar(place, { reducedMotion: matchMedia("(prefers-reduced-motion: reduce)").matches });
    new ResizeObserver(() => avatar.resize()).observe(place);
    return avatar;
  } catch (error) {
    console.warn("avatar", error);
    place.hidden = true;
    return null;
  }
}

/**
 * @param {string} name
 * @param {Avatar | null} avatar
 */
function lookOn(name, avatar) {
  const subtitles = query.get("subtitles") === "off" ? null : new Subtitles();
  const isHeard = query.get("sound") === "on";
  const player = avatar || isHeard ? new Player({ onMouth: (mouth) => avatar?.setMouth(mouth) }) : null;
  player?.setVolume(isHeard ? 1 : 0);
  const stop = () => {
    player?.stop();
    subtitles?.clear();
  };
  const overlay = byId("overlay", HTMLElement);
  const talk = (/** @type {TalkFrame} */ frame) => {
    overlay.dataset.state = "online";
    if (frame.type === "gemini_response") subtitles?.add(frame.text, frame.isNewMessage);
    else if (frame.type === "turn end") void subtitles?.complete();
    else if (frame.type === "emotion") avatar?.setEmotion(frame.emotion, frame.confidence);
    else if (frame.type === "neko_state") avatar?.setActivity(frame.state);
    else if (frame.type === "neko_interrupted" || frame.type === "response_discarded") stop();
  };
  new ViewerSocket(`sync/${encodeURIComponent(name)}`, (data) => {
    if (typeof data !== "string") return;
    /** @type {unknown} */
    const frame = JSON.parse(data);
    talk(/** @type {TalkFrame} */ (frame));
  });
  if (!player) return;
  new ViewerSocket(`sync_binary/${encodeURIComponent(name)}`, (data) => {
    if (typeof data !== "string" && data.byteLength > SILENT_BYTES) player.chunk(VOICE, data);
  });
}

const show = await startShell();
const wanted = query.get("language");
if (wanted) await setLanguage(wanted).catch(() => {});
const name = query.get("name") || query.get("lanlan_name") || document.documentElement.dataset.character || "";
document.title = name;
byId("title", HTMLElement).textContent = name;
byId("avatar", HTMLElement).setAttribute("aria-label", t("talk.portrait", { name }));
lookOn(name, await avatarOf());
show();
