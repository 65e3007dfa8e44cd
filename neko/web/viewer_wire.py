"""What viewers of a talk are told: events to the frames of N.E.K.O.'s monitor (``contract/sessions.md`` §15).

A feed says which events are of interest to one kind of viewer, as the text and binary frames to send. Types that
begin with ``neko_`` are our own, for our own overlay; others ignore them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Protocol

from neko.sessions.events import (
    Audio,
    CharacterSwitched,
    EmotionShown,
    Event,
    LineStored,
    LineUnkept,
    ReplyText,
    ResponseDiscarded,
    SpeechEnded,
    StateChanged,
    Status,
    TurnAbandoned,
    TurnEnd,
    UserActivity,
)
from neko.types.lines import Line, NewLine
from neko.web import wire
from neko.well_formed import dump_json

Frame = str | bytes

SOUND_HEARTBEAT = b"\x00\x01\x02\x03"
LONGEST_SUBTITLE = 20_000
"""Characters; what a reply says beyond that is not shown."""


class Feed(Protocol):
    """``wants_audio``: sound is among what it turns into frames."""

    wants_audio: bool

    def frames(self, event: Event) -> Iterable[Frame]:
        """What a viewer is sent for this event, often nothing."""
        ...

    def heartbeat(self) -> Frame: ...


class TalkFeed:
    """``/sync/{name}``: what is said, felt and done, as text frames."""

    wants_audio = False

    def __init__(self) -> None:
        self._user_is_active = False
        self._last_line = ("", "")

    def frames(self, event: Event) -> Iterable[Frame]:
        match event:
            case ReplyText():
                yield _json(type="gemini_response", text=event.text, isNewMessage=event.first)
            case Status():
                yield _json(type="status", message=event.message)
            case EmotionShown():
                yield _json(type="emotion", emotion=event.emotion, confidence=event.intensity)
            case UserActivity():
                yield from self._activity()
                yield _json(type="neko_interrupted", speech_id=event.interrupted)
            case LineStored(line) | LineUnkept(line):
                yield from self._line(line)
            case TurnEnd() | TurnAbandoned():
                self._user_is_active = False
                yield _json(type="turn end")
            case ResponseDiscarded() | StateChanged() | SpeechEnded() | CharacterSwitched():
                yield wire.encode(event)

    def heartbeat(self) -> Frame:
        return _json(type="heartbeat", timestamp=time.time())

    def _activity(self) -> Iterable[Frame]:
        if not self._user_is_active:
            self._user_is_active = True
            yield _json(type="user_activity")

    def _line(self, line: Line | NewLine) -> Iterable[Frame]:
        """A line that could not be written at first comes twice."""
        if line.role != "user" or self._last_line == (line.turn_id, line.text):
            return
        self._last_line = (line.turn_id, line.text)
        yield from self._activity()
        yield _json(type="user_transcript", text=line.text)


class SoundFeed:
    """``/sync_binary/{name}``: her voice as it is sent to her page, PCM16 little-endian, mono, 48 kHz."""

    wants_audio = True

    def frames(self, event: Event) -> Iterable[Frame]:
        if isinstance(event, Audio):
            yield event.pcm

    def heartbeat(self) -> Frame:
        return SOUND_HEARTBEAT


class SubtitleFeed:
    """``/subtitle_ws``: the reply so far, whole each time; cleared before the next one."""

    wants_audio = False

    def __init__(self) -> None:
        self._text = ""

    def frames(self, event: Event) -> Iterable[Frame]:
        match event:
            case ReplyText():
                if event.first:
                    yield from self._clear()
                self._text = (self._text + event.text)[:LONGEST_SUBTITLE]
                yield _json(type="subtitle", text=self._text)
            case ResponseDiscarded() | UserActivity() | TurnAbandoned():
                yield from self._clear()

    def heartbeat(self) -> Frame:
        return _json(type="heartbeat", timestamp=time.time())

    def _clear(self) -> Iterable[Frame]:
        if self._text:
            self._text = ""
            yield _json(type="clear")


def _json(**fields: Any) -> str:
    return dump_json(fields).decode()
