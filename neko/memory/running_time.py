"""How long a search may run, counted from when it begins: what waits before it in the threads is not its own time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_LOOK_S: Final = 0.05
"""Between looks whether what was found has been taken."""


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
        self.is_over = False

    def begin(self) -> None:
        """Count from now; a second read for the same search goes on with the time of the first."""
        self.is_over = False
        if self.began is None:
            self._used = time.thread_time()
            self.began = time.monotonic()

    def end(self) -> None:
        """The thread is done with it: what it found is on its way, however late the loop takes it."""
        self.is_over = True

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
        timers: list[asyncio.TimerHandle] = []

        def look() -> None:
            if running_time.is_over:  # a loop that is late may look before it takes what was found
                look_in(max(turn_s, _LOOK_S))
            elif running_time.began is None or running_time.left_s <= 0:
                deadline.reschedule(loop.time())
            else:
                look_in(running_time.left_s)

        def look_in(seconds: float) -> None:
            timers[:] = [loop.call_later(seconds, look)]

        look_in(turn_s)
        try:
            yield
        finally:
            timers[0].cancel()
