"""The threads in which SQLite runs. All characters share them, and the number of files that they hold open.

aiosqlite starts a thread for each connection: 300 characters, each with a connection to write and two to read, had
900 threads and 2,000 descriptors. So each of its threads is given ``OpenFiles`` here, the connections of many
characters, and work is queued as functions. A file is opened in a thread when a piece of work needs it there, and
closed when that thread has too many open and has not used it for longest. Those open for writing, which are most,
give way when all together hold too many descriptors.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

import aiosqlite

from neko.memory.descriptors import Descriptors
from neko.memory.sqlite_errors import ConnectionClosedError
from neko.tasks import to_the_end, together

logger = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_WRITERS: Final = 3
"""A write waits for the disk most of the time, and in this time other characters' are written."""
_READERS: Final = 2
_SEARCHERS: Final = 2
_MOST_WRITTEN: Final = 40
"""Connections that a thread holds open, unless all hold too many descriptors. To open a file for writing costs several
times what it costs to read it beside its writer: its WAL is made anew, and folded in at the end."""
_MOST_READ: Final = 4
_MOST_SEARCHED: Final = 8
_MOST_DESCRIPTORS: Final = 360
"""Of the usual limit of 1,024; a few more while all threads open files at once."""
_IDLE_S: Final = 30.0
"""A file that was not used for so long is closed before all others. When there is none, more characters talk in turn
than can have their files open. Then closing the one that was not used for longest would close each just before it is
needed: the one that was used last is closed, and the others stay."""
_MOST_IN_A_ROW: Final = 8
"""Pieces of work on files that are open before the one that waits longest gets its turn."""


class Source(Hashable, Protocol):
    """A file, in the threads of one lane."""

    @property
    def path(self) -> Path:
        """Where its database is."""
        ...

    @property
    def must_stay_open(self) -> bool:
        """What it holds is to be had nowhere else."""
        ...

    def open(self) -> sqlite3.Connection:
        """Called in the thread that needs it. Raises ``sqlite3.Error``."""
        ...


class OpenFiles:
    """The connections that one thread has open, the one used last at the end. For that thread only, ``in`` apart."""

    def __init__(self, most: int, descriptors: Descriptors) -> None:
        self._most = most
        self._descriptors = descriptors
        self._connections: dict[Source, sqlite3.Connection] = {}
        self._used: dict[Source, float] = {}

    def __iter__(self) -> Iterator[Source]:
        return iter(self._connections)

    @property
    def count(self) -> int:
        return len(self._connections)

    def __contains__(self, source: Source) -> bool:
        return source in self._connections

    def connection(self, source: Source) -> sqlite3.Connection:
        """The open one, or a new one. Raises ``sqlite3.Error``."""
        connection = self._connections.pop(source, None)
        if connection is None:
            if len(self._connections) >= self._most:
                for other in self._to_close()[: len(self._connections) - self._most + 1]:
                    self.close_one(other)
            connection = source.open()
            self._descriptors.opened(source.path)
        self._connections[source] = connection
        self._used[source] = time.monotonic()
        return connection

    def close_one(self, source: Source) -> None:
        """Nothing for one that is not open."""
        if connection := self._connections.pop(source, None):
            self._close(source, connection)

    def give_way(self) -> None:
        """Close what is needed least, but not the only one, as long as there are too many descriptors."""
        for source in self._to_close()[: len(self._connections) - 1]:
            if not self._descriptors.are_too_many:
                return
            with suppress(sqlite3.Error):
                self.close_one(source)

    def close(self) -> None:
        """All of them."""
        while self._connections:
            with suppress(sqlite3.Error):
                self._close(*self._connections.popitem())

    def _to_close(self) -> list[Source]:
        """What may be closed, first what is needed least (``_IDLE_S``)."""
        sources = [source for source in self._connections if not source.must_stay_open]
        since = time.monotonic() - _IDLE_S
        idle = [source for source in sources if self._used[source] < since]
        return idle + sources[len(idle) :][::-1]

    def _close(self, source: Source, connection: sqlite3.Connection) -> None:
        self._used.pop(source, None)
        try:
            connection.close()
        finally:
            self._descriptors.closed(source.path)


