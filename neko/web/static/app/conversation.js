/**
 * One character's conversation: what is said here goes out, what the server says takes effect.
 *
 * @import { Bar } from "./bar.js"
 * @import { Call } from "./call.js"
 * @import { Composer } from "./composer.js"
 * @import { Follow } from "./follow.js"
 * @import { Hands } from "./hands/loader.js"
 * @import { Late } from "./late.js"
 * @import { LogView } from "./log_view.js"
 * @import { Picture } from "./pictures.js"
 * @import { LinkState } from "./socket.js"
 * @import { SpeechOutput } from "./speech_output.js"
 * @import { Stage } from "./stage.js"
 * @import { Entry } from "./transcript.js"
 * @import { ClientAction, Line, ModelLabel, SpeechEngine, TurnState } from "./wire.js"
 *
 * @typedef {{ log: LogView, speech: SpeechOutput, stage: Stage, bar: Bar, composer: Composer, follow: Follow, call: Late<Call>, hands: Hands }} ConversationParts
 */
import { get, post, sentenceOf } from "./api.js";
import { Emitter } from "./emitter.js";
import { Editing } from "./editing.js";
import { HelpCards } from "./help_card.js";
import { History } from "./history.js";
import { newId } from "./identity.js";
import { currentLanguage, onLanguage, t } from "./i18n.js";
import { LinkNotice } from "./link_notice.js";
import { clearFault, toast } from "./notices.js";
import { OffRecord } from "./off_record.js";
import { readersRegion } from "./region.js";
import { Removals } from "./removals.js";
import { ServerEvents } from "./server_events.js";
import { Socket } from "./socket.js";
import { socketUrl } from "./socket_address.js";
import { Transcript } from "./transcript.js";
import { Versions } from "./versions.js";
import { Waiting } from "./waiting.js";
import { saveYourName } from "./your_name.js";

const HELLO_TIMEOUT_MS = 1500;
const HISTORY_RETRY_MS = 3000;
const HISTORY_TIMEOUT_MS = 4000;
const LOOK_TIMEOUT_MS = 3000;

/**
 * Events: `chat` when another chat is open; `ready` when the connection and the history stand and all own words are sent; `model` when another
 * one thinks; `turn` when it is at something else; `card` when her card may say something else; `switch` when the server has changed to another character; `reload` when the page has to begin anew.
 * @extends {Emitter<{ chat: [], ready: [], turn: [], model: [model: ModelLabel], card: [], switch: [name: string], reload: [] }>}
 */
export class Conversation extends Emitter {
  #parts;
  /** @type {Socket | null} */
  #socket = null;
  /** @type {History | null} */
  #history = null;
  /** The first page of the history is on its way, or there. @type {Promise<void> | null} */
  #begun = null;
  #ready = false;
  /** @type {number} */
  #hello = 0;
  #linkNotice = new LinkNotice(() => this.reconnect());
  #events;
  removals = new Removals();
  /** @type {Entry | null} */
  #retried = null;
  character = "";
  /** Which voice speaks. @type {SpeechEngine} */
  engine = "builtin";
  /** @type {ModelLabel | null} */
  model = null;
  /** What the server says the turn is at. @type {TurnState} */
  turn = "idle";

  /** @param {ConversationParts} parts */
  constructor(parts) {
    super();
    this.#parts = parts;
    this.transcript = new Transcript(parts.log);
    this.waiting = new Waiting((words, time) => parts.log.showWaitingFor(words, time));
    this.versions = new Versions(this, parts.log);
    this.editing = new Editing(this, parts.composer);
    this.offRecord = new OffRecord(() => this.character);
    this.help = new HelpCards(this.transcript, parts.log);
    this.#events = new ServerEvents(this, parts);
    onLanguage((language) => this.send({ action: "ping", language }));
  }

  /** @param {string} character */
  start(character) {
    this.end();
    this.character = character;
    document.documentElement.dataset.character = character;
    const { bar, composer, stage } = this.#parts;
    bar.setName(character);
    composer.setName(character);
    stage.setName(character);
    this.#history = new History(character, this.transcript, this.#parts.log);
    this.#begun = this.#begin(this.#history);
    this.#socket = new Socket(() => socketUrl(character), isServerThere, {
      onOpen: () => this.#opened(),
      onEvent: (event) => this.#events.take(event),
      onBinary: (pcm) => this.#parts.speech.sound(pcm),
      onState: (state) => this.#linkState(state),
    });
    this.#socket.connect();
  }

  end() {
    this.#parts.call.now?.hangUp();
    this.#socket?.close();
    this.#history?.end();
    this.#parts.speech.stop();
    this.help.clear();
    this.#events.end();
    this.transcript.clear();
    clearFault();
    this.#ready = false;
    this.enter("idle");
  }

  /**
   * Whoever writes here wants to talk here, also where another page has taken the conversation over.
   * Returns the id that the words have.
   * @param {string} text
   * @param {Picture[]} pictures
   */
  sendText(text, pictures) {
    clearFault();
    const data = pictures.map((picture) => picture.data);
    const id = newId();
    const entry = this.transcript.addOwn(id, text, data, pictures.map((picture) => picture.thumbnail));
    entry.shots = new Set(pictures.flatMap(({ data: one, isShot }) => (isShot ? [one] : [])));
    this.#parts.log.showTyping(false);
    this.waiting.set(false);
    if (this.#ready) this.#deliver(entry);
    else this.#wait(entry);
    if (this.#socket?.state === "taken") this.reconnect();
    return id;
  }

  /** Stop her words and her voice at once. */
  stop() {
    const running = this.transcript.streaming;
    this.#parts.speech.stop();
    this.#events.ignore(running?.turnId ?? null);
    this.send({ action: "stop_reply" });
    this.transcript.settle("interrupted");
    this.enter("idle");
  }

  /**
   * Have the last reply, or this one, said anew.
   * @param {Entry | null} [entry]
   */
  retry(entry = null) {
    if (!this.send({ action: "retry_reply" })) {
      toast(t("connection.not_now"));
      return;
    }
    clearFault();
    this.#parts.speech.stop();
    if (entry) {
      this.#retried = entry;
      this.transcript.retrying(entry);
      this.#parts.log.markRetried(entry, "leaving");
    }
    this.enter("thinking");
  }

  get isRetrying() {
    return this.#retried !== null;
  }

  /**
   * The new reply begins (`shown`), or could not be had and the old one stands.
   * @param {boolean} shown
   */
  retryIsShown(shown) {
    if (!this.#retried) return;
    this.#parts.log.markRetried(this.#retried, shown ? "gone" : "");
    if (!shown) {
      this.transcript.retrying(null);
      this.#retried = null;
    }
  }

  retryIsStored() {
    this.#retried = null;
  }

  /** The open chat, null while it is not known. */
  get chat() {
    return this.#history?.chat ?? null;
  }

  /**
   * Go on in this chat, null: in a new one. False when that cannot be, which the reader is told.
   * @param {number | null} chat
   */
  async changeChat(chat) {
    const { character } = this;
    try {
      /** @type {{ chat: number }} */
      const opened = await post(`api/chats/${encodeURIComponent(character)}/open`, { chat });
      if (character === this.character) await this.followChat(opened.chat);
      return true;
    } catch (error) {
      toast(sentenceOf(error));
      return false;
    }
  }

  /**
   * The open chat is this one: show it, unless it is on the page.
   * @param {number} chat
   */
  async followChat(chat) {
    if (this.chat === null) await Promise.race([this.#begun, pause(HISTORY_TIMEOUT_MS)]);
    if (this.chat === null || this.chat === chat) return;
    const unsent = this.transcript.unconfirmed;
    this.#history?.end();
    this.#parts.speech.stop();
    if (this.#parts.composer.editing) this.#parts.composer.endEditing();
    this.help.clear();
    this.#events.end();
    this.transcript.clear();
    clearFault();
    this.#retried = null;
    this.enter("idle");
    this.#history = new History(this.character, this.transcript, this.#parts.log);
    this.#history.chat = chat;
    this.#begun = this.#begin(this.#history);
    for (const { clientId, text, pictures = [], thumbnails = [] } of unsent) this.transcript.addOwn(clientId ?? newId(), text, pictures, thumbnails);
    this.emit("chat");
    await this.resume();
  }

  /**
   * Delete a line for good, your own with the reply to it, after a while in which that can be undone.
   * @param {Entry} entry
   */
  remove(entry) {
    const entries = this.transcript.exchangeOf(entry);
    const ids = entries.flatMap(({ id, state }) => (id === null || state !== "stored" ? [] : [id]));
    if (ids.length < entries.length) {
      toast(t("talk.delete_later"));
      return;
    }
    this.removals.ofLines(this.character, ids, t(ids.length > 1 ? "talk.deleted_exchange" : "talk.deleted"), (shown) => this.#parts.log.hide(entries, !shown));
  }

  /**
   * Delete what you told her to forget, in the same way.
   * @param {number[]} ids
   * @param {string} name what you were called in it, which is forgotten already: an undo gives it back
   */
  forget(ids, name) {
    const giveBack = () => {
      if (name) saveYourName(name).catch((/** @type {unknown} */ error) => toast(sentenceOf(error)));
    };
    this.removals.ofLines(this.character, ids, t("talk.deleted"), (shown) => this.#parts.log.hide(this.transcript.stored(ids), !shown), giveBack);
  }

  /** @param {ClientAction} action */
  send(action) {
    return this.#socket?.send(action) ?? false;
  }

  /**
   * A frame of the microphone.
   * @param {ArrayBuffer} frame
   */
  sendSound(frame) {
    this.#socket?.sendSound(frame);
  }

  /** Is the line up, and not behind? */
  get hasRoom() {
    return this.#socket?.hasRoom ?? false;
  }

  reconnect() {
    this.#socket?.connect();
  }

  /** @param {ModelLabel} model */
  setModel(model) {
    this.model = model;
    this.emit("model", model);
  }

  /** @param {string} name */
  announceSwitch(name) {
    this.emit("switch", name);
  }

  /** @param {"card" | "reload"} what */
  announce(what) {
    this.emit(what);
  }

  /**
   * The turn is at this point now; shows it everywhere.
   * @param {TurnState} turn
   */
  enter(turn) {
    this.turn = turn;
    this.refresh();
    this.emit("turn");
  }

  /** There is something to stop: she thinks, writes or speaks. */
  get busy() {
    return this.transcript.streaming !== null || this.#parts.speech.speaking || this.turn === "thinking" || this.turn === "speaking";
  }

  refresh() {
    const { bar, stage, log, composer, speech } = this.#parts;
    const streaming = this.transcript.streaming !== null;
    const shown = speech.speaking ? "speaking" : this.turn;
    bar.setState(shown);
    stage.setActivity(shown === "speaking" && !speech.speaking ? "idle" : shown);
    const waits = this.turn === "thinking" && !streaming;
    log.showTyping(waits);
    this.waiting.set(waits);
    composer.setBusy(this.busy);
    log.setBusy(this.busy);
  }

  /**
   * The server knows us (or never says so): fill the gap, then send what is still unsent.
   * @param {number | null} [lastLineId]
   */
  async resume(lastLineId = null) {
    clearTimeout(this.#hello);
    const history = this.#history;
    await Promise.race([this.#begun, pause(HISTORY_TIMEOUT_MS)]);
    if (!history || history !== this.#history) return;
    if (lastLineId === null || lastLineId > (this.transcript.lastId ?? 0)) {
      await history.newer().catch(() => null);
      if (history !== this.#history) return;
    }
    if (this.#socket?.state !== "online") return;
    this.#ready = true;
    void this.versions.look();
    this.help.place();
    for (const entry of this.transcript.unconfirmed) this.#deliver(entry);
    this.emit("ready");
  }

  /** One page of older lines. Resolves when they stand on the page, or when the reader was told that they do not come. */
  async older() {
    await this.#history?.older().catch(() => toast(t("talk.older_failed")));
  }

  get more() {
    return this.#history?.more ?? false;
  }

  /**
   * Show a line of the log in its place, however far back and in whatever chat.
   * @param {Pick<Line, "id" | "chat">} line
   */
  async jump({ id, chat }) {
    if (chat !== this.chat && !(await this.changeChat(chat))) return;
    try {
      await this.#begun;
      await this.#history?.back(id);
    } catch {
      toast(t("talk.older_failed"));
      return;
    }
    this.#parts.follow.leave();
    await this.#parts.log.point(id);
  }

  /** @param {History} history */
  async #begin(history) {
    for (;;) {
      try {
        await history.begin();
        void this.versions.look();
        this.#parts.follow.toEnd();
        return;
      } catch {
        if (history !== this.#history) return;
        await pause(HISTORY_RETRY_MS);
        if (history !== this.#history) return;
      }
    }
  }

  #opened() {
    this.#hello = setTimeout(() => void this.resume(), HELLO_TIMEOUT_MS);
  }

  /** @param {Entry} entry */
  #deliver(entry) {
    for (const picture of entry.pictures ?? []) this.send({ action: "stream_data", input_type: "screen", data: picture, neko_kind: entry.shots?.has(picture) ? "shot" : "file" });
    const sent = this.send({
      action: "stream_data", input_type: "text", data: entry.text, client_id: entry.clientId ?? "", language: currentLanguage(),
      neko_region: readersRegion(),
    });
    if (sent) {
      if (entry.waiting) {
        entry.waiting = false;
        this.#parts.log.update(entry);
      }
      this.enter("thinking");
    } else {
      this.#wait(entry);
    }
  }

  /** @param {Entry} entry */
  #wait(entry) {
    entry.waiting = true;
    this.#parts.log.update(entry);
  }

  /** @param {LinkState} state */
  #linkState(state) {
    this.#parts.bar.setLink(state);
    this.#linkNotice.show(state);
    if (state === "online") return;
    this.#ready = false;
    clearTimeout(this.#hello);
    this.#parts.call.now?.lineLost();
    if (state === "waiting" || state === "taken") {
      this.transcript.settle(); // it goes on over there, and comes whole when the line is back
      this.#parts.speech.resume();
      this.#parts.speech.completeCurrent(); // what has come of its sound is heard to its end
      this.enter("idle");
    }
    if (state === "taken") {
      this.#parts.speech.stop();
      this.#parts.call.now?.hangUp();
    }
  }
}

/**
 * @param {number} milliseconds
 * @returns {Promise<void>}
 */
function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

function isServerThere() {
  return get("health", LOOK_TIMEOUT_MS).then(() => true, () => false);
}
