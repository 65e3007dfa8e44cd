"""When a session is to be followed by another one: (state, event, now) → (state, effects). Pure; ``Renewals`` performs
the effects.

A session whose provider keeps the talk (speech to speech) grows old, as what it was told of memory does: N.E.K.O. marks
it after 40 s, prepares the next one 10 s later, and at once when results of the agent wait (``contract/sessions.md``
§7.1). A session that is sent the talk by us stays until something that it was told has changed. Any is followed before
its provider ends it. The next one takes over at a quiet moment, and silence is one as well as the end of a turn.

All times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


@dataclass(frozen=True, slots=True)
class RenewalTimes:
    """Seconds. ``mark_s``: after which a session that ages is marked, and the memo renewed if it has to be;
    ``prepare_s``: from then until the next one is prepared. ``limit_lead_s`` before its provider ends a session the
    next one is prepared, ``limit_sound_s`` before it also takes over while she is still heard, ``limit_s`` before it
    whatever is going on. ``first_pause_s``, doubled up to ``longest_pause_s``: between preparations that failed.
    ``sound_rises_s``: how long sound that has just become loud keeps the next one waiting; ``look_s``: how often it is
    looked whether it still does. ``unused_s``: after so long without sound or talk a call has been left, by a page that
    was closed for instance, and its session is not followed but ended."""

    mark_s: float = 40.0
    prepare_s: float = 10.0
    limit_lead_s: float = 60.0
    limit_sound_s: float = 20.0
    limit_s: float = 4.0
    first_pause_s: float = 5.0
    longest_pause_s: float = 120.0
    sound_rises_s: float = 3.0
    look_s: float = 0.1
    unused_s: float = 180.0


class Stage(Enum):
    NONE = "none"
    """No session."""
    CURRENT = "current"
    PREPARING = "preparing"
    READY = "ready"
    """The next one waits for its moment."""


class Moment(Enum):
    """What the conversation is doing."""

    QUIET = "quiet"
    SOUNDING = "sounding"
    """All is said, and is still being heard."""
    BUSY = "busy"
    """Somebody speaks or types, or a reply is awaited."""


@dataclass(frozen=True, slots=True)
class Began:
    """This session answers from now on."""

    ages: bool
    ends_at: float | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """Its provider will end it then."""

    at: float


@dataclass(frozen=True, slots=True)
class Outdated:
    """What it, and any that is being prepared, was told is no longer so."""


@dataclass(frozen=True, slots=True)
class ResultsWait:
    """The agent has something to tell."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The next one is ready."""


@dataclass(frozen=True, slots=True)
class PreparationFailed:
    """There is no next one."""


@dataclass(frozen=True, slots=True)
class Left:
    """There is no session any more, or one is awaited in any case."""


@dataclass(frozen=True, slots=True)
class Look:
    """A deadline may have passed, or the moment be another one."""

    moment: Moment


Event = Began | Ends | Outdated | ResultsWait | Prepared | PreparationFailed | Left | Look


class Effect(Enum):
    FOLD = "fold"
    """Have the memory fold what the next prompt has no room for."""
    PREPARE = "prepare"
    DISCARD = "discard"
    TAKE_OVER = "take over"


@dataclass(frozen=True, slots=True)
class State:
    """``mark_at``, ``prepare_at``: when that is due, if it is. ``outdated``: so is what is being prepared."""

    stage: Stage = Stage.NONE
    ages: bool = False
    mark_at: float | None = None
    prepare_at: float | None = None
    ends_at: float | None = None
    outdated: bool = False
    failures: int = 0

    def deadline(self, now: float, times: RenewalTimes) -> float | None:
        """When to look again, after ``now``, if no event comes before."""
        dues: list[float | None] = []
        if self.stage is not Stage.NONE:
            dues.append(self.mark_at)
        if self.stage is Stage.CURRENT:
            dues.append(self.prepare_at)
        if self.stage is Stage.READY and self.ends_at is not None:
            dues += [self.ends_at - times.limit_sound_s, self.ends_at - times.limit_s]
        return min((due for due in dues if due is not None and due > now), default=None)


def advance(state: State, event: Event, now: float, times: RenewalTimes) -> tuple[State, list[Effect]]:
    """The next state, and what is to be done, in order."""
    match event:
        case Began(ages, ends_at):
            mark_at = now + times.mark_s if ages else None
            prepare_at = now + times.mark_s + times.prepare_s if ages else None
            began = State(Stage.CURRENT, ages, mark_at, prepare_at)
            return (_ending(began, ends_at, times) if ends_at is not None else began), []
        case Left():
            return State(), []
        case _ if state.stage is Stage.NONE:
            return state, []
        case Ends(at):
            return _ending(state, at, times), []
        case Outdated():
            return _outdated(state, now)
        case ResultsWait():
            is_due = state.stage is Stage.CURRENT and state.ages and not state.failures
            return (replace(state, prepare_at=now) if is_due else state), []
        case Prepared():
            return _prepared(state)
        case PreparationFailed():
            pause = min(times.longest_pause_s, times.first_pause_s * 2**state.failures)
            return replace(
                state, stage=Stage.CURRENT, prepare_at=now + pause, outdated=False, failures=state.failures + 1
            ), []
        case Look(moment):
            return _look(state, moment, now, times)


def _ending(state: State, at: float, times: RenewalTimes) -> State:
    prepare_at = at - times.limit_lead_s
    if state.prepare_at is not None:
        prepare_at = min(prepare_at, state.prepare_at)
    return replace(state, ends_at=at, prepare_at=prepare_at)


def _outdated(state: State, now: float) -> tuple[State, list[Effect]]:
    if state.stage is Stage.PREPARING:
        return replace(state, outdated=True), []
    if state.stage is Stage.READY:
        return replace(state, stage=Stage.PREPARING), [Effect.DISCARD, Effect.PREPARE]
    return replace(state, prepare_at=now), []


def _prepared(state: State) -> tuple[State, list[Effect]]:
    if state.stage is not Stage.PREPARING:
        return state, []
    if state.outdated:
        return replace(state, outdated=False), [Effect.DISCARD, Effect.PREPARE]
    return replace(state, stage=Stage.READY), []


def _look(state: State, moment: Moment, now: float, times: RenewalTimes) -> tuple[State, list[Effect]]:
    effects: list[Effect] = []
    if state.mark_at is not None and now >= state.mark_at:
        effects.append(Effect.FOLD)
        state = replace(state, mark_at=None)
    if state.stage is Stage.CURRENT and state.prepare_at is not None and now >= state.prepare_at:
        effects.append(Effect.PREPARE)
        state = replace(state, stage=Stage.PREPARING, prepare_at=None)
    if state.stage is Stage.READY and _may_take_over(state, moment, now, times):
        effects.append(Effect.TAKE_OVER)
    return state, effects


def _may_take_over(state: State, moment: Moment, now: float, times: RenewalTimes) -> bool:
    left_s = state.ends_at - now if state.ends_at is not None else float("inf")
    if moment is Moment.QUIET:
        return True
    return left_s <= (times.limit_sound_s if moment is Moment.SOUNDING else times.limit_s)