@dataclass(slots=True)
class _Job:
    """A piece of work in a thread, and who waits for it."""

    work: Callable[[OpenFiles], Any]
    waiter: asyncio.Future[Any]

    def run(self, files: OpenFiles) -> None:
        """Do it, unless nobody waits for it any more."""
        if self.waiter.cancelled():
            return
        try:
            result, error = self.work(files), None
        except BaseException as raised:
            result, error = None, raised
        self.tell(result, error)

    def tell(self, result: Any, error: BaseException | None) -> None:
        """From any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self.waiter.get_loop().call_soon_threadsafe(self._set, result, error)

    def _set(self, result: Any, error: BaseException | None) -> None:
        if self.waiter.done():
            return
        if error is None:
            self.waiter.set_result(result)
        else:
            self.waiter.set_exception(error)


class _Thread(aiosqlite.Connection):
    """Calls ``work`` as often as it is woken. ``own`` is work for this thread and no other.

    ``is_at_work``, ``in_a_row`` and ``own`` are guarded by the lock of its lane.
    """

    def __init__(self, work: Callable[[_Thread], None], files: OpenFiles) -> None:
        self.files = files
        # of a connection it needs ``close`` alone
        super().__init__(lambda: cast(sqlite3.Connection, self.files), iter_chunk_size=64)
        self.own: deque[_Job] = deque()
        self.is_at_work = False
        self.in_a_row = 0
        self._work = work

    def wake(self) -> None:
        """From any thread; aiosqlite's own way to its queue needs a future of the loop for each call."""
        self._tx.put_nowait((None, partial(self._work, self)))


class Lane:
    """The threads for one kind of work, started when it is first needed.

    The work on one source is done in order, never two pieces at once. An idle thread that has the source open is
    woken rather than another; who is done takes the source that waits longest, but first one that it has open.
    """

    def __init__(
        self, threads: int, most_open: int, descriptors: Descriptors | None = None, gives_way: Lane | None = None
    ) -> None:
        """``gives_way`` closes files when there are too many ``descriptors``; without it this lane itself does."""
        self._descriptors = descriptors or Descriptors(_MOST_DESCRIPTORS)
        self._gives_way = gives_way or self
        self._threads = [_Thread(self._drain, OpenFiles(most_open, self._descriptors)) for _ in range(threads)]
        self._lock = threading.Lock()
        self._waiting: dict[Source, deque[_Job]] = {}
        self._at_work: set[Source] = set()
        self._starting = asyncio.Lock()
        self._is_started = False
        self._ended = False

    async def run(self, source: Source, work: Work[T]) -> T:
        """The result of ``work``, called with the open file in a thread. Raises what opening it raises."""
        try:
            result: T = await self._do(source, lambda files: work(files.connection(source)))
        finally:
            if self._descriptors.are_too_many:
                self._gives_way.give_way()
        return result

    def give_way(self) -> None:
        """Let the thread with the most open files close some, after the work that it has (``OpenFiles.give_way``)."""
        thread = max(self._threads, key=lambda one: one.files.count)
        with self._lock:
            if not thread.own:
                self._hand(thread, _Job(OpenFiles.give_way, asyncio.get_running_loop().create_future()))

    @property
    def ahead(self) -> int:
        """Pieces of work of others that are done before one that is handed in now, about."""
        return max(len(self._waiting) + len(self._at_work) + 1 - len(self._threads), 0)

    def has_open(self, source: Source) -> bool:
        """Whether a thread has its file open now."""
        return any(source in thread.files for thread in self._threads)

    async def close(self, source: Source) -> None:
        """Close its file in every thread, after the work that it has there."""
        await self._do(source, lambda files: files.close_one(source))
        for thread in self._threads:
            if source in thread.files:
                job = _Job(lambda files: files.close_one(source), asyncio.get_running_loop().create_future())
                with self._lock:
                    self._hand(thread, job)
                await job.waiter

    async def aclose(self) -> None:
        """End the threads, after the work that was handed in; idempotent."""
        self._ended = True
        async with self._starting:
            if self._is_started:
                await together(*(thread.close() for thread in self._threads))

    async def _do(self, source: Source, work: Callable[[OpenFiles], Any]) -> Any:
        if not self._is_started:
            async with self._starting:
                if not self._ended:
                    await to_the_end(self._start())
        if self._ended:
            raise ConnectionClosedError("the threads have ended")
        job = _Job(work, asyncio.get_running_loop().create_future())
        with self._lock:
            self._waiting.setdefault(source, deque()).append(job)
            self._wake_idle(source)
        return await job.waiter

    async def _start(self) -> None:
        """As many threads as can be had; raises ``sqlite3.OperationalError`` when that is none."""
        if self._is_started:
            return
        started: list[_Thread] = []
        for thread in self._threads:
            try:
                await thread
            except RuntimeError as error:
                if not started:
                    raise sqlite3.OperationalError(f"no thread: {error}") from error
                break
            started.append(thread)
        self._threads = started
        self._is_started = True

    def _wake_idle(self, source: Source) -> None:
        """Let an idle thread do what waits, if there is one and nobody works on the source. Holding the lock."""
        idle = [thread for thread in self._threads if not thread.is_at_work]
        if idle and source not in self._at_work:
            self._wake(next((thread for thread in idle if source in thread.files), idle[0]))

    def _hand(self, thread: _Thread, job: _Job) -> None:
        """Have it done in this thread and no other. Holding the lock."""
        thread.own.append(job)
        if not thread.is_at_work:
            self._wake(thread)

    @staticmethod
    def _wake(thread: _Thread) -> None:
        thread.wake()
        thread.is_at_work = True

    def _longest_waiting(self) -> Source | None:
        return next((source for source in self._waiting if source not in self._at_work), None)

    def _longest_unopened(self, thread: _Thread) -> Source | None:
        """One that no other thread has open; if there is none, any. Holding the lock."""
        others = [one.files for one in self._threads if one is not thread]
        waiting = (source for source in self._waiting if source not in self._at_work)
        fresh = next((source for source in waiting if not any(source in files for files in others)), None)
        return fresh or self._longest_waiting()

    def _drain(self, thread: _Thread) -> None:
        """In the thread: do what waits until nothing does."""
        while taken := self._take(thread):
            source, job = taken
            job.run(thread.files)
            with self._lock:
                self._at_work.discard(source)

    def _take(self, thread: _Thread) -> tuple[Source | None, _Job] | None:
        with self._lock:
            if thread.own:
                return None, thread.own.popleft()
            source = self._choose(thread)
            if source is None:
                thread.is_at_work = False
                return None
            jobs = self._waiting.pop(source)
            job = jobs.popleft()
            if jobs:
                self._waiting[source] = jobs  # behind the others
            self._at_work.add(source)
            if others := self._longest_waiting():
                self._wake_idle(others)
            return source, job

    def _choose(self, thread: _Thread) -> Source | None:
        opened = None
        if thread.in_a_row < _MOST_IN_A_ROW:
            files = reversed(list(thread.files))  # first the one that it has just used, before that gives way
            opened = next((source for source in files if source in self._waiting and source not in self._at_work), None)
        thread.in_a_row = thread.in_a_row + 1 if opened else 0
        return opened or self._longest_unopened(thread)


class Threads:
    """The lanes for writing, for reading a page and for searching, so that neither of the others waits for a search,
    and for what reads a whole file, for which nobody waits."""

    def __init__(self) -> None:
        descriptors = Descriptors(_MOST_DESCRIPTORS)
        self.writing = Lane(_WRITERS, _MOST_WRITTEN, descriptors)
        self.reading = Lane(_READERS, _MOST_READ, descriptors, self.writing)
        self.searching = Lane(_SEARCHERS, _MOST_SEARCHED, descriptors, self.writing)
        self.copying = Lane(1, 1, descriptors, self.writing)

    @property
    def ahead(self) -> int:
        """``Lane.ahead`` of a search, which the threads that write do as well where many search."""
        return max(self.searching.ahead, self.writing.ahead)

    async def aclose(self) -> None:
        """After the work that was handed in, close all files and end the threads; idempotent."""
        lanes = (self.writing, self.reading, self.searching, self.copying)
        await together(*(lane.aclose() for lane in lanes))
