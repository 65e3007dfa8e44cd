"""Frames in, frames out."""

from __future__ import annotations

import base64
import json
from array import array
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.errors import FrameError
from neko.sessions import actions as act
from neko.sessions import events as ev
from neko.types.lines import Line
from neko.types.model_session import ModelLabel
from neko.web import wire

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 picture").decode()
URL = "data:image/jpeg;base64," + JPEG


def decode(**frame: Any) -> act.Action | None:
    return wire.decode(json.dumps(frame)).action


@pytest.mark.parametrize(
    ("frame", "action"),
    [
        ({"action": "start_session"}, act.StartSession("audio")),
        ({"action": "start_session", "input_type": "text", "new_session": True}, act.StartSession("text", fresh=True)),
        ({"action": "start_session", "input_type": "camera"}, act.StartSession("audio")),
        ({"action": "stream_data", "input_type": "text", "data": "hi"}, act.SendText("hi")),
        ({"action": "stream_data", "input_type": "text", "data": "hi", "client_id": "c1"}, act.SendText("hi", "c1")),
        ({"action": "stream_data", "input_type": "screen", "data": URL}, act.SendImage(base64.b64decode(JPEG))),
        (
            {"action": "stream_data", "input_type": "camera", "data": URL, "neko_kind": "live"},
            act.SendImage(base64.b64decode(JPEG), "live"),
        ),
        ({"action": "neko_sharing", "source": "screen"}, act.Sharing("screen")),
        ({"action": "neko_sharing", "source": None}, act.Sharing(None)),
        ({"action": "screenshot_response", "data": "", "neko_refused": True}, act.ScreenshotResponse(None)),
        ({"action": "end_session"}, act.EndSession()),
        ({"action": "pause_session"}, act.EndSession()),
        ({"action": "screenshot_response", "data": URL}, act.ScreenshotResponse(base64.b64decode(JPEG))),
        ({"action": "screenshot_response", "data": JPEG}, act.ScreenshotResponse(base64.b64decode(JPEG))),
        ({"action": "ping"}, act.Ping()),
        ({"action": "stop_reply"}, act.StopReply()),
        ({"action": "retry_reply"}, act.RetryReply()),
    ],
)
def test_every_action_is_understood(frame: dict[str, Any], action: act.Action) -> None:
    assert decode(**frame) == action


def test_480_samples_are_48_khz_and_anything_else_is_16_khz() -> None:
    assert decode(action="stream_data", input_type="audio", data=[1] * 480) == act.SendAudio(
        array("h", [1] * 480).tobytes(), 48_000
    )
    assert decode(action="stream_data", input_type="audio", data=[1, -2]) == act.SendAudio(
        array("h", [1, -2]).tobytes(), 16_000
    )


def test_samples_outside_int16_are_clamped() -> None:
    sound = decode(action="stream_data", input_type="audio", data=[40_000, -40_000])
    assert sound == act.SendAudio(array("h", [32767, -32768]).tobytes(), 16_000)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("text", 5),
        ("text", None),
        ("audio", "abc!"),
        ("audio", "AA=="),
        ("audio", ["a"]),
        ("audio", [1.5]),
        ("audio", []),
        ("audio", [True, None]),
        ("screen", "data:image/png;base64,AAAA"),
        ("screen", "data:image/jpeg;base64,%%%"),
        ("screen", "data:image/jpeg;base64," + base64.b64encode(b"no jpeg").decode()),
        ("screen", "data:image/jpeg;base64," + "A" * (wire.MAX_IMAGE + 1)),
        ("smell", "x"),
    ],
)
def test_data_of_the_wrong_kind_is_dropped(kind: str, data: Any) -> None:
    assert decode(action="stream_data", input_type=kind, data=data) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ('"hi"', "invalid_json"),
        ("[" * 20_000, "invalid_json"),
        ("[" * 200_000, "too_large"),
        ("[" + "[]," * 50_000 + "0]", "too_large"),
        ("{}", "unknown_action"),
        ('{"action": 3}', "unknown_action"),
        ('{"action": "dance"}', "unknown_action"),
        ('{"action": "start_session", "input_type": "smell"}', "invalid_input_type"),
        (json.dumps({"action": "stream_data", "input_type": "text", "data": "x" * 30_000}), "text_too_long"),
    ],
)
def test_what_is_no_action_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(FrameError) as caught:
        wire.decode(text)
    assert caught.value.code == code


