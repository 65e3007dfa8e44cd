"""What happens to a turn: the events of the turn machine (``turns.py``), with those of the model session."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any

from neko.errors import NekoError
from neko.types.model_session import (
    AudioDelta,
    Reconnected,
    ReplyDone,
    ReplyNotice,
    ReplyStarted,
    Retrying,
    SpeechLasts,
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    TextWithdrawn,
    ToolCall,
    Transcript,
)


class Priority(IntEnum):
    """Who may open a turn: the higher one cuts the lower one."""

    PROACTIVE = 0
    REPORT = 1
    APPROVAL = 2
    USER = 3


class BargeIn(Enum):
    """What the first sound of the user's voice does to a running reply."""

    CUT = "cut"
    """The reply is over."""
    PAUSE = "pause"
    """The reply is held until words come, or the sound proves to be no speech; what goes on for long is speech."""
    PAUSE_UNTIL_TOLD = "pause until told"
    """The same, but the session tells when speech lasts, and ends what nothing more comes of: a client that left in
    the middle has not interrupted anybody."""


@dataclass(frozen=True, slots=True)
class UserWords:
    """The user typed something. ``committed``: its line is in the log already (asked again)."""

    turn_id: str
    request: Any = field(hash=False, compare=False)
    committed: bool = False


@dataclass(frozen=True, slots=True)
class SpokenWords:
    """What the user said is known, and the session that heard it is to be asked with it as with typed words."""

    turn_id: str
    utterance_id: str
    text: str
    request: Any = field(hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class SpeakFirst:
    """Somebody other than the user wants her to speak."""

    turn_id: str
    priority: Priority
    request: Any = field(hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class Committed:
    """The user's line is in the log; ``request`` is now complete. ``answered``: it was there before, with a reply."""

    turn_id: str
    request: Any = field(hash=False, compare=False)
    answered: bool = False


@dataclass(frozen=True, slots=True)
class CommitFailed:
    turn_id: str
    error: NekoError


@dataclass(frozen=True, slots=True)
class SessionReady:
    """A session answers from now on, in place of any other. ``follows``: it goes on with the talk of the one before,
    and knows all that was said; what was typed last and asked no session for what was spoken meanwhile is asked it in
    ``turn_id``."""

    session_id: str
    text_input: bool = True
    transcription: bool = False
    barge_in: BargeIn = BargeIn.CUT
    follows: bool = False
    turn_id: str = ""


@dataclass(frozen=True, slots=True)
class SessionUnavailable:
    """The session that was needed could not be had (which has been reported)."""


@dataclass(frozen=True, slots=True)
class SessionGone:
    """The session answers no more. What was typed is asked its successor if there is no sign of a reply. ``broke``:
    what it has said by now goes on being heard. ``unanswered`` asks the successor what the user was heard to say, in
    the turn that was to answer it, or in ``turn_id``."""

    session_id: str
    broke: bool = False
    turn_id: str = ""
    unanswered: Any = field(default=None, hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class SessionLeaves:
    """The session ends what it was asked, and is asked nothing more: its successor is."""

    session_id: str


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    call_id: str


@dataclass(frozen=True, slots=True)
class SoundBegan:
    """Sound of this turn is being made."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class SoundEnded:
    """All sound of this turn has been handed over."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class TurnWritten:
    """The end of this turn has been written and told."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The user wants silence."""


@dataclass(frozen=True, slots=True)
class Dismiss:
    """The client wants no more: whatever runs is cut quietly and the session is left.

    ``withdrawn``: client ids of words that were deleted, which are told to no model any more.
    """

    withdrawn: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tick:
    """``State.deadline`` may have passed."""


@dataclass(frozen=True, slots=True)
class Close:
    """The conversation is over for good."""


Event = (
    UserWords
    | SpokenWords
    | SpeakFirst
    | Committed
    | CommitFailed
    | SessionReady
    | SessionUnavailable
    | SessionGone
    | SessionLeaves
    | ToolAnswered
    | SoundBegan
    | SoundEnded
    | TurnWritten
    | Stop
    | Dismiss
    | Tick
    | Close
    | ReplyStarted
    | TextDelta
    | TextWithdrawn
    | AudioDelta
    | ToolCall
    | ReplyDone
    | Retrying
    | ReplyNotice
    | SpeechStarted
    | SpeechLasts
    | SpeechStopped
    | Transcript
    | SpeechRejected
    | Reconnected
)
