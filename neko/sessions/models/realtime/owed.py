"""Watches that a provider does not only look alive: something has to come of what it owes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class OwedAnswer:
    """After ``timeout_s`` seconds without a sign of the provider ``on_silent`` is told, if ``is_owed`` still says so;
    else ``on_settled``."""

    def __init__(
        self,
        timeout_s: float,
        is_owed: Callable[[], bool],
        on_silent: Callable[[], object],
        on_settled: Callable[[], object] = lambda: None,
    ) -> None:
        self._timeout_s = timeout_s
        self._is_owed = is_owed
        self._on_silent = on_silent
        self._on_settled = on_settled
        self._loop = asyncio.get_running_loop()
        self._alive_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def alive(self) -> None:
        """There was a sign."""
        self._alive_at = self._loop.time()

    def begin(self) -> None:
        """Something is to come from now on."""
        self.alive()
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._look)

    def stop(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        left_s = self._timeout_s - (self._loop.time() - self._alive_at)
        if not self._is_owed():
            self._on_settled()
        elif left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        else:
            self._on_silent()
