"""Decides who may open a turn: user > approval > report > proactive.

The user is never kept waiting and so never comes here. A wish to speak first opens its turn at once
when the floor is free, or taken by a lower priority; else it waits, at most until it expires. When
too many wait the least important, latest one is refused.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from neko.sessions.turn_effects import Phase
from neko.sessions.turn_events import Priority, SpeakFirst
from neko.sessions.turn_state import State

MOST_WAITING = 16


def may_open(state: State, priority: Priority) -> bool:
    """May a turn of this priority open now? The user's always; another one in silence, or over a lower one."""
    if state.phase is Phase.ENDED:
        return False
    if priority is Priority.USER:
        return True
    if state.turn is not None:
        return state.turn.priority < priority and state.utterance is None
    return state.phase is Phase.IDLE


class Verdict(Enum):
    OPEN = "open"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class _Waiting:
    wish: SpeakFirst
    expires: float


class Arbiter:
    """The wishes that wait, the most important and oldest first. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, wish: SpeakFirst, state: State, now: float, expires: float) -> Verdict:
        """``OPEN``: the caller opens the turn now. ``WAIT``: ``next`` will give it back."""
        self._forget_expired(now)
        if not self._waiting_before(wish.priority) and may_open(state, wish.priority):
            return Verdict.OPEN
        if expires <= now:
            return Verdict.REFUSE
        place = self._waiting_before(wish.priority)
        if place >= MOST_WAITING:
            return Verdict.REFUSE
        self._waiting.insert(place, _Waiting(wish, expires))
        if len(self._waiting) > MOST_WAITING:
            self._waiting.pop()
        return Verdict.WAIT

    def next(self, state: State, now: float) -> SpeakFirst | None:
        """The wish whose turn may open now, which then waits no more."""
        self._forget_expired(now)
        if self._waiting and may_open(state, self._waiting[0].wish.priority):
            return self._waiting.popleft().wish
        return None

    def user_spoke(self) -> None:
        """What she wanted to say out of silence is stale: the silence is over."""
        self._waiting = deque(one for one in self._waiting if one.wish.priority > Priority.PROACTIVE)

    def clear(self) -> None:
        self._waiting.clear()

    def _waiting_before(self, priority: Priority) -> int:
        return sum(one.wish.priority >= priority for one in self._waiting)

    def _forget_expired(self, now: float) -> None:
        self._waiting = deque(one for one in self._waiting if one.expires > now)
