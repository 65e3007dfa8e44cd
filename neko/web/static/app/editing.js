/**
 * Writing your last words anew: they go, with the reply to them, and she answers the new ones.
 *
 * @import { Composer } from "./composer.js"
 * @import { Conversation } from "./conversation.js"
 * @import { Picture } from "./pictures.js"
 * @import { Entry } from "./transcript.js"
 */
import { post, sentenceOf } from "./api.js";
import { t } from "./i18n.js";
import { toast } from "./notices.js";
import { keptPictures } from "./pictures.js";

const UNDO_MS = 7000;

export class Editing {
  #conversation;
  #composer;

  /**
   * @param {Pick<Conversation, "character" | "transcript" | "turn" | "sendText" | "stop">} conversation
   * @param {Composer} composer
   */
  constructor(conversation, composer) {
    this.#conversation = conversation;
    this.#composer = composer;
  }

  /**
   * Words and pictures stand in the composer.
   * @param {Entry} entry
   */
  async begin(entry) {
    /** @type {Picture[]} */
    let pictures = [];
    try {
      pictures = await keptPictures(entry);
    } catch {
      toast(t("picture.gone"));
    }
    if (this.#conversation.transcript.includes(entry)) this.#write(entry, entry.text, pictures);
  }

  /**
   * @param {Entry} entry
   * @param {string} words
   * @param {Picture[]} attached
   */
  #write(entry, words, attached) {
    this.#composer.edit(words, attached, (text, pictures) => void this.#replace(entry, text, pictures));
  }

  /**
   * @param {Entry} entry
   * @param {string} text
   * @param {Picture[]} pictures
   */
  async #replace(entry, text, pictures) {
    const { transcript, character, turn } = this.#conversation;
    const entries = transcript.exchangeOf(entry);
    const ids = entries.flatMap(({ id, state }) => (id === null || state !== "stored" ? [] : [id]));
    try {
      if (turn === "thinking" || ids.length < entries.length) throw new Error(t("talk.delete_later")); // what she is just saying has no place in the log yet
      await post(`api/history/${encodeURIComponent(character)}/delete`, { ids, may_be_undone: true });
    } catch (error) {
      toast(sentenceOf(error));
      this.#write(entry, text, pictures);
      return;
    }
    transcript.forget(ids);
    const id = this.#conversation.sendText(text, pictures);
    toast(t("talk.edited"), { timeMs: UNDO_MS, action: { label: t("talk.undo"), run: () => void this.#undo(character, id) } });
  }

  /**
   * What was there before comes back, and the new words go with what she said to them.
   * @param {string} character
   * @param {string} id that the new words were sent with
   */
  async #undo(character, id) {
    try {
      if (character === this.#conversation.character) this.#conversation.stop();
      await post(`api/history/${encodeURIComponent(character)}/undo_edit`, { client_id: id });
    } catch (error) {
      toast(sentenceOf(error));
    }
  }
}
