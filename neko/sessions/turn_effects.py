"""What is to be done: the effects of the turn machine (``turns.py``), performed by ``TurnController``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

from neko.errors import NekoError
from neko.types.lines import LineStatus
from neko.types.model_session import ToolCall

LONG_WAIT_S = 5.0
"""A wait for another try that is told each time, and by its length."""


class Phase(StrEnum):
    """What the conversation is doing, as a page shows it."""

    IDLE = "idle"
    LISTENING = "listening"
    """The user is speaking."""
    THINKING = "thinking"
    """A reply is awaited."""
    SPEAKING = "speaking"
    """A reply is being shown or heard."""
    PAUSED = "paused"
    """A reply is held because the user may have begun to speak."""
    ENDED = "ended"
    """For good."""


class Step(Enum):
    """How far the open turn is."""

    COMMITTING = "committing"
    """The user's words are on their way to the log."""
    STARTING = "starting"
    """A session is awaited."""
    ASKED = "asked"
    """The model has been asked."""
    REPLYING = "replying"
    """The reply has begun."""
    AWAITING_WORDS = "awaiting_words"
    """The reply is complete, the user's words are still being recognised."""


@dataclass(frozen=True, slots=True)
class ShowPhase:
    phase: Phase


@dataclass(frozen=True, slots=True)
class SilenceSound:
    """Stop all sound at once and tell the clients that the user took the floor.

    ``begins``: the user says something, which is told in any case; else only what there was to silence is.
    """

    begins: bool = True


@dataclass(frozen=True, slots=True)
class DropSound:
    """Stop all sound at once."""


@dataclass(frozen=True, slots=True)
class PauseSound:
    pass


@dataclass(frozen=True, slots=True)
class ResumeSound:
    pass


@dataclass(frozen=True, slots=True)
class WriteUserLine:
    """Commit the typed words of this turn; ``Committed`` or ``CommitFailed`` answers."""

    turn_id: str
    request: Any = field(hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class ShowWords:
    """Show what the user was heard to say."""

    utterance_id: str
    text: str


@dataclass(frozen=True, slots=True)
class WriteSpokenLine:
    """Commit what the user said."""

    utterance_id: str
    text: str


@dataclass(frozen=True, slots=True)
class WriteReply:
    """Commit what was delivered of this turn's reply."""

    turn_id: str
    status: LineStatus


@dataclass(frozen=True, slots=True)
class EndTurn:
    """The turn is over: say so, once. ``asked``: the model was asked; when not, something else has told why."""

    turn_id: str
    status: LineStatus
    asked: bool = True


@dataclass(frozen=True, slots=True)
class NeedSession:
    """A session is needed; ``SessionReady`` or ``SessionUnavailable`` answers."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Send the request to the model; ``before`` are requests it should have known before."""

    turn_id: str
    request: Any = field(hash=False, compare=False)
    before: tuple[Any, ...] = field(default=(), hash=False, compare=False)


class CutBy(Enum):
    """What a reply gives way to."""

    END = "end"
    """It is stopped, given up or asked anew: what it has begun ends with it."""
    WORDS = "words"
    """The user's next words, which say nothing against what it has begun."""
    SPEECH = "speech"
    """The same, spoken over it, so that only what was heard of it counts."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Tell the model that this reply is cut, or will not be listened to."""

    turn_id: str
    by: CutBy = CutBy.END


@dataclass(frozen=True, slots=True)
class KeepHeard:
    """This reply is complete and written, but the user spoke over its sound: only what was heard of it counts."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class OpenReply:
    """A reply of this id is about to be shown and heard."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class ShowText:
    turn_id: str
    text: str


@dataclass(frozen=True, slots=True)
class WithdrawText:
    """What was shown and said of the reply is taken back: it begins anew with this text."""

    turn_id: str
    text: str


@dataclass(frozen=True, slots=True)
class KeepText:
    """This much of the reply was heard but never shown: it counts as delivered."""

    turn_id: str
    text: str


@dataclass(frozen=True, slots=True)
class PlaySound:
    turn_id: str
    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class FinishReply:
    """The reply is complete: hand on what was held back of its text and sound."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class RunTool:
    turn_id: str
    call: ToolCall


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the clients what went wrong."""

    error: NekoError


@dataclass(frozen=True, slots=True)
class ReportRetry:
    """Tell the clients what went wrong and that it is tried again, ``delay`` seconds later."""

    turn_id: str
    error: NekoError
    delay: float


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the clients something about the reply of ``turn_id``, which is under way; ``is_wait``: what it waits for."""

    turn_id: str
    code: str
    params: Mapping[str, str | int | float] = field(hash=False)
    is_wait: bool = False


@dataclass(frozen=True, slots=True)
class ReportOverdue:
    """Tell the clients that a turn was given up because nothing came of this step in time."""

    step: Step


@dataclass(frozen=True, slots=True)
class Refuse:
    """This wish to speak does not get the floor now."""

    turn_id: str


LogEffect = WriteUserLine | WriteSpokenLine | WriteReply | EndTurn
Effect = (
    ShowPhase
    | SilenceSound
    | DropSound
    | PauseSound
    | ResumeSound
    | LogEffect
    | ShowWords
    | NeedSession
    | Ask
    | Interrupt
    | KeepHeard
    | OpenReply
    | ShowText
    | WithdrawText
    | KeepText
    | PlaySound
    | FinishReply
    | RunTool
    | Report
    | ReportRetry
    | Tell
    | ReportOverdue
    | Refuse
)
