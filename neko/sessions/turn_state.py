"""The state of the turn machine (``turns.py``), and what can be read from it. Times are monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from neko.errors import NekoError
from neko.sessions import turn_effects as do
from neko.sessions.renewal import Moment
from neko.sessions.turn_effects import Phase, Step
from neko.sessions.turn_events import BargeIn, Priority
from neko.types.lines import LineStatus


@dataclass(frozen=True, slots=True)
class TurnTimeouts:
    """Seconds after which a state is left by itself.

    ``answer_timeout_s`` runs from the question to the first sign of the reply, ``silence_timeout_s``
    between two signs of it: both are watchdogs behind the model session's own, shorter ones (a model may
    think for minutes, at the start and in the middle).
    """

    commit_timeout_s: float = 30.0
    start_timeout_s: float = 30.0
    answer_timeout_s: float = 3000.0
    silence_timeout_s: float = 3000.0
    tool_timeout_s: float = 600.0
    utterance_timeout_s: float = 180.0
    transcript_timeout_s: float = 5.0
    spoken_answer_timeout_s: float = 45.0
    pause_timeout_s: float = 2.5
    sound_timeout_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Turn:
    """The open turn. ``request`` is opaque here: what to ask the model with.

    ``utterance_id``: the user's speech it answers, while those words are not known yet; ``held`` is the
    text of the reply that waits for them. ``heard``: sound of the reply has been handed on.
    ``words``: what the user said that it answers, once it is known.
    ``repeatable``: another session may be asked the same if this one is lost: it is the first that is, and nothing was
    done for it. ``retry_told``: the user knows that it is tried again; each long wait is told anew.
    ``status``, ``failure``: how the reply ended, in ``AWAITING_WORDS``.
    """

    id: str
    priority: Priority
    step: Step
    due: float
    request: Any = field(default=None, hash=False, compare=False)
    utterance_id: str | None = None
    held: tuple[str, ...] = ()
    heard: bool = False
    words: str = ""
    tools: frozenset[str] = frozenset()
    repeatable: bool = True
    retry_told: bool = False
    status: LineStatus = "complete"
    failure: NekoError | None = None

    @property
    def waits(self) -> bool:
        """Has no session been asked it yet?"""
        return self.step in (Step.COMMITTING, Step.STARTING)

    @property
    def is_asked_again(self) -> bool:
        """Is it asked another session when this one is lost, since there is no sign of a reply yet?"""
        return self.step is Step.ASKED and self.repeatable and self.priority is Priority.USER


@dataclass(frozen=True, slots=True)
class Utterance:
    """The user's latest speech. ``speaking``: still going on; else its ``words`` or a reply are awaited."""

    id: str
    speaking: bool
    due: float
    words: str = ""


@dataclass(frozen=True, slots=True)
class AwaitedWords:
    """A place in the log that is kept for the words of an utterance until ``due``."""

    utterance_id: str
    due: float


@dataclass(frozen=True, slots=True)
class Unasked:
    """A turn of the user's that was cut before any session was asked. ``written``: its line is in the log, where the
    next session reads it. ``wanted``: it was cut by what else was said, and not by the user."""

    turn_id: str
    request: Any = field(hash=False, compare=False)
    written: bool = False
    wanted: bool = True


def committed(unasked: tuple[Unasked, ...], turn_id: str, request: Any) -> tuple[Unasked, ...]:
    """Words that were cut while they were being written are told the session as the line they became, ``request``.
    None: they were answered before."""
    return tuple(
        replace(one, request=request, written=True) if one.turn_id == turn_id else one
        for one in unasked
        if one.turn_id != turn_id or request is not None
    )


@dataclass(frozen=True, slots=True)
class State:
    """See the module.

    ``paused_until``: when a paused reply is cut or goes on. ``speech_id``: the turn whose sound is still
    being handed over, until ``speech_due``. ``writing``: turns whose end is being written, until
    ``writing_due``. ``unasked``: turns that were cut before any session was asked. ``recent``:
    turns that ended lately, whose late events must not open a turn. ``transcribed``: utterances of this
    session whose words have come, which come once.
    """

    phase: Phase = Phase.IDLE
    session_id: str | None = None
    text_input: bool = True
    transcription: bool = False
    barge_in: BargeIn = BargeIn.CUT
    turn: Turn | None = None
    utterance: Utterance | None = None
    paused_until: float | None = None
    speech_id: str | None = None
    speech_due: float = 0.0
    writing: tuple[str, ...] = ()
    writing_due: float = 0.0
    unasked: tuple[Unasked, ...] = ()
    recent: tuple[str, ...] = ()
    transcribed: tuple[str, ...] = ()
    log: tuple[AwaitedWords | do.LogEffect, ...] = ()

    @property
    def moment(self) -> Moment:
        """May another session take over now?"""
        waits = self.turn is not None and self.turn.step is Step.STARTING and self.utterance is None
        if self.phase is Phase.IDLE or waits:
            return Moment.QUIET
        return Moment.SOUNDING if self.phase is Phase.SPEAKING and self.turn is None else Moment.BUSY

    @property
    def waiting(self) -> tuple[Any, ...]:
        """What the open turn will ask a session."""
        return (self.turn.request,) if self.turn and self.turn.waits else ()

    @property
    def is_answering(self) -> bool:
        """Has a session been asked something and not answered all of it, and would no other be asked it, or hear it?"""
        if self.turn is None or self.turn.step not in (Step.ASKED, Step.REPLYING):
            return False
        return self.turn.step is Step.REPLYING or not (self.unanswered or self.typed_again or self.turn.utterance_id)

    @property
    def hears_utterance(self) -> bool:
        """Has the user said something whose words are not known, and to which there is no sign of a reply yet?"""
        if self.utterance:
            return self.utterance.id not in self.transcribed
        return self.turn is not None and self.turn.step is Step.ASKED and self.turn.utterance_id is not None

    @property
    def unanswered(self) -> str:
        """What the user was heard to say last, when there is no sign of a reply to it yet and another session can be
        asked; "" for nothing."""
        if not self.text_input:
            return ""
        if self.turn:
            return self.turn.words if self.turn.is_asked_again else ""
        return self.utterance.words if self.utterance else ""

    @property
    def typed_again(self) -> Any:
        """What the session was asked in writing, and another is asked when it is lost or left; None for nothing."""
        return self.turn.request if self.turn and self.turn.is_asked_again else None

    @property
    def deadline(self) -> float | None:
        """When ``Tick`` is due; ``None`` when nothing is awaited."""
        if self.phase is Phase.ENDED:
            return None
        dues = [entry.due for entry in self.log if isinstance(entry, AwaitedWords)]
        if self.turn:
            dues.append(self.turn.due)
        if self.utterance:
            dues.append(self.utterance.due)
        if self.paused_until is not None:
            dues.append(self.paused_until)
        if self.speech_id:
            dues.append(self.speech_due)
        if self.writing:
            dues.append(self.writing_due)
        return min(dues, default=None)
