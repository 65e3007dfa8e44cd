"""How this process is: its loop, its processor time, its memory."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from neko.tasks import TaskOwner

_EVERY_S = 0.1
_KEPT = 100
_WATCHED_FOR_S = 5.0
"""So long after somebody looked the loop is still watched: nothing wakes up for what nobody reads."""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """Seconds; ``memory`` in bytes, None where the system does not say. ``lag_s``: how late the loop woke up last;
    ``worst_lag_s``: at worst in the last ten seconds, as far as somebody looked. ``processor``: cores in use since the
    look before. ``tasks``: of the loop."""

    uptime_s: float
    processor: float
    memory: int | None
    threads: int
    tasks: int
    lag_s: float
    worst_lag_s: float


class ProcessWatch:
    """``neko.process``. The loop is watched while somebody looks."""

    def __init__(self, owner: TaskOwner) -> None:
        self._owner = owner
        self._began = time.monotonic()
        self._lags: deque[float] = deque(maxlen=_KEPT)
        self._until = 0.0
        self._watching: asyncio.Task[None] | None = None
        self._before = (self._began, time.process_time())
        self._processor = 0.0

    def look(self) -> ProcessState:
        """Now; and watch the loop for a while."""
        now = time.monotonic()
        self._until = now + _WATCHED_FOR_S
        if self._watching is None or self._watching.done():
            self._lags.clear()
            self._watching = self._owner.spawn(self._watch(), name="watch the loop")
        at, used = self._before
        if now - at >= _EVERY_S:
            spent = time.process_time()
            self._processor, self._before = (spent - used) / (now - at), (now, spent)
        return ProcessState(
            uptime_s=now - self._began,
            processor=self._processor,
            memory=resident_memory(),
            threads=threading.active_count(),
            tasks=len(asyncio.all_tasks()),
            lag_s=self._lags[-1] if self._lags else 0.0,
            worst_lag_s=max(self._lags, default=0.0),
        )

    async def _watch(self) -> None:
        while (before := time.monotonic()) < self._until:
            await asyncio.sleep(_EVERY_S)
            self._lags.append(max(0.0, time.monotonic() - before - _EVERY_S))


def resident_memory() -> int | None:
    """Bytes of this process in memory, where Linux tells."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