def test_a_language_and_a_region_may_ride_on_any_frame() -> None:
    assert wire.decode('{"action":"ping","language":"ja"}') == (act.Ping(), "ja", None)
    assert wire.decode('{"action":"ping","neko_region":"JP"}') == (act.Ping(), None, "JP")
    assert wire.decode('{"action":"ping","neko_region":7}') == (act.Ping(), None, None)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANY_JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(ANY_JSON)
def test_no_json_makes_the_decoder_fail_in_another_way(value: Any) -> None:
    for frame in (value, {"action": "stream_data", "input_type": "audio", "data": value}, {"action": value}):
        with suppress(FrameError):
            action, language, region = wire.decode(json.dumps(frame))
            assert action is None or isinstance(action, act.SendAudio)
            assert language is None
            assert region is None


LINE = Line(7, "s", "t", "user", "Sam", "hi", datetime(2026, 5, 3, 12, 0), client_id="c")


@pytest.mark.parametrize(
    ("event", "frame"),
    [
        (ev.SessionPreparing("text"), {"type": "session_preparing", "input_mode": "text"}),
        (ev.SessionStarted("audio"), {"type": "session_started", "input_mode": "audio"}),
        (ev.SessionFailed("text", "no"), {"type": "session_failed", "input_mode": "text", "message": "no"}),
        (ev.SessionEndedByServer("text"), {"type": "session_ended_by_server", "input_mode": "text"}),
        (ev.UserTranscribed("hi"), {"type": "user_transcript", "text": "hi"}),
        (ev.UserActivity(None), {"type": "user_activity", "interrupted_speech_id": None}),
        (ev.Audio("s", b"12"), {"type": "audio_chunk", "speech_id": "s"}),
        (ev.AutoCloseMic("quiet"), {"type": "auto_close_mic", "message": "quiet"}),
        (ev.RepetitionWarning("Mio"), {"type": "repetition_warning", "name": "Mio"}),
        (ev.CardChanged(), {"type": "neko_card"}),
        (ev.CharacterSwitched("B", "A"), {"type": "catgirl_switched", "new_catgirl": "B", "old_catgirl": "A"}),
        (ev.ReloadPage("m"), {"type": "reload_page", "message": "m"}),
        (ev.RequestScreenshot(30.0), {"type": "request_screenshot", "neko_wait_s": 30.0}),
        (ev.AgentStatus({"revision": 1}), {"type": "agent_status_update", "snapshot": {"revision": 1}}),
        (
            ev.AgentNotification("done", "completed"),
            {"type": "agent_notification", "text": "done", "source": "brain", "status": "completed"},
        ),
        (
            ev.AgentNotification("done", "completed", "t1"),
            {
                "type": "agent_notification",
                "text": "done",
                "source": "brain",
                "status": "completed",
                "neko_task_id": "t1",
            },
        ),
        (ev.AgentTask({"id": "1"}), {"type": "agent_task_update", "task": {"id": "1"}}),
        (ev.ApprovalAsked({"id": "q"}), {"type": "neko_approval", "question": {"id": "q"}}),
        (ev.ApprovalOver("q", "once"), {"type": "neko_approval_over", "id": "q", "outcome": "once"}),
        (ev.Pong(), {"type": "pong"}),
        (
            ev.ResponseDiscarded("retry", 1, 2, True),
            {
                "type": "response_discarded",
                "reason": "retry",
                "attempt": 1,
                "max_attempts": 2,
                "will_retry": True,
                "message": "",
            },
        ),
        (
            ev.ReplyText("t", "s", "Hi", True),
            {"type": "gemini_response", "text": "Hi", "isNewMessage": True, "turn_id": "t", "speech_id": "s"},
        ),
        (ev.StateChanged("idle"), {"type": "neko_state", "state": "idle"}),
        (ev.SpeechEnded("s"), {"type": "neko_speech_end", "speech_id": "s"}),
        (
            ev.SpeakOnPage("s", "Hi", "en", 1.2, -2.0),
            {"type": "neko_speak", "speech_id": "s", "text": "Hi", "language": "en", "rate": 1.2, "pitch": -2.0},
        ),
        (
            ev.EmotionShown("happy", 1.0, "s"),
            {"type": "neko_emotion", "emotion": "happy", "intensity": 1.0, "speech_id": "s"},
        ),
        (
            ev.ModelChanged(ModelLabel("m", "p")),
            {"type": "neko_model", "model": {"model": "m", "provider": "p", "offline": False, "works": None}},
        ),
    ],
)
def test_every_event_has_the_fields_of_the_contract(event: ev.Event, frame: dict[str, Any]) -> None:
    assert json.loads(wire.encode(event)) == frame


def test_the_end_of_a_turn_says_exactly_turn_end() -> None:
    frame = json.loads(wire.encode(ev.TurnEnd("t")))
    assert (frame["type"], frame["data"]) == ("system", "turn end")


