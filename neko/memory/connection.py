"""A log's SQLite connection in the threads of one lane (``threads``); work is handed to it as functions.

As in datasette's ``database.py``, a write is a function that runs as one transaction, and a read
is stopped inside SQLite by a progress handler when nobody waits for it any more. A function takes
one way to the thread and back, however many statements it holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from neko.memory.file_identity import Identity, identity
from neko.memory.page_check import findings, interrupted_when
from neko.memory.running_time import OutOfTimeError, RunningTime
from neko.memory.sqlite_errors import ConnectionClosedError, FileMovedError, garbled_schema, interrupted, is_damage
from neko.memory.threads import Lane, Work
from neko.storage import make_private
from neko.tasks import to_the_end

T = TypeVar("T")

STEPS_BETWEEN_CHECKS: Final = 10_000
"""Instructions of SQLite's virtual machine; a few milliseconds of a scan that reads JSON."""
_BETWEEN_LOOKS_S: Final = 0.05
"""At whether a check of the whole file is still waited for."""
_SHORTEST_LOCK_WAIT_S: Final = 0.05
_NEARLY: Final = 0.9
"""Of the time for a lock; to set the little that a transaction has waited costs a tenth of what it does."""


class Connection:
    """Opened when it is first needed, and again when it was closed meanwhile for others (``threads.OpenFiles``).

    What is handed in while something is at work runs after it, one after the other. It commits by itself outside of
    ``transaction``. ``prepare`` is run on each opening; ``lock_timeout_s`` is how long each statement waits for a lock
    that another program holds, and a transaction counts from when it was handed in; ``file`` is the identity that the
    file must have, None for whichever the first opening finds or makes. ``wal`` is the identity of the file with what
    is committed and not yet in the database itself.
    """

    def __init__(
        self, lane: Lane, path: Path, *, lock_timeout_s: float, prepare: Work[None], file: Identity | None = None
    ) -> None:
        self._lane = lane
        self.path = path
        self._lock_timeout_s = lock_timeout_s
        self._prepare = prepare
        self.file = file
        self.wal: Identity | None = None
        self.must_stay_open = False
        self._closed = False
        self._abandoned: set[threading.Event] = set()
        self._unusable: sqlite3.DatabaseError | None = None

    def open(self) -> sqlite3.Connection:
        """For the lane. Raises ``FileMovedError`` when the file at the path is not ``file``."""
        if self.file is not None and identity(self.path) != self.file:
            raise FileMovedError()
        connection = _open(self.path, self._lock_timeout_s, self._prepare)
        self.file, self.wal = identity(self.path), identity(self.path.with_name(self.path.name + "-wal"))
        return connection

    async def opened(self) -> Self:
        """Open it now; raises ``sqlite3.Error`` and what ``prepare`` raises."""
        try:
            await self._run(lambda _: None)
        except BaseException:
            await to_the_end(self.aclose())
            raise
        return self

    async def read(
        self, work: Work[T], *, timeout_s: float | None = None, running_time: RunningTime | None = None
    ) -> T:
        """The result of ``work``, which only reads.

        When the time is up (``TimeoutError``; ``OutOfTimeError`` for ``running_time``, which counts from when it gets
        its turn) or the caller is cancelled, a running statement is interrupted within milliseconds, and ``work`` gets
        no further statement executed. Raises ``sqlite3.Error``.
        """
        async with asyncio.timeout(timeout_s):
            return await self._interruptible(work, running_time=running_time)

    async def check(self) -> list[str]:
        """``page_check.findings``, interrupted as ``read`` is. Raises ``sqlite3.Error``."""

        def run(connection: sqlite3.Connection) -> list[str]:
            assert isinstance(connection, _Interruptible)
            with interrupted_when(connection, connection.is_given_up, _BETWEEN_LOOKS_S):
                return findings(connection)

        return await self._interruptible(run)

    async def transaction(self, work: Work[T], *, durable: bool = True) -> T:
        """Run ``work`` as one transaction: all of it is committed, or none of it.

        Any exception rolls back. A caller that is cancelled does not learn which of the two it
        was. Without ``durable`` the commit does not wait for the disk. Raises ``sqlite3.Error``;
        after damage to the file every transaction fails with it, and with ``FileMovedError`` once another file, or
        none, is at its path.
        """
        due = time.monotonic() + self._lock_timeout_s

        def run(connection: sqlite3.Connection) -> T:
            if self._unusable is not None:
                raise self._unusable
            left_s = max(due - time.monotonic(), _SHORTEST_LOCK_WAIT_S)
            is_late = left_s < _NEARLY * self._lock_timeout_s
            if is_late:
                self._wait_for_locks(connection, left_s)
            try:
                result = _committed(connection, work, durable)
            except sqlite3.DatabaseError as error:
                if is_damage(error):
                    self._unusable = error
                raise
            finally:
                if is_late:
                    self._wait_for_locks(connection, self._lock_timeout_s)
            if identity(self.path) != self.file:
                self._unusable, self.must_stay_open = FileMovedError(), True
                raise FileMovedError(committed=True, result=result)
            return result

        return await self._run(run)

    async def fold_in(self, first: Work[None]) -> bool:
        """Run ``first`` outside of any transaction, then move what the WAL holds into the file and empty it.

        False at once while somebody reads. Interrupted as ``read`` is. Raises ``sqlite3.Error``.
        """

        def run(connection: sqlite3.Connection) -> bool:
            first(connection)
            self._wait_for_locks(connection, 0)  # a reader may stay for long, and nothing is written meanwhile
            try:
                return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                self._wait_for_locks(connection, self._lock_timeout_s)

        return await self._interruptible(run, between_statements=False)

    async def aclose(self, last: Work[object] | None = None) -> None:
        """Interrupt running reads, finish what was handed in, run ``last`` as a transaction that does not wait for the
        disk, unless the file had to be opened for it, and close; idempotent."""
        if self._closed:
            return
        self._closed = True
        for abandoned in self._abandoned:
            abandoned.set()
        if last is not None and self._lane.has_open(self):
            with contextlib.suppress(sqlite3.Error):
                await asyncio.shield(self._lane.run(self, lambda connection: _committed(connection, last, False)))
        with contextlib.suppress(sqlite3.Error):
            await asyncio.shield(self._lane.close(self))

    @staticmethod
    def _wait_for_locks(connection: sqlite3.Connection, seconds: float) -> None:
        connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")

    async def _interruptible(
        self, work: Work[T], *, between_statements: bool = True, running_time: RunningTime | None = None
    ) -> T:
        abandoned = threading.Event()

        def is_given_up() -> bool:
            return abandoned.is_set() or (running_time is not None and running_time.is_up)

        def run(connection: sqlite3.Connection) -> T:
            if abandoned.is_set():
                raise interrupted()
            if running_time is not None:
                running_time.begin()
            assert isinstance(connection, _Interruptible)
            connection.set_progress_handler(is_given_up, STEPS_BETWEEN_CHECKS)
            connection.is_given_up = is_given_up if between_statements else _never
            try:
                return work(connection)
            except sqlite3.OperationalError as error:
                is_cut = error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
                if running_time is not None and is_cut and running_time.is_up:
                    raise OutOfTimeError from error
                raise
            finally:
                connection.set_progress_handler(None, 0)
                connection.is_given_up = _never
                if running_time is not None:
                    running_time.end()

        self._abandoned.add(abandoned)
        try:
            return await self._run(run)
        finally:
            abandoned.set()
            self._abandoned.discard(abandoned)

    async def _run(self, work: Work[T]) -> T:
        if self._closed:
            raise ConnectionClosedError("the connection is closed")
        try:
            return await self._lane.run(self, work)
        except UnicodeDecodeError as error:
            raise garbled_schema(error) from error


def _never() -> bool:
    return False


class _Interruptible(sqlite3.Connection):
    """Executes nothing more once it ``is_given_up``: a short statement ends before it is looked whether it should."""

    is_given_up: Callable[[], bool] = staticmethod(_never)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if self.is_given_up():
            raise interrupted()
        return super().execute(sql, parameters)


def in_transaction(connection: sqlite3.Connection, work: Work[T]) -> T:
    """Run ``work`` and commit, or roll back and raise what it raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def _committed(connection: sqlite3.Connection, work: Work[T], durable: bool) -> T:
    if durable:
        return in_transaction(connection, work)
    connection.execute("PRAGMA synchronous=NORMAL")
    try:
        return in_transaction(connection, work)
    finally:
        connection.execute("PRAGMA synchronous=FULL")


def _open(path: Path, lock_timeout_s: float, prepare: Work[None]) -> sqlite3.Connection:
    with contextlib.suppress(OSError):  # what was said is for its owner; SQLite's files beside it follow
        make_private(path)
    connection = sqlite3.connect(path, timeout=lock_timeout_s, isolation_level=None, factory=_Interruptible)
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection
