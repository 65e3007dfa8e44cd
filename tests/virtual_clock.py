"""An event loop whose clock jumps to the next timer when nothing else is to be done; an executor without threads."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time`` is seconds since some moment; an hour of waiting takes none."""

    _scheduled: list[asyncio.TimerHandle]
    _timer_cancelled_count: int

    def __init__(self) -> None:
        super().__init__()
        self._now = 1_000.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0].cancelled():
            self._timer_cancelled_count -= 1
            heapq.heappop(self._scheduled)._scheduled = False  # type: ignore[attr-defined]
        if self._scheduled and not self._ready:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


class InlineExecutor(ThreadPoolExecutor):
    """Does the work at once, where it is handed over."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


def run_virtually(case: Callable[[InlineExecutor], Coroutine[Any, Any, T]]) -> T:
    """Run this on a virtual clock; fails when it leaves tasks behind."""
    with InlineExecutor(1) as executor:
        loop = VirtualLoop()
        try:
            loop.set_default_executor(executor)
            result = loop.run_until_complete(case(executor))
            left = [task.get_name() for task in asyncio.all_tasks(loop)]
            assert not left, f"left behind: {left}"
            return result
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