def test_a_status_message_is_always_a_string() -> None:
    frame = json.loads(wire.encode(ev.Status("hm", "code", "do this", "settings/model", "error")))
    assert frame == {
        "type": "status",
        "message": "hm",
        "level": "error",
        "code": "code",
        "remedy": "do this",
        "link": "settings/model",
    }
    assert json.loads(wire.encode(ev.Status("hm"))) == {"type": "status", "message": "hm", "level": "info"}


@pytest.mark.parametrize(
    ("text", "clean"),
    [("half \ud83d", "half \ufffd"), ("\ude00", "\ufffd"), ("\ud83d\ude00", "😀")],
)
@pytest.mark.parametrize(
    "event",
    [
        lambda text: ev.ReplyText("t", "s", text, True),
        ev.Status,
        ev.UserTranscribed,
        ev.RepetitionWarning,
        lambda text: ev.AgentTask({text: [text]}),
        lambda text: ev.LineStored(replace(LINE, text=text, speaker=text)),
    ],
)
def test_every_frame_can_be_sent_whatever_its_texts_hold(
    event: Callable[[str], ev.Event], text: str, clean: str
) -> None:
    frame = wire.encode(event(text))
    assert json.loads(frame.encode()) == json.loads(wire.encode(event(clean)))
    assert clean in frame


def test_a_line_carries_its_time_with_an_offset() -> None:
    frame = json.loads(wire.encode(ev.LineStored(LINE)))
    assert (frame["line"]["id"], frame["line"]["client_id"], frame["line"]["speaker"]) == (7, "c", "Sam")
    assert datetime.fromisoformat(frame["line"]["at"]).tzinfo is not None


def test_sound_in_base64_is_pcm16_at_its_stated_rate() -> None:
    pcm = array("h", [1, -2, 3]).tobytes()
    encoded = base64.b64encode(pcm).decode()
    at_24_khz = act.SendAudio(pcm, 24_000)
    assert decode(action="stream_data", input_type="audio", data=encoded, sample_rate=24_000) == at_24_khz
    assert decode(action="stream_data", input_type="audio", data=encoded) == act.SendAudio(pcm, 16_000)
    assert decode(action="stream_data", input_type="audio", data=encoded, sample_rate="24000") == at_24_khz
    as_url = f"data:audio/pcm;base64,{encoded}"
    assert decode(action="stream_data", input_type="audio", data=as_url) == act.SendAudio(pcm, 16_000)


def test_a_stated_rate_overrides_the_guess_by_the_number_of_samples() -> None:
    sound = decode(action="stream_data", input_type="audio", data=[1] * 480, sample_rate=24_000)
    assert isinstance(sound, act.SendAudio)
    assert sound.rate == 24_000


@pytest.mark.parametrize("rate", [0, -1, 7_999, 192_001, 16_000.5, "fast", True])
def test_sound_at_a_rate_that_cannot_be_is_dropped(rate: object) -> None:
    assert decode(action="stream_data", input_type="audio", data=[1, 2], sample_rate=rate) is None
    assert decode(action="stream_data", input_type="audio", data="AAAA", sample_rate=rate) is None


def test_binary_frames_are_announced_with_their_rate() -> None:
    started = decode(action="start_session", input_type="audio", audio_format="pcm16", sample_rate=24_000)
    assert started == act.StartSession("audio", binary_rate=24_000)
    assert decode(action="start_session", audio_format="pcm16") == act.StartSession("audio", binary_rate=16_000)


@pytest.mark.parametrize(("said", "cancelled"), [(True, True), (False, False), (None, False), ("yes", False)])
def test_a_client_says_whether_it_takes_its_own_echo_out(said: object, cancelled: bool) -> None:
    started = decode(action="start_session", input_type="audio", echo_cancelled=said)
    assert started == act.StartSession("audio", echo_cancelled=cancelled)


@pytest.mark.parametrize("fields", [{"audio_format": "opus"}, {"audio_format": "pcm16", "sample_rate": 1}])
def test_a_format_of_binary_frames_that_is_unknown_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(FrameError) as refused:
        decode(action="start_session", input_type="audio", **fields)
    assert (refused.value.code, refused.value.failed_mode) == ("invalid_audio_format", "audio")


@pytest.mark.parametrize("bracket", ["[", "{"])
def test_a_text_of_nothing_but_brackets_is_a_text(bracket: str) -> None:
    text = bracket * wire.MAX_TEXT
    assert decode(action="stream_data", input_type="text", data=text) == act.SendText(text)
