"""Frames of ``/ws/{character}`` to actions, and events to frames (``contract/websocket.md`` §2, §3)."""

from __future__ import annotations

import base64
import binascii
import sys
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

from neko.errors import FrameError
from neko.sessions import events as ev
from neko.sessions.actions import (
    Action,
    AnswerApproval,
    EndSession,
    HeardOnPage,
    Mode,
    MuteMicrophone,
    Ping,
    PushToTalk,
    ReduceNoise,
    ReportPlayback,
    ReportSight,
    RetryReply,
    ScreenshotResponse,
    SendAudio,
    SendImage,
    SendText,
    Sharing,
    StartSession,
    StopReply,
)
from neko.types.agent import Decision, Reply
from neko.types.lines import UNKNOWN_TIME, Line, NewLine
from neko.types.model_session import ModelLabel
from neko.well_formed import dump_json, load_json

MAX_TEXT = 20_000
MAX_IMAGE = 13_981_113
"""Characters of base64: 10 MiB of picture."""
MAX_SAMPLES = 48_000
MAX_ENCODED_AUDIO = 1_000_000
"""Characters of base64: some eight seconds at 48 kHz."""
SMALL_FRAME = 8 * MAX_SAMPLES + 4096
"""Characters of a frame that is parsed whatever it holds: a list of samples, and what is around it."""
_ENVELOPE = 4096
_MOST_TEXTS = 32
MAX_AUDIO = MAX_ENCODED_AUDIO * 3 // 4
"""Bytes of samples."""
DESKTOP_BLOCK = 480
MODEL_RATE = 16_000
LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000
BYTES_PER_SAMPLE = 2
_BASE64_STEP = 4 * 256 * 1024
"""Characters that are decoded at a time: nobody else gets the interpreter meanwhile."""
_LONGEST_SPEECH_MS = 86_400_000
_JPEG = "data:image/jpeg;base64,"
_MODES: dict[str, Mode] = {"audio": "audio", "screen": "audio", "camera": "audio", "text": "text"}


class Frame(NamedTuple):
    """What a client says: an action, ``None`` for input that is dropped without an answer, and what may ride on any:
    ``language`` that it shows and, of our own page, ``region`` it is in (``neko_region``)."""

    action: Action | None
    language: str | None
    region: str | None


def decode(text: str) -> Frame:
    """One frame. Raises ``FrameError``. May take some time for a frame
    larger than ``SMALL_FRAME``; one that can be no action is refused before it is parsed.
    """
    if len(text) > MAX_TEXT and (_is_nested(text) or (len(text) > SMALL_FRAME and not _is_one_long_text(text))):
        raise FrameError("too_large")
    try:
        frame = load_json(text)
    except (ValueError, RecursionError):
        raise FrameError("invalid_json") from None
    if not isinstance(frame, dict):
        raise FrameError("invalid_json")
    language, region = frame.get("language"), frame.get("neko_region")
    name = frame.get("action")
    decoder = _ACTIONS.get(name) if isinstance(name, str) else None
    if decoder is None:
        raise FrameError("unknown_action", action=str(name)[:60])
    return Frame(
        decoder(frame),
        language if isinstance(language, str) else None,
        region if isinstance(region, str) else None,
    )


def _is_nested(frame: str) -> bool:
    """Whether it holds more lists and objects than any action has, even one whose text is nothing but brackets."""
    return frame.count("[") + frame.count("{") > MAX_TEXT + _ENVELOPE


def _is_one_long_text(frame: str) -> bool:
    """Whether a large frame can be a picture or sound in base64: nearly all of it in quotes, and rarely escaped."""
    outside = start = 0
    for _ in range(_MOST_TEXTS):
        opens = frame.find('"', start)
        if opens < 0:
            return outside + len(frame) - start <= _ENVELOPE and frame.count("\\") < len(frame) // 8
        closes = frame.find('"', opens + 1)
        if closes < 0:
            return False
        outside += opens - start
        start = closes + 1
    return False


def _start_session(frame: dict[str, Any]) -> Action:
    input_type = frame.get("input_type", "audio")
    mode = _MODES.get(input_type) if isinstance(input_type, str) else None
    if mode is None:
        raise FrameError("invalid_input_type", failed_mode=str(input_type)[:20], input_type=str(input_type)[:60])
    return StartSession(
        mode, frame.get("new_session") is True, _binary_rate(frame, mode), frame.get("echo_cancelled") is True
    )


def _binary_rate(frame: dict[str, Any], mode: Mode) -> int | None:
    """The rate of binary microphone frames that a client announces (``audio_format``, ``sample_rate``)."""
    encoding = frame.get("audio_format")
    if encoding is None:
        return None
    rate = _rate(frame, MODEL_RATE)
    if encoding != "pcm16" or rate is None:
        described = f"{encoding}, {frame.get('sample_rate')} Hz"[:60]
        raise FrameError("invalid_audio_format", failed_mode=mode, audio_format=described)
    return rate


def _rate(frame: dict[str, Any], unstated: int) -> int | None:
    """The stated sample rate in Hz, ``unstated`` without one, ``None`` for one that cannot be."""
    rate = frame.get("sample_rate", unstated)
    if isinstance(rate, str) and rate.isascii() and rate.isdecimal() and len(rate) < 10:
        rate = int(rate)
    return rate if type(rate) is int and LOWEST_RATE <= rate <= HIGHEST_RATE else None


def _stream_data(frame: dict[str, Any]) -> Action | None:
    data = frame.get("data")
    match frame.get("input_type"):
        case "text" if isinstance(data, str):
            if len(data) > MAX_TEXT:
                raise FrameError("text_too_long", limit=MAX_TEXT)
            client_id = frame.get("client_id")
            return SendText(data, client_id[:80] if isinstance(client_id, str) else None)
        case "audio" if isinstance(data, list):
            return _samples(data, _rate(frame, 48_000 if len(data) == DESKTOP_BLOCK else MODEL_RATE))
        case "audio" if isinstance(data, str):
            return _encoded_audio(data, _rate(frame, MODEL_RATE))
        case "screen" | "camera" if isinstance(data, str):
            jpeg = _jpeg(data) if data.startswith(_JPEG) else None
            return _image(frame, jpeg) if jpeg else None
    return None


def _image(frame: dict[str, Any], jpeg: bytes) -> SendImage:
    """``neko_kind``: our page says what it is."""
    match frame.get("neko_kind"):
        case "live":
            return SendImage(jpeg, "live")
        case "shot":
            return SendImage(jpeg, "beside")
        case "file":
            return SendImage(jpeg, "beside", captured=False)
    return SendImage(jpeg)


def _sharing(frame: dict[str, Any]) -> Action:
    source = frame.get("source")
    return Sharing(source if source in ("screen", "camera") else None)


def binary_audio(data: bytes, rate: int) -> SendAudio | None:
    """A binary frame of a client that has announced its rate; one that is too large is dropped, as encoded ones are."""
    return SendAudio(data, rate) if BYTES_PER_SAMPLE <= len(data) <= MAX_AUDIO else None


def _encoded_audio(data: str, rate: int | None) -> Action | None:
    """PCM16 in base64; a rate that is not stated is 16 kHz."""
    if len(data) > MAX_ENCODED_AUDIO or rate is None:
        return None
    try:
        pcm = base64.b64decode(data.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    return binary_audio(pcm, rate)


def _samples(samples: list[Any], rate: int | None) -> Action | None:
    """Samples as integers. Without a stated rate exactly 480 of them are 48 kHz, anything else is 16 kHz."""
    if not samples or len(samples) > MAX_SAMPLES or rate is None:
        return None
    try:
        pcm = array("h", samples)
    except (TypeError, OverflowError):
        if not all(type(sample) is int for sample in samples):
            return None
        pcm = array("h", (max(-32768, min(32767, sample)) for sample in samples))
    if sys.byteorder == "big":
        pcm.byteswap()
    return SendAudio(pcm.tobytes(), rate)


def _screenshot(frame: dict[str, Any]) -> Action | None:
    data = frame.get("data")
    if frame.get("neko_refused") is True:
        return ScreenshotResponse(None)
    jpeg = _jpeg(data) if isinstance(data, str) else None
    return ScreenshotResponse(jpeg) if jpeg else None


def _jpeg(data: str) -> bytes | None:
    encoded = data.split(",", 1)[-1]
    if len(encoded) > MAX_IMAGE:
        return None
    try:
        picture = b"".join(
            base64.b64decode(encoded[at : at + _BASE64_STEP], validate=True)
            for at in range(0, len(encoded), _BASE64_STEP)
        )
    except (binascii.Error, ValueError):
        return None
    return picture if picture.startswith(b"\xff\xd8") else None


def _playback(frame: dict[str, Any]) -> Action | None:
    speech_id, played_ms, state = frame.get("speech_id"), frame.get("played_ms"), frame.get("state")
    if not isinstance(speech_id, str) or isinstance(played_ms, bool) or not isinstance(played_ms, int | float):
        return None
    if state not in ("playing", "paused", "ended") or not 0 <= played_ms < _LONGEST_SPEECH_MS:
        return None
    return ReportPlayback(speech_id, float(played_ms), state)


def _heard(frame: dict[str, Any]) -> Action | None:
    utterance_id, state, text = frame.get("utterance_id"), frame.get("state"), frame.get("text", "")
    if not isinstance(utterance_id, str) or not utterance_id or not isinstance(text, str):
        return None
    if state not in ("started", "partial", "final", "rejected"):
        return None
    if len(text) > MAX_TEXT:
        raise FrameError("text_too_long", limit=MAX_TEXT)
    return HeardOnPage(utterance_id[:80], state, text)


def _approval(frame: dict[str, Any]) -> Action | None:
    question, decision, content = frame.get("id"), frame.get("decision"), frame.get("content")
    if not isinstance(question, str):
        return None
    match decision:
        case "once" | "always" | "deny":
            return AnswerApproval(question, Decision(decision))
        case "accept" | "decline" | "cancel":
            return AnswerApproval(question, Reply(decision, content if isinstance(content, dict) else None))
    return None


_ACTIONS: dict[str, Callable[[dict[str, Any]], Action | None]] = {
    "start_session": _start_session,
    "stream_data": _stream_data,
    "end_session": lambda _: EndSession(),
    "pause_session": lambda _: EndSession(),
    "screenshot_response": _screenshot,
    "playback": _playback,
    "neko_sharing": _sharing,
    "neko_heard": _heard,
    "neko_microphone": lambda frame: MuteMicrophone(frame.get("muted") is True),
    "neko_reduce_noise": lambda frame: ReduceNoise(frame.get("on") is True),
    "neko_push_to_talk": lambda frame: PushToTalk(frame.get("held") is True),
    "neko_approve": _approval,
    "neko_in_sight": lambda frame: ReportSight(frame.get("on") is True),
    "ping": lambda _: Ping(),
    "stop_reply": lambda _: StopReply(),
    "retry_reply": lambda _: RetryReply(),
}


def line_json(line: Line) -> dict[str, Any]:
    """A line of the log as the page gets it, over the socket and from ``/api/history``."""
    return {
        "id": line.id,
        "role": line.role,
        "speaker": line.speaker,
        "text": line.text,
        "at": moment_of(line),
        "status": line.status,
        "turn_id": line.turn_id,
        "client_id": line.client_id,
        "images": line.images,
        "chat": line.chat,
        "replaces": line.replaces,
        "pictures": list(line.pictures),
        "remark": {"code": line.remark.code, "params": dict(line.remark.params)} if line.remark else None,
        "recalled": list(line.recalled),
        "recalled_elsewhere": [{"character": one.character, "id": one.id} for one in line.recalled_elsewhere],
    }


def moment_of(line: Line) -> str:
    """ISO 8601 with the offset here; "" where nobody knows it."""
    return "" if line.at == UNKNOWN_TIME else line.at.astimezone().isoformat(timespec="milliseconds")


def _unkept_line(line: NewLine) -> dict[str, Any]:
    """What is known of a line before it is in the log."""
    return {
        "role": line.role,
        "text": line.text,
        "at": line.at.astimezone().isoformat(timespec="milliseconds"),
        "turn_id": line.turn_id,
        "client_id": line.client_id,
    }


def label_json(label: ModelLabel) -> dict[str, Any]:
    """The model's name as the page shows it."""
    return {"model": label.model, "provider": label.provider, "offline": label.offline, "works": label.works}


def _reply_text(e: ev.ReplyText) -> dict[str, Any]:
    return {
        "type": "gemini_response",
        "text": e.text,
        "isNewMessage": e.first,
        "turn_id": e.turn_id,
        "speech_id": e.speech_id,
    }


def _status(e: ev.Status) -> dict[str, Any]:
    frame: dict[str, Any] = {"type": "status", "message": e.message, "level": e.level}
    extras = {"code": e.code, "remedy": e.remedy, "link": e.link, "fault": e.fault, "dismissible": e.dismissible}
    frame |= {key: value for key, value in extras.items() if value}
    if e.turn_id:
        frame["turn_id"] = e.turn_id
    if e.wait_s is not None:
        frame["wait_s"] = e.wait_s
    return frame


def _hello(e: ev.Hello) -> dict[str, Any]:
    return {
        "type": "neko_hello",
        "character": e.character,
        "master": e.master,
        "state": e.state,
        "model": label_json(e.model),
        "speech": {"engine": e.speech},
        "language": e.language,
        "last_line_id": e.last_line_id,
        "chat": e.chat,
        "private": e.private,
    }


def _discarded(e: ev.ResponseDiscarded) -> dict[str, Any]:
    return {
        "type": "response_discarded",
        "reason": e.reason,
        "attempt": e.attempt,
        "max_attempts": e.max_attempts,
        "will_retry": e.will_retry,
        "message": e.message,
    }


def _emotion(e: ev.EmotionShown) -> dict[str, Any]:
    return {"type": "neko_emotion", "emotion": e.emotion, "intensity": e.intensity, "speech_id": e.speech_id}


def _help(e: ev.HelpOffered) -> dict[str, Any]:
    return {
        "type": "neko_help",
        "danger": e.danger,
        "message": e.message,
        "numbers": [{"number": n.number, "name": n.name, "hours": n.hours, "url": n.url} for n in e.numbers],
        "find": e.find,
        "checked": e.checked,
        "region": e.region,
        "turn_id": e.turn_id,
        "client_id": e.client_id,
    }


def _speak(e: ev.SpeakOnPage) -> dict[str, Any]:
    how = {"language": e.language, "rate": e.rate, "pitch": e.pitch}
    return {"type": "neko_speak", "speech_id": e.speech_id, "text": e.text, **how}


def _turn_times(e: ev.TurnTimes) -> dict[str, Any]:
    names = {"first_delta": "first_token", "first_audio": "first_sound"}
    ms = {names.get(name, name): round(seconds * 1000) for name, seconds in e.marks.items()}
    return {"type": "neko_turn_times", "turn_id": e.turn_id, "ms": ms}


_FRAMES: dict[type, Callable[[Any], dict[str, Any]]] = {
    ev.ReplyText: _reply_text,
    ev.Status: _status,
    ev.Hello: _hello,
    ev.ResponseDiscarded: _discarded,
    ev.EmotionShown: _emotion,
    ev.SpeakOnPage: _speak,
    ev.HelpOffered: _help,
    ev.StateChanged: lambda e: {"type": "neko_state", "state": e.state},
    ev.LinesUnwanted: lambda e: {"type": "neko_lines_unwanted", "ids": list(e.ids), "name": e.name},
    ev.LinesDeleted: lambda e: {"type": "neko_lines_deleted", "ids": list(e.ids)},
    ev.ChatOpened: lambda e: {"type": "neko_chat", "chat": e.chat},
    ev.ModelChanged: lambda e: {"type": "neko_model", "model": label_json(e.model)},
    ev.LineStored: lambda e: {"type": "neko_line", "line": line_json(e.line), "replaces": e.line.replaces},
    ev.FaultOver: lambda e: {"type": "neko_fault_over", "fault": e.fault},
    ev.LineUnkept: lambda e: {"type": "neko_line_unkept", "line": _unkept_line(e.line), "off_record": e.off_record},
    ev.PrivacyChanged: lambda e: {"type": "neko_privacy", "on": e.on},
    ev.OffRecord: lambda e: {"type": "neko_off_record", "on": e.on},
    ev.SpeechEnded: lambda e: {"type": "neko_speech_end", "speech_id": e.speech_id},
    ev.SessionPreparing: lambda e: {"type": "session_preparing", "input_mode": e.mode},
    ev.SessionStarted: lambda e: {"type": "session_started", "input_mode": e.mode},
    ev.SessionFailed: lambda e: {"type": "session_failed", "input_mode": e.mode, "message": e.message},
    ev.SessionEndedByServer: lambda e: {"type": "session_ended_by_server", "input_mode": e.mode},
    ev.TurnEnd: lambda e: {"type": "system", "data": "turn end", "turn_id": e.turn_id},
    ev.TurnAbandoned: lambda e: {"type": "neko_turn_abandoned", "turn_id": e.turn_id},
    ev.UserTranscribed: lambda e: {"type": "user_transcript", "text": e.text},
    ev.Recognised: lambda e: {
        "type": "neko_transcript",
        "utterance_id": e.utterance_id,
        "text": e.text,
        "final": e.final,
    },
    ev.SpeechPaused: lambda e: {"type": "neko_speech_paused", "speech_id": e.speech_id},
    ev.SpeechResumed: lambda e: {"type": "neko_speech_resumed", "speech_id": e.speech_id},
    ev.TurnTimes: _turn_times,
    ev.HearingReady: lambda e: {"type": "neko_hearing", "engine": e.engine, "local": e.local},
    ev.MicrophoneMuted: lambda e: {"type": "neko_microphone", "muted": e.muted},
    ev.UserActivity: lambda e: {"type": "user_activity", "interrupted_speech_id": e.interrupted},
    ev.Audio: lambda e: {"type": "audio_chunk", "speech_id": e.speech_id},
    ev.AutoCloseMic: lambda e: {"type": "auto_close_mic", "message": e.message},
    ev.RepetitionWarning: lambda e: {"type": "repetition_warning", "name": e.name},
    ev.CharacterSwitched: lambda e: {"type": "catgirl_switched", "new_catgirl": e.new, "old_catgirl": e.old},
    ev.CardChanged: lambda _: {"type": "neko_card"},
    ev.ReloadPage: lambda e: {"type": "reload_page", "message": e.message},
    ev.RequestScreenshot: lambda e: {"type": "request_screenshot", "neko_wait_s": e.wait_s},
    ev.AgentStatus: lambda e: {"type": "agent_status_update", "snapshot": dict(e.snapshot)},
    ev.AgentNotification: lambda e: {
        "type": "agent_notification",
        "text": e.text,
        "source": "brain",
        "status": e.status,
        **({"neko_task_id": e.task_id} if e.task_id else {}),
    },
    ev.AgentTask: lambda e: {"type": "agent_task_update", "task": dict(e.task)},
    ev.ApprovalAsked: lambda e: {"type": "neko_approval", "question": dict(e.question)},
    ev.ApprovalOver: lambda e: {"type": "neko_approval_over", "id": e.id, "outcome": e.outcome},
    ev.Pong: lambda _: {"type": "pong"},
}


def encode(event: ev.Event) -> str:
    """The JSON text frame of an event; the binary frame of ``Audio`` follows it separately."""
    return dump_json(_FRAMES[type(event)](event)).decode()
