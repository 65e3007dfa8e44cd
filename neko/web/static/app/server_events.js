/**
 * What each event of the server means here. A type we do not know is none of our business.
 *
 * @import { Conversation, ConversationParts } from "./conversation.js"
 * @import { Approvals } from "./approvals/approvals.js"
 * @import { ScreenRequest } from "./sharing/screen_request.js"
 * @import { Hello, ModelLabel, ReplyText, ResponseDiscarded, ServerEvent, Status } from "./wire.js"
 */
import { t } from "./i18n.js";
import { Late } from "./late.js";
import { clearFault, faultIsShown, showFault, toast } from "./notices.js";
import { privacy } from "./privacy.js";
import { reportSight } from "./sight.js";
import { endAllStanding, endStanding, showStanding } from "./standing_faults.js";

const RELOAD_AFTER_MS = 2500;
const LONG_TOAST_MS = 8000;
const NOTIFICATION_MS = 6000;
const TRANSIENT = new Set([
  "model", "model_unreachable", "model_host_unknown", "model_timeout", "model_stream_broken", "model_empty_reply", "model_loading",
  "model_rate_limited", "model_server_error", "model_reply_lost", "model_call_lost", "reply_too_long",
]);
/** Faults of this page's own frames: nothing the reader could do. */
const OURS = new Set(["unknown_action", "invalid_json", "invalid_input_type"]);

/** @typedef {{ [Type in ServerEvent["type"]]?: (event: Extract<ServerEvent, { type: Type }>) => void }} Handlers */

export class ServerEvents {
  #conversation;
  #parts;
  #tellSight;
  #approvals;
  #screenRequest;
  /** The turn that was stopped (null: whatever was running), undefined when none was. @type {string | null | undefined} */
  #ignored = undefined;

  /**
   * @param {Conversation} conversation
   * @param {ConversationParts} parts
   */
  constructor(conversation, parts) {
    this.#conversation = conversation;
    this.#parts = parts;
    this.#tellSight = reportSight((action) => conversation.send(action));
    /** @type {Late<Approvals>} */
    this.#approvals = new Late(async () => new (await import("./approvals/approvals.js")).Approvals((answer) => conversation.send(answer)));
    /** @type {Late<ScreenRequest>} */
    this.#screenRequest = new Late(async () => new (await import("./sharing/screen_request.js")).ScreenRequest((answer) => conversation.send(answer)));
  }

  /** What is asked here is asked no more, or will be told again. */
  end() {
    this.#approvals.now?.clear();
    this.#screenRequest.now?.clear();
  }

