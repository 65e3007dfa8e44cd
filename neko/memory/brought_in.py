"""Learning from what was brought in from elsewhere, once it has come to rest: one queue for all characters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final

from neko.errors import NekoError
from neko.memory.sqlite_errors import log_given_up

logger = logging.getLogger(__name__)

BROUGHT_IN: Final = "brought_in"
"""The name of the state that says behind which line there are some that no memo was made of; none when there are no
such lines, and facts were looked for in all."""
_LONGEST_WAIT: Final = 60
"""So many quiet whiles after the first line the work begins though others still come."""


class Step(Enum):
    """What a part of the work has left."""

    DONE = "done"
    MORE = "more"
    SOON = "soon"
    """More, after a quiet while: a model was asked, which may bear no more for now."""
    LATER = "later"
    """It could not be done: something is in its way."""


class BroughtIn:
    """Whose lines wait to be worked on. The loop's thread only.

    Of all characters one is at work, with one bounded ``step``; those who have more to do take turns. How far each is
    stands in its log, so that what was cut short goes on when the log is opened again (``left_over``).
    """

    def __init__(self, step: Callable[[str], Awaitable[Step]], *, quiet_s: float, again_s: float) -> None:
        """``quiet_s``: from the last line to the work; ``again_s``: until what could not be done is tried again."""
        self._step = step
        self._quiet_s = quiet_s
        self._again_s = again_s
        self._due: dict[str, float] = {}
        self._latest: dict[str, float] = {}
        self._put_off = set[str]()
        self._touched = asyncio.Event()
        self._rested = asyncio.Event()

    def touch(self, character: str) -> None:
        """Lines came: begin when no more have come for a while."""
        now = asyncio.get_running_loop().time()
        latest = self._latest.setdefault(character, now + _LONGEST_WAIT * self._quiet_s)
        self._due[character] = min(now + self._quiet_s, latest)
        self._put_off.discard(character)
        self._touched.set()

    def drop(self, character: str) -> None:
        """Leave it alone until lines come again."""
        self._due.pop(character, None)
        self._latest.pop(character, None)
        self._put_off.discard(character)
        self._rested.set()

    async def rested(self, character: str) -> bool:
        """Wait until there is nothing to be done of this one, or what there is waits to be tried again; whether it is
        done."""
        while character in self._due and character not in self._put_off:
            self._rested.clear()
            await self._rested.wait()
        return character not in self._due

    async def run(self) -> None:
        """Do what is due, for ever."""
        while True:
            self._touched.clear()
            name = min(self._due, key=self._due.__getitem__, default=None)
            wait_s = None if name is None else self._due[name] - asyncio.get_running_loop().time()
            if name is None or wait_s is None or wait_s > 0:
                try:
                    async with asyncio.timeout(wait_s):
                        await self._touched.wait()
                except TimeoutError:
                    pass
                continue
            await self._take(name)

    async def _take(self, name: str) -> None:
        self._latest.pop(name, None)
        due = self._due[name]
        try:
            left = await self._step(name)
        except NekoError as error:
            log_given_up(logger, "%s: what was brought in could not be learnt from: %s", name, error)
            left = Step.LATER
        if self._due.get(name) != due:  # more has come
            return
        now = asyncio.get_running_loop().time()
        match left:
            case Step.DONE:
                self.drop(name)
            case Step.MORE | Step.SOON:
                self._due[name] = now if left is Step.MORE else now + self._quiet_s
                self._put_off.discard(name)
            case Step.LATER:
                self._due[name] = now + self._again_s
                self._put_off.add(name)
                self._rested.set()
