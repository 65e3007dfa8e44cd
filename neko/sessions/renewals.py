"""Follows one session by another in time: drives the machine of ``renewal``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from neko.sessions import renewal
from neko.sessions.renewal import Effect, Moment, RenewalTimes, Stage
from neko.sessions.session_handle import SessionHandle
from neko.sessions.session_slot import ModelSessionSlot

logger = logging.getLogger(__name__)


class Renewals:
    """Of one conversation. ``times()`` are those in force, ``moment()`` is what it is doing; ``rises()``: may the user
    have begun a word that nobody has noticed yet? ``fold()`` has the memory make room."""

    def __init__(
        self,
        slot: ModelSessionSlot,
        times: Callable[[], RenewalTimes],
        moment: Callable[[], Moment],
        rises: Callable[[], bool],
        fold: Callable[[], None],
        sound_ago: Callable[[], float],
        leave: Callable[[], None],
    ) -> None:
        self._slot = slot
        self._times = times
        self._moment = moment
        self._rises = rises
        self._fold = fold
        self._sound_ago = sound_ago
        self._leave = leave
        self._clock = asyncio.get_running_loop().time
        self._state = renewal.State()
        self._timer: asyncio.TimerHandle | None = None
        self._performing = False
        self._rising_since: float | None = None
        self._talked_at = self._clock()

    def began(self, handle: SessionHandle) -> None:
        """This session answers from now on."""
        self._take(renewal.Began(handle.session.capabilities.answers_speech, handle.ends_at))

    def ends(self, at: float) -> None:
        """Its provider will end it then, monotonic seconds."""
        self._take(renewal.Ends(at))

    def outdated(self) -> None:
        """What it was told is no longer so."""
        self._take(renewal.Outdated())

    def results_wait(self) -> None:
        """The agent has something to tell."""
        self._take(renewal.ResultsWait())

    def prepared(self) -> None:
        """The next one is ready."""
        self._take(renewal.Prepared())

    def failed(self) -> None:
        """There is no next one."""
        self._take(renewal.PreparationFailed())

    def left(self) -> None:
        """There is no session, or one is awaited in any case."""
        self._take(renewal.Left())

    def look(self) -> None:
        """The conversation does something else than before."""
        if self._moment() is not Moment.QUIET:
            self._talked_at = self._clock()
        if self._state.stage is Stage.READY and not self._performing:
            self._take(None)

    def _take(self, event: renewal.Event | None) -> None:
        """Take an event, look at the moment, and do what is due."""
        events = [event] if event else []
        while True:
            for one in events:
                self._state, effects = renewal.advance(self._state, one, self._clock(), self._times())
                for effect in effects:
                    self._perform(effect)
            if self._performing:
                return
            before = self._state
            look = renewal.Look(self._moment_to_change())
            self._state, effects = renewal.advance(before, look, self._clock(), self._times())
            self._performing = True
            try:
                events = [follow_up for effect in effects if (follow_up := self._perform(effect))]
            finally:
                self._performing = False
            if not events:
                break
        self._set_timer()

    def _moment_to_change(self) -> Moment:
        moment = self._moment()
        if self._state.stage is not Stage.READY or moment is not Moment.QUIET or not self._rises():
            self._rising_since = None
            return moment
        if self._rising_since is None:
            self._rising_since = self._clock()
        is_new = self._clock() - self._rising_since < self._times().sound_rises_s
        return Moment.BUSY if is_new else Moment.QUIET

    def _perform(self, effect: Effect) -> renewal.Event | None:
        match effect:
            case Effect.FOLD:
                self._fold()
            case Effect.PREPARE if self._is_unused():
                self._leave()
            case Effect.PREPARE:
                self._slot.renew()
            case Effect.DISCARD:
                self._slot.discard()
            case Effect.TAKE_OVER:
                if not self._slot.take_over():
                    return renewal.Outdated()
        return None

    def _is_unused(self) -> bool:
        """Is it a session for a call that nobody is in any more?"""
        ago_s = min(self._sound_ago(), self._clock() - self._talked_at)
        return self._state.ages and ago_s > self._times().unused_s and self._moment() is Moment.QUIET

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        due = self._state.deadline(self._clock(), self._times())
        if self._rising_since is not None:
            soon = self._clock() + self._times().look_s
            due = soon if due is None else min(due, soon)
        if due is not None:
            self._timer = asyncio.get_running_loop().call_at(due, self._take, None)
