"""Every background task of Neko starts here: named, owned, and gone when its owner is.

A task that crashes is logged and reported to its owner and stops no other; a supervised one
is started again with a growing delay.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import gc
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, overload

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")

CrashReport = Callable[[str, BaseException], None]
Sleep = Callable[[float], Awaitable[object]]


class TaskOwner:
    """Owns the tasks of one part of the program.

    ``on_crash`` gets the task's short name and the exception, on the loop thread. ``sleep`` and
    ``clock`` (monotonic seconds) drive the restart delays of ``supervise``.
    """

    def __init__(
        self,
        name: str,
        on_crash: CrashReport | None = None,
        *,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.closed = False
        self._on_crash = on_crash
        self._sleep = sleep
        self._clock = clock
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def tasks(self) -> frozenset[asyncio.Task[Any]]:
        """The tasks that are still running."""
        return frozenset(self._tasks)

    def spawn(self, coro: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Run ``coro`` as a task called ``<owner>:<name>``.

        Raises ``RuntimeError`` after ``aclose``. The caller may await the task; if it fails, the
        crash has been logged and reported either way.
        """
        if self.closed:
            coro.close()
            raise RuntimeError(f"{self.name} is closed and starts no more tasks")
        task = asyncio.get_running_loop().create_task(coro, name=f"{self.name}:{name}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finished(done, name))
        return task

    def supervise(
        self,
        factory: Callable[[], Awaitable[None]],
        *,
        name: str,
        first_delay_s: float = 0.2,
        max_delay_s: float = 30.0,
    ) -> asyncio.Task[None]:
        """Keep ``factory()`` running: after a crash start it again, ``first_delay_s`` seconds later.

        The delay doubles with every crash up to ``max_delay_s`` and starts over once a run has
        lasted longer than that. A run that returns is finished and is not started again.
        """
        return self.spawn(self._restart(factory, name, first_delay_s, max_delay_s), name=name)

    async def aclose(self, timeout_s: float = 2.0) -> None:
        """Cancel every task and wait up to ``timeout_s`` seconds for them to end; idempotent."""
        self.closed = True
        others = {task for task in self._tasks if task is not asyncio.current_task()}
        for task in others:
            task.cancel()
        if not others:
            return
        _, stuck = await asyncio.wait(others, timeout=timeout_s)
        for task in stuck:
            logger.error("%s did not end within %.1f s of being cancelled", task.get_name(), timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _restart(
        self, factory: Callable[[], Awaitable[None]], name: str, first_delay_s: float, max_delay_s: float
    ) -> None:
        delay = first_delay_s
        while True:
            started = self._clock()
            try:
                await factory()
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                self._report(name, error)
            except Exception as error:
                self._report(name, error)
            else:
                return
            if self._clock() - started > max_delay_s:
                delay = first_delay_s
            logger.warning("%s:%s starts again in %.1f s", self.name, name, delay)
            await self._sleep(delay)
            delay = min(delay * 2, max_delay_s)

    def _finished(self, task: asyncio.Task[Any], name: str) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._report(name, error)

    def _report(self, name: str, error: BaseException) -> None:
        logger.error("%s:%s crashed", self.name, name, exc_info=error)
        if self._on_crash is None:
            return
        try:
            self._on_crash(name, error)
        except Exception:
            logger.exception("the crash report of %s:%s failed", self.name, name)


def is_cancelled() -> bool:
    """Has the running task been cancelled? In one that was not, a ``CancelledError`` is a failure of what it called."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def to_the_end(work: Awaitable[T]) -> T:
    """The result of ``work``, which a cancelled caller still waits for before it goes."""
    inner = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(inner)
    except asyncio.CancelledError:
        if not inner.done():
            await asyncio.wait({inner})
        raise


@overload
async def together(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U], /) -> tuple[T, U]: ...
@overload
async def together(*coros: Coroutine[Any, Any, T]) -> tuple[T, ...]: ...
async def together(*coros: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """Run coroutines side by side on behalf of the calling task; their results, in order.

    None outlives the call. The first failure cancels the others and is raised once they have
    ended; a cancellation of the caller cancels them all.
    """
    caller = asyncio.current_task()
    name = caller.get_name() if caller else "together"
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coro, name=f"{name}:{number}") for number, coro in enumerate(coros, 1)]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return tuple(task.result() for task in tasks)


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking ``work`` in a worker thread of the default executor."""
    return await asyncio.to_thread(work, *args, **kwargs)


def spare_collector() -> None:
    """To be called when something large has been loaded that stays for good: the collector does not look through it.

    Looking through the dictionaries of the voice takes 70 ms, in whatever step of the loop the collector is due. At the
    end of the process it does: what is then left of soxr makes its bindings complain on the terminal.
    """
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)
    gc.freeze()


def give_memory_back() -> None:
    """To be called in a thread when much has been freed: glibc keeps it, which is nearly all of a model.

    Takes some 50 ms, without the interpreter's lock; does nothing with another C library.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)
