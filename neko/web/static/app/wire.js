/**
 * The frames of `/ws/{character}`, as `neko/web/wire.py` makes and reads them. Types only.
 *
 * Sound of a reply comes as a binary frame after each `audio_chunk`: PCM16 little-endian, mono, 48 kHz.
 *
 * @typedef {"idle" | "thinking" | "speaking" | "listening"} TurnState
 * @typedef {"text" | "audio"} Mode
 * @typedef {"user" | "assistant" | "system"} Role
 * @typedef {"complete" | "interrupted" | "failed" | "replaced"} LineStatus
 * @typedef {"builtin" | "openai" | "gptsovits" | "cosyvoice" | "voicevox" | "edge" | "gemini" | "step" | "free" | "cogtts" | "qwen" | "cosyvoice_cloud" | "browser" | "off"} SpeechEngine
 * @typedef {{ model: string, provider: string, offline: boolean, works: boolean | null }} ModelLabel
 *   `offline`: the built-in model. `works`: whether it answered the last time; null when it has not been asked yet.
 *
 * @typedef {{ code: string, params: Record<string, string | number> }} Remark Something to know of a reply: a sentence of the
 *   locales' `errors`.
 *
 * @typedef {object} Line A line of the log, as `api/history` gives it too.
 * @property {number} id
 * @property {Role} role
 * @property {string} speaker the name of whoever said it
 * @property {string} text
 * @property {string} at ISO 8601 with its offset
 * @property {LineStatus} status
 * @property {string} turn_id
 * @property {string | null} client_id
 * @property {number} chat the number of the chat it belongs to
 * @property {number} images how many pictures came with it
 * @property {number | null} replaces the version of this reply that counted before it
 * @property {string[]} pictures the files of those pictures that were kept
 * @property {Remark | null} remark
 * @property {number[]} recalled the lines that memory told the model of for this reply
 * @property {{ character: string, id: number }[]} recalled_elsewhere those that were said to other characters
 *
 * What the server sends, by `type`:
 *
 * @typedef {{
 *   type: "neko_hello", character: string, master: string, state: TurnState, model: ModelLabel,
 *   speech: { engine: SpeechEngine }, language: string, last_line_id: number, chat: number | null, private: boolean,
 * }} Hello
 * @typedef {{ type: "neko_state", state: TurnState }} StateChanged
 * @typedef {{ type: "neko_model", model: ModelLabel }} ModelChanged
 * @typedef {{ type: "neko_line", line: Line, replaces: number | null }} LineStored `replaces` is that of the line.
 * @typedef {{ type: "neko_chat", chat: number }} ChatOpened The conversation goes on in this chat.
 * @typedef {{ type: "neko_lines_unwanted", ids: number[], name: string }} LinesUnwanted They are to be deleted, so that it can be undone.
 * @typedef {{ type: "neko_lines_deleted", ids: number[] }} LinesDeleted They are gone from the log.
 * @typedef {{ type: "neko_emotion", emotion: string, intensity: number, speech_id: string }} EmotionShown
 * @typedef {{ number: string, name: string, hours: string, url: string }} HelpNumber
 * @typedef {{
 *   type: "neko_help", danger: string, message: string, numbers: HelpNumber[], find: string, checked: string, region: string,
 *   turn_id: string, client_id: string | null,
 * }} Help The reader's words may mean danger: whom to call. `region` is empty when it is not known.
 * @typedef {{ type: "neko_speech_end", speech_id: string }} SpeechEnded
 * @typedef {{ type: "neko_speak", speech_id: string, text: string, language: string, rate: number, pitch: number }} SpeakOnPage
 * @typedef {{ type: "gemini_response", text: string, isNewMessage: boolean, turn_id: string, speech_id: string }} ReplyText
 * @typedef {{ type: "system", data: "turn end", turn_id: string }} TurnEnd
 * @typedef {{ type: "neko_turn_abandoned", turn_id: string }} TurnAbandoned The turn ended before the model was asked.
 * @typedef {{ type: "user_transcript", text: string }} UserTranscript
 * @typedef {{ type: "neko_transcript", utterance_id: string, text: string, final: boolean }} Recognised What the user is heard
 *   to say, each one in place of the one before. A final one without text: there were no words.
 * @typedef {{ type: "neko_speech_paused", speech_id: string }} SpeechPaused The user may have begun to speak: hold this speech.
 * @typedef {{ type: "neko_speech_resumed", speech_id: string }} SpeechResumed It was nothing: go on with it.
 * @typedef {Partial<Record<"end_of_turn" | "transcript" | "committed" | "first_token" | "first_sound" | "turn_end", number>>} Times
 * @typedef {{ type: "neko_turn_times", turn_id: string, ms: Times }} TurnTimes Of a spoken turn: milliseconds since the last
 *   sound of the user's voice.
 * @typedef {{ type: "neko_hearing", engine: string, local: boolean }} HearingReady A call has begun: what turns speech into words.
 * @typedef {{ type: "neko_microphone", muted: boolean }} MicrophoneMuted The microphone was shut or opened, maybe by another program.
 * @typedef {{ type: "user_activity", interrupted_speech_id: string | null }} UserActivity
 * @typedef {{ type: "audio_chunk", speech_id: string }} AudioChunk
 * @typedef {{
 *   type: "response_discarded", reason: string, attempt: number, max_attempts: number, will_retry: boolean, message: string,
 * }} ResponseDiscarded
 * @typedef {{
 *   type: "status", message: string, level: "info" | "error", code?: string, remedy?: string, link?: string,
 *   fault?: string, dismissible?: boolean, turn_id?: string, wait_s?: number,
 * }} Status `fault`: the id of something that is wrong until `neko_fault_over`. `turn_id`: the reply that it is about.
 *   `wait_s`: what is waited for, true for so many seconds; 0: until the next word or another status.
 * @typedef {{ type: "neko_fault_over", fault: string }} FaultOver
 * @typedef {Pick<Line, "role" | "text" | "at" | "turn_id" | "client_id">} UnkeptLine
 * @typedef {{ type: "neko_line_unkept", line: UnkeptLine, off_record: boolean }} LineUnkept It was said, and will be in the log later, or never.
 * @typedef {{ type: "neko_off_record", on: boolean }} OffRecord Nothing of what is said is kept, or it is kept again.
 * @typedef {{ type: "session_preparing", input_mode: Mode }} SessionPreparing
 * @typedef {{ type: "session_started", input_mode: Mode }} SessionStarted
 * @typedef {{ type: "session_ended_by_server", input_mode: Mode }} SessionEnded
 * @typedef {{ type: "session_failed", input_mode: string, message: string }} SessionFailed
 * @typedef {{ type: "auto_close_mic", message: string }} AutoCloseMic
 * @typedef {{ type: "repetition_warning", name: string }} RepetitionWarning
 * @typedef {{ type: "catgirl_switched", new_catgirl: string, old_catgirl: string }} CharacterSwitched
 * @typedef {{ type: "neko_card" }} CardChanged The card of the character of this page says something else.
 * @typedef {{ type: "reload_page", message: string }} ReloadPage
 * @typedef {{ type: "request_screenshot", neko_wait_s: number }} RequestScreenshot She would like to see the screen, and waits so long.
 * @typedef {{ type: "neko_privacy", on: boolean }} PrivacyChanged Microphone, camera and screen are kept from her, or not any more.
 * @typedef {"screen" | "camera"} ShareSource
 * @typedef {{ type: "pong" }} Pong
 * @typedef {"mcp" | "browser_use" | "computer_use" | "user_plugin"} HandName
 * @typedef {"queued" | "running" | "paused" | "asking" | "completed" | "partial" | "failed" | "cancelled" | "interrupted"} TaskState
 * @typedef {"pause" | "resume" | "cancel" | "retry"} TaskCommand
 * @typedef {{ title: string, hand: HandName | "", state: "waiting" | "running" | "done" | "failed" | "skipped" | "stopped", detail: string }} TaskStep
 * @typedef {{
 *   title: string, instruction: string, state: TaskState, steps: TaskStep[], action: string, result: string, thumbnail: string,
 *   files: { name: string, url: string }[], commands: TaskCommand[], source: string, character: string, waits_for: "" | "turn" | "approval" | "user",
 *   remedy?: string, due?: string,
 * }} TaskDetails What N.E.K.O.'s own agent does not tell. `action`: what is being done now. `thumbnail`: an address, or "".
 * @typedef {{
 *   id: string, status: "queued" | "running" | "completed" | "failed" | "cancelled", type: string, start_time: string, end_time?: string | null,
 *   params?: Record<string, unknown> | null, original_query?: string, session_id?: string | null, error?: string | null, neko?: TaskDetails | null,
 * }} AgentTask
 * @typedef {{ ready: boolean, reason: string, remedy?: string }} Capability
 * @typedef {{
 *   revision: number, server_online: boolean, analyzer_enabled: boolean, flags: Record<"mcp_enabled" | "computer_use_enabled" | "browser_use_enabled" | "user_plugin_enabled", boolean>,
 *   gate: { ready: boolean, reasons: string[] }, capabilities: Record<HandName, Capability>, active_tasks: AgentTask[], updated_at: string,
 * }} AgentSnapshot A page drops one whose revision is not greater than that of the last.
 * @typedef {{ type: "agent_status_update", snapshot: AgentSnapshot }} AgentStatusUpdate
 * @typedef {{ type: "agent_notification", text: string, source: string, status: string, neko_task_id?: string }} AgentNotification
 * @typedef {{ type: "agent_task_update", task: AgentTask }} AgentTaskUpdate
 * @typedef {"read" | "write" | "destructive" | "exfiltrating"} Act
 * @typedef {"place" | "keys" | "may_send" | "unknown_program" | "unknown_window"} Extent
 * @typedef {{
 *   kind: "approval", id: string, character: string, seconds: number, seconds_left: number, server: string, tool: string,
 *   title: string, arguments: string, act: Act, may_remember: boolean, after_outside: boolean, by_others?: boolean, against_rule?: boolean, holds?: "once" | "task" | "restart", extent?: Extent, hand?: HandName | "", place?: string, picture?: string,
 *   task_id?: string,
 * }} ActQuestion May this be done? `arguments`: exactly what it would be given. `picture`: the address of what it would act on, with the spot marked. `may_remember`: "always" is an answer. `after_outside`: something from outside was read before, or, with `by_others`, only stands beside what the user said. `against_rule`: the user allows it by a rule, which does not count here. `holds`: what a yes is for: this act, such acts here until the task is over, this tool until Neko is started again. `extent`: what it may be for at most, and why no more.
 * @typedef {{
 *   type?: string, title?: string, description?: string, default?: unknown, enum?: (string | number)[], enumNames?: string[],
 *   oneOf?: { const: string, title: string }[], format?: string, minimum?: number, maximum?: number, minLength?: number,
 *   maxLength?: number, minItems?: number, maxItems?: number,
 *   items?: { enum?: string[], anyOf?: { const: string, title: string }[] },
 * }} FieldSchema
 * @typedef {{
 *   kind: "inquiry", id: string, character: string, seconds: number, seconds_left: number, server: string, message: string,
 *   schema: { properties?: Record<string, FieldSchema>, required?: string[] }, url: string,
 * }} Inquiry What a server of tools wants to know of the user, by a form or on a page of its own (`url`).
 * @typedef {{ type: "neko_approval", question: ActQuestion | Inquiry }} ApprovalAsked
 * @typedef {{ type: "neko_approval_over", id: string, outcome: string }} ApprovalOver It cannot be answered any more.
 *
 * @typedef {Hello | StateChanged | ModelChanged | LineStored | LinesDeleted | LinesUnwanted | ChatOpened | EmotionShown | SpeechEnded | SpeakOnPage | ReplyText | TurnEnd
 *   | TurnAbandoned | UserTranscript | Recognised | SpeechPaused | SpeechResumed | TurnTimes | HearingReady | MicrophoneMuted | UserActivity | AudioChunk | ResponseDiscarded | Status | SessionPreparing | SessionStarted | SessionEnded
 *   | SessionFailed | AutoCloseMic
 *   | FaultOver | LineUnkept | OffRecord | Help | RepetitionWarning | CharacterSwitched | CardChanged | ReloadPage | RequestScreenshot | PrivacyChanged | Pong
 *   | AgentStatusUpdate | AgentNotification | AgentTaskUpdate | ApprovalAsked | ApprovalOver} ServerEvent
 *
 * What the page sends, by `action`:
 *
 * @typedef {{ action: "stream_data", input_type: "text", data: string, client_id: string, language: string, neko_region: string }} SendText
 * @typedef {{ action: "stream_data", input_type: ShareSource, data: string, neko_kind: "live" | "shot" | "file" }} SendPicture
 *   `data`: a `data:image/jpeg;base64,` URL. "live": of what is shared; the others go with the next words.
 * @typedef {{ action: "neko_sharing", source: ShareSource | null }} ShareLive What is shown live from now on.
 * @typedef {{ action: "screenshot_response", data: string, neko_refused?: boolean }} AnswerScreenshot
 * @typedef {{ action: "stop_reply" | "retry_reply" | "ping", language?: string, neko_region?: string }} PlainAction
 * @typedef {{ action: "playback", speech_id: string, played_ms: number, state: "playing" | "paused" | "ended" }} ReportPlayback
 * @typedef {{ action: "neko_heard", utterance_id: string, state: "started" | "partial" | "final" | "rejected", text: string }} HeardOnPage
 * @typedef {{ action: "neko_microphone", muted: boolean }} MuteMicrophone
 * @typedef {{ action: "neko_reduce_noise", on: boolean }} ReduceNoise Take the noise of the room out of the microphone's sound.
 * @typedef {{ action: "neko_push_to_talk", held: boolean }} PushToTalk
 * @typedef {{ action: "neko_in_sight", on: boolean }} ReportSight
 * @typedef {{ action: "start_session", input_type: "audio", audio_format: "pcm16", sample_rate: number, echo_cancelled: boolean }} StartCall
 *   Binary frames follow: PCM16 little-endian mono at that rate.
 * @typedef {{ action: "end_session" }} EndCall
 * @typedef {{
 *   action: "neko_approve", id: string, decision: "once" | "always" | "deny" | "accept" | "decline" | "cancel",
 *   content?: Record<string, unknown>,
 * }} Approve The answer to a `neko_approval`; the last three, and `content`, to an inquiry.
 * @typedef {SendText | SendPicture | ShareLive | AnswerScreenshot | PlainAction | ReportPlayback | HeardOnPage | MuteMicrophone | ReduceNoise | PushToTalk | ReportSight | StartCall | EndCall | Approve} ClientAction
 */
export {};
