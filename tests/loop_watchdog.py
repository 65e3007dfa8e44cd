"""Measures how long each step of the event loop holds the loop's thread.

A test that is marked ``loop_watchdog`` fails when a step of its own took too long; what sets it up is not watched.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

LIMIT = 0.05
"""Seconds of the thread's own processor time: what other programs take does not count."""

BLOCKED = 2.0
"""Seconds by the clock: a step this long waits for something, however busy the machine is."""


@dataclass(slots=True)
class Watchdog:
    """``longest``: processor seconds of the longest step. ``offences``: the steps over a limit, in words."""

    longest: float = 0.0
    offences: list[str] = field(default_factory=list)

    def record(self, handle: asyncio.Handle, busy: float, elapsed: float) -> None:
        self.longest = max(self.longest, busy)
        if busy > LIMIT or elapsed > BLOCKED:
            self.offences.append(f"{busy * 1000:.0f} ms busy, {elapsed * 1000:.0f} ms in all: {handle!r}")


@contextmanager
def watching() -> Iterator[Watchdog]:
    """Time every step of this thread's loop meanwhile.

    What there was before, pytest's own, is left out of garbage collections: a program has no such heap.
    """
    watchdog = Watchdog()
    watched = threading.get_ident()
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        if threading.get_ident() != watched:
            run(handle)
            return
        busy, began = time.thread_time(), time.monotonic()
        try:
            run(handle)
        finally:
            watchdog.record(handle, time.thread_time() - busy, time.monotonic() - began)

    asyncio.Handle._run = timed  # type: ignore[method-assign, assignment]
    gc.freeze()
    try:
        yield watchdog
    finally:
        asyncio.Handle._run = run  # type: ignore[method-assign]
        gc.unfreeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    if pyfuncitem.get_closest_marker("loop_watchdog") is None:
        return (yield)
    with watching() as watchdog:
        outcome: Any = yield
    assert not watchdog.offences, "the event loop was held:\n" + "\n".join(watchdog.offences)
    return outcome