  /** @param {ServerEvent} event */
  take(event) {
    if (!Object.hasOwn(this.#handlers, event.type)) return;
    const handle = /** @type {(event: ServerEvent) => void} */ (this.#handlers[event.type]);
    handle(event);
  }

  /**
   * More of this turn may be on its way; the reader has stopped it. Null: whatever is running.
   * @param {string | null} turnId
   */
  ignore(turnId) {
    this.#ignored = turnId;
  }

  /** @param {Hello} hello */
  async #greeted(hello) {
    if (hello.chat !== null) await this.#conversation.followChat(hello.chat);
    await this.#conversation.resume(hello.last_line_id);
  }

  /** @type {Handlers} */
  #handlers = {
    neko_hello: (hello) => {
      endAllStanding();
      this.end(); // told next if they are still asked
      this.#conversation.offRecord.follow(false); // told next if it is on
      privacy.greeted(hello.private);
      this.#tellSight();
      this.#conversation.engine = hello.speech.engine;
      this.#model(hello.model);
      if (hello.state === "idle") this.#parts.speech.completeCurrent();
      this.#conversation.enter(hello.state);
      void this.#greeted(hello);
    },
    neko_state: ({ state }) => this.#conversation.enter(state),
    neko_model: ({ model }) => {
      this.#model(model);
      this.#parts.call.now?.sharing?.setSeen(true); // until the server says that this one does not see either
    },
    neko_chat: ({ chat }) => void this.#conversation.followChat(chat),
    neko_line: ({ line }) => {
      if (line.chat !== (this.#conversation.chat ?? line.chat)) return; // of the chat that was just left
      this.#conversation.transcript.commit(line);
      if (line.role === "assistant") {
        this.#conversation.retryIsStored();
        this.#parts.bar.attention.said(line.text);
        void this.#conversation.versions.look();
      }
      this.#conversation.refresh();
    },
    neko_lines_deleted: ({ ids }) => {
      this.#conversation.transcript.forget(ids);
      this.#conversation.refresh();
    },
    neko_lines_unwanted: ({ ids, name }) => this.#conversation.forget(ids, name),
    neko_line_unkept: ({ line, off_record: offRecord }) => this.#conversation.transcript.markUnkept(line, offRecord),
    neko_off_record: ({ on }) => this.#conversation.offRecord.follow(on),
    neko_privacy: ({ on }) => privacy.follow(on),
    request_screenshot: ({ neko_wait_s: seconds }) => {
      this.#screenRequest.load().then((it) => it.ask(this.#conversation.character, this.#parts.call.now?.sharing ?? null, seconds), () => {});
    },
    neko_help: (help) => this.#conversation.help.show(help),
    neko_approval: ({ question }) => void this.#withApprovals((it) => it.show(question)),
    neko_approval_over: ({ id, outcome }) => void this.#withApprovals((it) => it.over(id, outcome)),
    neko_fault_over: ({ fault }) => endStanding(fault),
    neko_emotion: ({ emotion, intensity }) => this.#parts.stage.setEmotion(emotion, intensity),
    neko_speech_end: ({ speech_id: id }) => this.#parts.speech.complete(id),
    neko_speak: ({ speech_id: id, text, language, rate, pitch }) => this.#parts.speech.speak(id, text, language, { rate, pitch }),
    gemini_response: (piece) => this.#grow(piece),
    user_transcript: ({ text }) => this.#conversation.transcript.addTranscribed(text),
    neko_transcript: ({ utterance_id: id, text, final }) => {
      this.#conversation.transcript.hear(id, text, final);
      this.#parts.call.now?.heard(text, final);
    },
    neko_microphone: ({ muted }) => this.#parts.call.now?.setMuted(muted, { told: true }),
    session_started: ({ input_mode: mode }) => this.#parts.call.now?.sessionStarted(mode),
    user_activity: ({ interrupted_speech_id: id }) => {
      this.#parts.speech.interrupt(id);
      this.#conversation.transcript.settle("interrupted");
    },
    neko_turn_times: ({ turn_id: id, ms }) => this.#conversation.transcript.time(id, ms),
    neko_speech_paused: () => this.#parts.speech.pause(),
    neko_speech_resumed: () => this.#parts.speech.resume(),
    audio_chunk: ({ speech_id: id }) => this.#parts.speech.header(id),
    system: ({ data }) => {
      if (data !== "turn end") return;
      this.#ignored = undefined;
      this.#conversation.transcript.settle();
      this.#conversation.enter("idle");
    },
    response_discarded: (discarded) => this.#discard(discarded),
    status: ({ fault, ...status }) => {
      if (fault) showStanding({ ...status, fault });
      else this.#status(status);
      if (status.code === "shared_unseen") this.#parts.call.now?.sharing?.setSeen(false);
    },
    session_failed: ({ input_mode: mode, message }) => {
      this.#parts.call.now?.sessionOver(mode);
      this.#conversation.enter("idle");
      if (message && !faultIsShown()) toast(message);
    },
    session_ended_by_server: ({ input_mode: mode }) => {
      this.#parts.call.now?.sessionOver(mode, faultIsShown() ? "" : t("call.ended"));
      this.#conversation.transcript.settle("interrupted");
      this.#conversation.enter("idle");
    },
    auto_close_mic: ({ message }) => {
      this.#parts.call.now?.hangUp();
      if (message && !faultIsShown()) toast(message);
    },
    repetition_warning: ({ name }) => {
      toast(t("talk.repetition", { name }), { timeMs: LONG_TOAST_MS });
    },
    agent_status_update: ({ snapshot }) => void this.#parts.hands.snapshot(snapshot),
    agent_task_update: ({ task }) => void this.#parts.hands.task(task),
    agent_notification: ({ text, neko_task_id: task }) => {
      if (text && !(task && this.#parts.hands.shows(task))) toast(text, { timeMs: NOTIFICATION_MS });
    },
    catgirl_switched: ({ new_catgirl: name }) => {
      if (name && name !== this.#conversation.character) this.#conversation.announceSwitch(name);
    },
    neko_card: () => this.#conversation.announce("card"),
    reload_page: ({ message }) => {
      if (message) toast(message);
      setTimeout(() => this.#conversation.announce("reload"), RELOAD_AFTER_MS);
    },
  };

  /**
   * In the order in which they come. A question that cannot be shown stays without an answer, which is a no.
   * @param {(approvals: Approvals) => void} wish
   */
  async #withApprovals(wish) {
    try {
      wish(await this.#approvals.load());
    } catch {
      toast(t("connection.part_missing"));
    }
  }

  /** @param {ModelLabel} model */
  #model(model) {
    this.#parts.bar.setModel(model);
    this.#conversation.setModel(model);
  }

  /** @param {ReplyText} piece */
  #grow({ text, isNewMessage: isNew, turn_id: turnId, speech_id: speechId }) {
    if (this.#ignored !== undefined) {
      if (turnId ? turnId === this.#ignored : !isNew) return;
      this.#ignored = undefined;
    }
    if (isNew) {
      this.#parts.bar.setWorks(true);
      clearFault();
      this.#conversation.retryIsShown(true);
    }
    if (!this.#conversation.transcript.grow(turnId, text, isNew, speechId)) return;
    if (this.#conversation.turn === "idle" || this.#conversation.turn === "thinking") this.#conversation.enter("speaking");
    else if (isNew) this.#conversation.refresh();
  }

  /** @param {ResponseDiscarded} discarded */
  #discard({ reason, will_retry: again, message }) {
    this.#conversation.transcript.discard();
    this.#parts.speech.stop();
    if (again) {
      this.#conversation.enter("thinking");
      if (reason !== "thought" && !this.#conversation.isRetrying) this.#conversation.waiting.tell(t("talk.again"));
      return;
    }
    this.#conversation.enter("idle");
    this.#conversation.retryIsShown(false);
    if (message && reason !== "retry") toast(message); // there it is the earlier reply, which stands on the page again
  }

  /** @param {Status} status */
  #status({ message, code, remedy, link, level, turn_id: turnId, wait_s: waitS }) {
    if (code === "left") return;
    if (waitS && code?.startsWith("model_")) this.#parts.bar.setWorks(false, message); // it is asked again by itself
    if (waitS !== undefined && this.#conversation.waiting.tell(message, waitS)) return;
    if (level === "info" && waitS === undefined && turnId) {
      this.#conversation.transcript.remark(turnId, [message, remedy].filter(Boolean).join(" "));
      return;
    }
    if (!code || level === "info") {
      if (message && remedy) toast(`${message} ${remedy}`, { timeMs: LONG_TOAST_MS });
      else if (message) toast(message);
      return;
    }
    if (OURS.has(code)) {
      console.warn(message);
      return;
    }
    this.#conversation.retryIsShown(false);
    const retry = TRANSIENT.has(code) ? () => this.#conversation.retry() : null;
    if (code.startsWith("model_") || code === "model") this.#parts.bar.setWorks(false, message.split("\n")[0]);
    showFault({ code, message, remedy, link, retry });
    this.#parts.follow.keep();
  }
}
