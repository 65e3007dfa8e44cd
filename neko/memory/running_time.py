"""How long a search may run, counted from when it begins: what waits before it in the threads is not its own time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class OutOfTimeError(Exception):
    """A search has run for as long as it may."""


class RunningTime:
    """``processor_s``: of its thread, so that a search goes on where other programs keep the processor busy;
    ``longest_s``: by the clock, all the same. Begun and looked at in the thread that searches; ``began`` is for any
    thread, in seconds of ``time.monotonic``, None while it waits."""

    def __init__(self, processor_s: float, longest_s: float) -> None:
        self._processor_s = processor_s
        self._longest_s = longest_s
        self._used = 0.0
        self.began: float | None = None

    def begin(self) -> None:
        """Count from now; a second read for the same search goes on with the time of the first."""
        if self.began is None:
            self._used = time.thread_time()
            self.began = time.monotonic()

    @property
    def left_s(self) -> float:
        """By the clock; all of it before it has begun."""
        return self._longest_s if self.began is None else self.began + self._longest_s - time.monotonic()

    @property
    def is_up(self) -> bool:
        """Whether a search that has begun has to stop."""
        return time.thread_time() - self._used >= self._processor_s or self.left_s <= 0


@asynccontextmanager
async def begun_within(turn_s: float, running_time: RunningTime) -> AsyncIterator[None]:
    """Raises ``TimeoutError`` when the search inside has not begun after ``turn_s`` seconds, or has no time left."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as deadline:

        def look() -> None:
            left_s = 0.0 if running_time.began is None else running_time.left_s
            deadline.reschedule(loop.time() + left_s)

        timer = loop.call_later(turn_s, look)
        try:
            yield
        finally:
            timer.cancel()
