"""Facts of a conversation that go on the bus topic ``session``: for memory, monitor and head-up display.

They are told after the event, may be lost by a slow reader, and are JSON objects. ``lanlan_name``
is the character, as everywhere on the wire.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from typing_extensions import TypedDict

from neko.types.lines import Line, LineStatus, Role

_LONGEST_ARGUMENTS: Final = 300


class SessionStarted(TypedDict):
    """A model session is up; ``mode`` is what it was started for."""

    event_type: Literal["session_start"]
    lanlan_name: str
    mode: str


class SessionEnded(TypedDict):
    event_type: Literal["session_end"]
    lanlan_name: str


class StateEntered(TypedDict):
    """What she does now: ``idle``, ``listening``, ``thinking``, ``speaking``."""

    event_type: Literal["state"]
    lanlan_name: str
    state: str


class LineCommitted(TypedDict):
    """A line stands in the log. ``at`` is local time in ISO 8601, ``line_id`` grows within a character."""

    event_type: Literal["line"]
    lanlan_name: str
    line_id: int
    turn_id: str
    role: Role
    speaker: str
    text: str
    at: str
    status: LineStatus


class ReplyStarted(TypedDict):
    """The first words of a reply are on their way."""

    event_type: Literal["reply_start"]
    lanlan_name: str
    turn_id: str


class ToolCalled(TypedDict):
    """Her model called a function in this turn, well or in vain; ``arguments`` is how their JSON begins."""

    event_type: Literal["tool_call"]
    lanlan_name: str
    turn_id: str
    name: str
    arguments: str


class TurnEnded(TypedDict):
    """``status`` is that of the reply; ``timings`` are seconds since the turn began, by mark."""

    event_type: Literal["turn_end"]
    lanlan_name: str
    turn_id: str
    status: LineStatus
    timings: dict[str, float]


Fact = SessionStarted | SessionEnded | StateEntered | LineCommitted | ReplyStarted | ToolCalled | TurnEnded


def session_started(character: str, mode: str) -> SessionStarted:
    return SessionStarted(event_type="session_start", lanlan_name=character, mode=mode)


def session_ended(character: str) -> SessionEnded:
    return SessionEnded(event_type="session_end", lanlan_name=character)


def state_entered(character: str, state: str) -> StateEntered:
    return StateEntered(event_type="state", lanlan_name=character, state=state)


def line_committed(character: str, line: Line) -> LineCommitted:
    return LineCommitted(
        event_type="line",
        lanlan_name=character,
        line_id=line.id,
        turn_id=line.turn_id,
        role=line.role,
        speaker=line.speaker,
        text=line.text,
        at=line.at.isoformat(),
        status=line.status,
    )


def reply_started(character: str, turn_id: str) -> ReplyStarted:
    return ReplyStarted(event_type="reply_start", lanlan_name=character, turn_id=turn_id)


def tool_called(character: str, turn_id: str, name: str, arguments: Mapping[str, Any]) -> ToolCalled:
    text = json.dumps(dict(arguments), ensure_ascii=False)[:_LONGEST_ARGUMENTS]
    return ToolCalled(event_type="tool_call", lanlan_name=character, turn_id=turn_id, name=name, arguments=text)


def turn_ended(character: str, turn_id: str, status: LineStatus, timings: Mapping[str, float]) -> TurnEnded:
    return TurnEnded(
        event_type="turn_end", lanlan_name=character, turn_id=turn_id, status=status, timings=dict(timings)
    )
