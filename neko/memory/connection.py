"""One SQLite connection with a thread of its own; work is handed to it as functions.

As in datasette's ``database.py``, a write is a function that runs as one transaction, and a read
is stopped inside SQLite by a progress handler when nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, TypeVar

from neko.memory.sqlite_errors import ConnectionClosedError, is_damage
from neko.memory.worker_thread import WorkerThread

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_STEPS_BETWEEN_CHECKS: Final = 10_000
"""Instructions of SQLite's virtual machine; a few milliseconds of a scan that reads JSON."""


class Connection:
    """Open with ``Connection.open``. What is handed in runs in order, one after the other.

    The connection commits by itself outside of ``transaction``.
    """

    def __init__(self, connection: sqlite3.Connection, worker: WorkerThread) -> None:
        self._connection = connection
        self._worker = worker
        self._closed = False
        self._abandoned = threading.Event()
        self._damage: sqlite3.DatabaseError | None = None

    @classmethod
    async def open(cls, path: Path, *, lock_timeout_s: float, prepare: Work[None]) -> Self:
        """Open the file and run ``prepare`` on it; raises ``sqlite3.Error`` and what ``prepare`` raises.

        ``lock_timeout_s``: how long each statement waits for a lock that another program holds.
        """
        worker = WorkerThread("neko-memory")
        opened: list[sqlite3.Connection] = []
        try:
            await worker.submit(lambda: _open(path, lock_timeout_s, prepare, opened))
        except BaseException:
            worker.submit(lambda: _close(opened))
            worker.finish()
            raise
        return cls(opened[0], worker)

    async def read(self, work: Work[T], *, timeout_s: float | None = None) -> T:
        """The result of ``work``, which only reads.

        When the time is up (``TimeoutError``) or the caller is cancelled, a running statement is
        interrupted within milliseconds. Raises ``sqlite3.Error``.
        """
        abandoned = threading.Event()

        def run() -> T:
            self._abandoned = abandoned
            self._connection.set_progress_handler(abandoned.is_set, _STEPS_BETWEEN_CHECKS)
            return work(self._connection)

        try:
            async with asyncio.timeout(timeout_s):
                return await self._run(run)
        finally:
            abandoned.set()

    async def transaction(self, work: Work[T], *, durable: bool = True) -> T:
        """Run ``work`` as one transaction: all of it is committed, or none of it.

        Any exception rolls back. A caller that is cancelled does not learn which of the two it
        was. Without ``durable`` the commit does not wait for the disk. Raises ``sqlite3.Error``;
        after damage to the file every transaction fails with it.
        """

        def run() -> T:
            if self._damage is not None:
                raise self._damage
            try:
                return _committed(self._connection, work, durable)
            except sqlite3.DatabaseError as error:
                if is_damage(error):
                    self._damage = error
                raise

        return await self._run(run)

    async def aclose(self) -> None:
        """Interrupt a running read, finish what was handed in, and close; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._abandoned.set()
        closing = self._worker.submit(self._connection.close)
        self._worker.finish()
        with contextlib.suppress(sqlite3.Error):
            await asyncio.shield(closing)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise ConnectionClosedError("the connection is closed")
        return await self._worker.submit(work)


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


def _open(path: Path, lock_timeout_s: float, prepare: Work[None], opened: list[sqlite3.Connection]) -> None:
    connection = sqlite3.connect(path, timeout=lock_timeout_s, isolation_level=None)
    opened.append(connection)
    prepare(connection)


def _close(opened: list[sqlite3.Connection]) -> None:
    """Close what was opened in vain, in the thread that opened it."""
    for connection in opened:
        connection.close()
