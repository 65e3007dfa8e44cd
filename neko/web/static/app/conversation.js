/** One character's conversation: what is said here goes out, what the server says takes effect. */
import { History } from "./history.js";
import { newId } from "./identity.js";
import { currentLanguage, t } from "./i18n.js";
import { banner, clearFaults, toast } from "./notices.js";
import { ServerEvents } from "./server_events.js";
import { Socket } from "./socket.js";
import { Transcript } from "./transcript.js";

const HELLO_DEADLINE = 1500;
const HISTORY_RETRY = 3000;
const HISTORY_PATIENCE = 4000;
const OFFLINE_GRACE = 4000;

export class Conversation {
  #parts;
  #socket = null;
  #history = null;
  #begun = null;
  #ready = false;
  #hello = 0;
  #offline = 0;
  #clearBanner = null;
  #events;
  #retried = null;
  character = "";
  /** Which voice speaks: builtin, openai, browser, off. */
  engine = "builtin";
  model = null;
  /** What the server says the turn is at: idle, thinking, speaking, listening. */
  turn = "idle";

  /** Parts: log, speech, stage, bar, composer, follow, onQuiet(conversation) when the talk stands and is empty, onModel(model), onSwitch(name). */
  constructor(parts) {
    this.#parts = parts;
    this.transcript = new Transcript(parts.log);
    this.#events = new ServerEvents(this, parts);
  }

  start(character) {
    this.end();
    this.character = character;
    const { bar, composer, stage } = this.#parts;
    bar.setName(character);
    composer.setName(character);
    stage.setName(character);
    this.#history = new History(character, this.transcript, this.#parts.log);
    this.#begun = this.#begin(this.#history);
    this.#socket = new Socket(() => socketUrl(character), {
      onOpen: () => this.#opened(),
      onMessage: (message) => this.#events.take(message),
      onBinary: (pcm) => this.#parts.speech.sound(pcm),
      onState: (state) => this.#lineState(state),
    });
    this.#socket.connect();
  }

  end() {
    this.#socket?.close();
    this.#history?.end();
    this.#parts.speech.hush();
    this.transcript.clear();
    clearFaults();
    this.#ready = false;
    this.enter("idle");
  }

  say(text, pictures) {
    clearFaults();
    const data = pictures.map((picture) => picture.data);
    const entry = this.transcript.say(newId(), text, data, pictures.map((picture) => picture.thumbnail));
    this.#parts.log.showTyping(false);
    if (this.#ready) this.#deliver(entry);
    else this.#wait(entry);
  }

  /** Stop her words and her voice at once. */
  stop() {
    const running = this.transcript.streaming;
    this.#parts.speech.hush();
    this.#events.ignore(running?.turnId ?? null);
    this.send({ action: "stop_reply" });
    this.transcript.settle("interrupted");
    this.enter("idle");
  }

  retry(entry = null) {
    if (!this.send({ action: "retry_reply" })) {
      toast(t("connection.not_now"));
      return;
    }
    clearFaults();
    this.#parts.speech.hush();
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

  /** The new reply begins (`shown`), or could not be had and the old one stands. */
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

  send(action) {
    return this.#socket?.send(action) ?? false;
  }

  reconnect() {
    this.#socket.connect();
  }

  /** The turn is at this point now; shows it everywhere. */
  enter(turn) {
    this.turn = turn;
    this.refresh();
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
    log.showTyping(this.turn === "thinking" && !streaming);
    composer.setBusy(this.busy);
  }

  /** The server knows us (or never says so): fill the gap, then send what is still unsent. */
  async resume(lastLineId = null) {
    clearTimeout(this.#hello);
    const history = this.#history;
    await Promise.race([this.#begun, pause(HISTORY_PATIENCE)]);
    if (history !== this.#history) return;
    if (lastLineId === null || lastLineId > (this.transcript.lastId ?? 0)) {
      await history.newer().catch(() => null);
      if (history !== this.#history) return;
    }
    if (this.#socket.state !== "online") return;
    this.#ready = true;
    for (const entry of this.transcript.unconfirmed) this.#deliver(entry);
    this.#parts.onQuiet(this);
  }

  older() {
    return this.#history?.older().catch(() => toast(t("talk.older_failed")));
  }

  get more() {
    return this.#history?.more ?? false;
  }

  async #begin(history) {
    for (;;) {
      try {
        await history.begin();
        this.#parts.follow.toEnd();
        return;
      } catch {
        if (history !== this.#history) return;
        await pause(HISTORY_RETRY);
        if (history !== this.#history) return;
      }
    }
  }

  #opened() {
    this.#hello = setTimeout(() => this.resume(), HELLO_DEADLINE);
  }

  #deliver(entry) {
    for (const picture of entry.pictures ?? []) this.send({ action: "stream_data", input_type: "screen", data: picture });
    const sent = this.send({
      action: "stream_data", input_type: "text", data: entry.text, client_id: entry.clientId, language: currentLanguage(),
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

  #wait(entry) {
    entry.waiting = true;
    this.#parts.log.update(entry);
  }

  #lineState(state) {
    this.#parts.bar.setLine(state);
    if (state === "online" || state === "taken" || state === "closed") {
      clearTimeout(this.#offline);
      this.#offline = 0;
    }
    if (state === "online") {
      this.#clearBanner?.();
      this.#clearBanner = null;
      return;
    }
    this.#ready = false;
    clearTimeout(this.#hello);
    if (state === "waiting" || state === "taken") {
      this.transcript.settle("interrupted");
      this.enter("idle");
    }
    if (state === "taken") {
      this.#parts.speech.hush();
      this.#clearBanner?.();
      this.#clearBanner = banner("line", t("connection.taken_words"), { label: t("connection.use_here"), run: () => this.reconnect() }, "take-over");
    } else if (state === "waiting" && !this.#clearBanner && !this.#offline) {
      this.#offline = setTimeout(() => {
        this.#clearBanner = banner("line", t("connection.waiting_words"), { label: t("connection.try_now"), run: () => this.reconnect() });
      }, OFFLINE_GRACE);
    }
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

function socketUrl(character) {
  const url = new URL(`ws/${encodeURIComponent(character)}`, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
