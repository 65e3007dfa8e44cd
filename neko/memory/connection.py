"""One SQLite connection on aiosqlite's thread; work is handed to it as functions.

As in datasette's ``database.py``, a write is a function that runs as one transaction, and a read
is stopped inside SQLite by a progress handler when nobody waits for it any more. A function takes
one way to the thread and back, however many statements it holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, TypeVar

import aiosqlite

from neko.memory.file_identity import Identity, identity
from neko.memory.sqlite_errors import ConnectionClosedError, FileMovedError, is_damage
from neko.storage import make_private
from neko.tasks import to_the_end

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_STEPS_BETWEEN_CHECKS: Final = 10_000
"""Instructions of SQLite's virtual machine; a few milliseconds of a scan that reads JSON."""


class Connection:
    """Open with ``Connection.open``. What is handed in runs in order, one after the other.

    ``wal`` is the identity of the file with what is committed and not yet in the database itself.

    The connection commits by itself outside of ``transaction``.
    """

    def __init__(
        self, database: _Database, path: Path, lock_timeout_s: float, file: Identity | None, wal: Identity | None
    ) -> None:
        self._database = database
        self._path = path
        self._lock_timeout_s = lock_timeout_s
        self._file = file
        self.wal = wal
        self._closed = False
        self._abandoned = threading.Event()
        self._unusable: sqlite3.DatabaseError | None = None

    @classmethod
    async def open(cls, path: Path, *, lock_timeout_s: float, prepare: Work[None]) -> Self:
        """Open the file and run ``prepare`` on it; raises ``sqlite3.Error`` and what ``prepare`` raises.

        ``lock_timeout_s``: how long each statement waits for a lock that another program holds.
        """
        files: list[Identity | None] = []

        def opened() -> sqlite3.Connection:
            connection = _open(path, lock_timeout_s, prepare)
            files.extend((identity(path), identity(path.with_name(path.name + "-wal"))))
            return connection

        database = _Database(opened, iter_chunk_size=64)
        try:
            await to_the_end(database)
        except asyncio.CancelledError:
            await to_the_end(database.close())
            raise
        return cls(database, path, lock_timeout_s, *files)

    async def read(self, work: Work[T], *, timeout_s: float | None = None) -> T:
        """The result of ``work``, which only reads.

        When the time is up (``TimeoutError``) or the caller is cancelled, a running statement is
        interrupted within milliseconds. Raises ``sqlite3.Error``.
        """
        abandoned = threading.Event()

        def run(connection: sqlite3.Connection) -> T:
            if abandoned.is_set():
                raise sqlite3.OperationalError("interrupted")
            self._abandoned = abandoned
            connection.set_progress_handler(abandoned.is_set, _STEPS_BETWEEN_CHECKS)
            return work(connection)

        try:
            async with asyncio.timeout(timeout_s):
                return await self._run(run)
        finally:
            abandoned.set()

    async def transaction(self, work: Work[T], *, durable: bool = True) -> T:
        """Run ``work`` as one transaction: all of it is committed, or none of it.

        Any exception rolls back. A caller that is cancelled does not learn which of the two it
        was. Without ``durable`` the commit does not wait for the disk. Raises ``sqlite3.Error``;
        after damage to the file every transaction fails with it, and with ``FileMovedError`` once another file, or
        none, is at its path.
        """

        def run(connection: sqlite3.Connection) -> T:
            if self._unusable is not None:
                raise self._unusable
            try:
                result = _committed(connection, work, durable)
            except sqlite3.DatabaseError as error:
                if is_damage(error):
                    self._unusable = error
                raise
            if identity(self._path) != self._file:
                self._unusable = FileMovedError()
                raise FileMovedError(committed=True, result=result)
            return result

        return await self._run(run)

    async def fold_in(self, first: Work[None]) -> bool:
        """Run ``first`` outside of any transaction, then move what the WAL holds into the file and empty it.

        False at once while somebody reads. Raises ``sqlite3.Error``.
        """

        def run(connection: sqlite3.Connection) -> bool:
            first(connection)
            connection.execute("PRAGMA busy_timeout=0")  # a reader may stay for long, and nothing is written meanwhile
            try:
                return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                connection.execute(f"PRAGMA busy_timeout={int(self._lock_timeout_s * 1000)}")

        return await self._run(run)

    async def aclose(self) -> None:
        """Interrupt a running read, finish what was handed in, and close; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._abandoned.set()
        closing = self._database.stop()
        if closing is not None:
            with contextlib.suppress(sqlite3.Error):
                await asyncio.shield(closing)

    async def _run(self, work: Work[T]) -> T:
        if self._closed:
            raise ConnectionClosedError("the connection is closed")
        return await self._database.run(work)


class _Database(aiosqlite.Connection):
    """An aiosqlite connection that also runs functions."""

    async def run(self, work: Work[T]) -> T:
        """The result of ``work``, called with the bare connection on its thread."""
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return result


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
    connection = sqlite3.connect(path, timeout=lock_timeout_s, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection
