/** What each message of the server means here. A type we do not know is none of our business. */
import { t } from "./i18n.js";
import { clearFaults, faultCard, toast } from "./notices.js";

const RELOAD_AFTER = 2500;
const TRANSIENT = new Set(["model_unreachable", "model_timeout", "model_stream_broken", "model_rate_limited", "model_server_error", "model"]);
/** Faults of this page's own frames: nothing the reader could do. */
const OURS = new Set(["unknown_action", "invalid_json", "invalid_input_type"]);

export class ServerEvents {
  #talk;
  #parts;
  #ignored = undefined;

  constructor(talk, parts) {
    this.#talk = talk;
    this.#parts = parts;
  }

  take(message) {
    this.#handlers[message.type]?.(message);
  }

  /** More of this turn may be on its way; the reader has stopped it. Null: whatever is running. */
  ignore(turnId) {
    this.#ignored = turnId;
  }

  #handlers = {
    neko_hello: (hello) => {
      this.#talk.engine = hello.speech?.engine ?? "builtin";
      this.#model(hello.model);
      this.#talk.enter(hello.state ?? "idle");
      this.#talk.resume(hello.last_line_id ?? null);
    },
    neko_state: ({ state }) => this.#talk.enter(state),
    neko_model: ({ model }) => this.#model(model),
    neko_line: ({ line, replaces }) => {
      this.#talk.transcript.commit(line, replaces ?? null);
      if (line.role === "assistant") this.#talk.retryIsStored();
      this.#talk.refresh();
    },
    neko_emotion: ({ emotion, intensity }) => this.#parts.stage.feel(emotion, intensity ?? 1),
    neko_speech_end: ({ speech_id: id }) => this.#parts.speech.complete(id),
    neko_speak: ({ speech_id: id, text, language }) => this.#parts.speech.say(id, text, language),
    gemini_response: (delta) => this.#grow(delta),
    user_transcript: ({ text }) => this.#talk.transcript.heard(text),
    user_activity: ({ interrupted_speech_id: id }) => {
      this.#parts.speech.interrupt(id ?? null);
      this.#talk.transcript.settle("interrupted");
    },
    audio_chunk: ({ speech_id: id }) => this.#parts.speech.header(id ?? null),
    system: ({ data }) => {
      if (data !== "turn end") return;
      this.#ignored = undefined;
      this.#talk.transcript.settle();
      this.#talk.enter("idle");
    },
    response_discarded: (discarded) => this.#discard(discarded),
    status: (status) => this.#status(status),
    session_preparing: () => null,
    session_started: () => null,
    session_failed: ({ message }) => {
      this.#talk.enter("idle");
      if (message && !document.querySelector(".fault")) toast(message);
    },
    session_ended_by_server: () => {
      this.#talk.transcript.settle("interrupted");
      this.#talk.enter("idle");
    },
    auto_close_mic: ({ message }) => message && toast(message),
    repetition_warning: ({ name }) => toast(t("talk.repetition", { name }), { time: 8000 }),
    agent_notification: ({ text }) => text && toast(text, { time: 6000 }),
    catgirl_switched: ({ new_catgirl: name }) => name && name !== this.#talk.character && this.#parts.onSwitch(name),
    reload_page: ({ message }) => {
      if (message) toast(message);
      setTimeout(() => this.#reload(), RELOAD_AFTER);
    },
  };

  #model(model) {
    if (!model) return;
    this.#talk.model = model;
    this.#parts.bar.setModel(model);
    this.#parts.onModel(model);
  }

  #grow({ text, isNewMessage: isNew, turn_id: turnId = null }) {
    if (this.#ignored !== undefined) {
      if (turnId ? turnId === this.#ignored : !isNew) return;
      this.#ignored = undefined;
    }
    if (isNew) {
      clearFaults();
      this.#talk.retryIsShown(true);
    }
    if (!this.#talk.transcript.grow(turnId, text, Boolean(isNew))) return;
    if (this.#talk.turn === "idle" || this.#talk.turn === "thinking") this.#talk.enter("speaking");
    else if (isNew) this.#talk.refresh();
  }

  #discard({ will_retry: again, message }) {
    this.#talk.transcript.discard();
    this.#parts.speech.hush();
    if (again) {
      if (!this.#talk.isRetrying) toast(t("talk.again"));
      this.#talk.enter("thinking");
      return;
    }
    this.#talk.enter("idle");
    this.#talk.retryIsShown(false);
    if (message) toast(message);
  }

  #status({ message, code, remedy, link, level }) {
    if (code === "left") return;
    if (!code || level === "info") {
      if (typeof message === "string" && message) toast(message);
      return;
    }
    if (OURS.has(code)) {
      console.warn(message);
      return;
    }
    this.#talk.retryIsShown(false);
    const retry = TRANSIENT.has(code) ? () => this.#talk.retry() : null;
    faultCard({ code, message, remedy, link, retry });
    this.#parts.follow.keep();
  }

  /** Not under the reader's hands: only when nothing is open. The draft survives. */
  #reload() {
    if (document.querySelector("dialog[open]")) {
      document.querySelector("dialog[open]").addEventListener("close", () => location.reload(), { once: true });
    } else {
      location.reload();
    }
  }
}
