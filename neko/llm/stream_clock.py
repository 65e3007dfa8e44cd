"""When to stop waiting for a stream: any byte is a sign of life, words end the first wait."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from types import TracebackType
from typing import Self

from neko.llm.client import Patience

LONGEST_STREAM = 32 * 1024 * 1024
"""Bytes: twenty times the longest thoughts that models are known for."""


class StreamClock:
    """The deadline of one completion: its block is cancelled and ends in ``TimeoutError`` when it has passed.

    ``on_late`` is called once when ``patience.late_s`` have gone by and nothing has come. A stream is too long
    after ``longest_s`` seconds or ``LONGEST_STREAM`` bytes, however alive it is. The time while it is paused (the
    reader is behind) does not count. What is called for every chunk only notes the time: one timer looks at it.
    """

    def __init__(self, patience: Patience, longest_s: float, on_late: Callable[[], object] | None = None) -> None:
        self._patience = patience
        self._on_late = on_late
        self._loop = asyncio.get_running_loop()
        self._alive = self._loop.time()
        self._end = self._alive + longest_s
        self._last = math.inf
        self._paused: float | None = None
        self._bytes_left = LONGEST_STREAM
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._late_timer: asyncio.TimerHandle | None = None
        self.allowed_s = patience.first_words_timeout_s
        self.has_words = False
        self.is_too_long = False
        """It has expired although the stream is alive."""

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        if self._on_late:
            self._late_timer = self._loop.call_later(self._patience.late_s, self._on_late)
        self._look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cancel(self._timer)
        self._cancel(self._late_timer)
        await self._timeout.__aexit__(kind, error, trace)

    @property
    def has_expired(self) -> bool:
        """True once the deadline has passed, and of the ``TimeoutError`` that comes of it."""
        return self._timeout.expired()

    def alive(self, size: int) -> None:
        """So many bytes have come."""
        self._alive = self._loop.time()
        self._bytes_left -= size
        if self._bytes_left < 0:
            self._expire(too_long=True)

    def thought(self) -> None:
        """Something of a reply has come, were it only thoughts: the model is there, so it is not late any more."""
        self._cancel(self._late_timer)

    def words(self) -> None:
        """The reply itself has begun."""
        self.thought()
        self.has_words = True
        self.allowed_s = self._patience.between_words_timeout_s
        self._look()

    def pause(self) -> None:
        """Do not count from here to ``resume``."""
        self._paused = self._loop.time()

    def resume(self) -> None:
        self._alive = self._loop.time()
        if self._paused is not None:
            self._end += self._alive - self._paused
            self._paused = None

    def last(self, seconds: float) -> None:
        """All has come; what may follow has this long, from the first time that this is called."""
        self._cancel(self._timer)
        self._last = min(self._last, self._loop.time() + seconds)
        self._timeout.reschedule(self._last)

    def _look(self) -> None:
        """Expire if it is time to, else look again when it may be."""
        now = self._loop.time()
        if self._paused is not None:
            self._look_at(now + self.allowed_s)
        elif now >= (due := min(self._alive + self.allowed_s, self._end)):
            self._expire(too_long=due == self._end)
        else:
            self._look_at(due)

    def _look_at(self, when: float) -> None:
        self._cancel(self._timer)
        self._timer = self._loop.call_at(when, self._look)

    def _expire(self, *, too_long: bool) -> None:
        self.is_too_long = too_long
        self._timeout.reschedule(self._loop.time())

    @staticmethod
    def _cancel(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()
