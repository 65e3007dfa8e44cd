"""The file of a log: its connections, and what happens when it is damaged, or no longer at its place.

One connection writes, one reads pages, one recalls, so that a long recall is in nobody's way; one more checks and
copies the file. Each is open only while it is used or others do not need its place (``threads``).
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, Protocol, TypeVar

from neko.errors import DataFolderError, LogMovedError, MemoryStoreError, NekoError
from neko.memory import backup, index, schema
from neko.memory.connection import Connection, in_transaction
from neko.memory.damaged_log import check_header, has_wal, put_back, replace_damaged, take_interrupted
from neko.memory.file_identity import Identity, identity
from neko.memory.migrations import check_version, migrate
from neko.memory.paths import backups_of
from neko.memory.running_time import RunningTime
from neko.memory.sqlite_errors import (
    ConnectionClosedError,
    FileMovedError,
    damage,
    is_damage,
    is_index_damage,
    store_error,
)
from neko.memory.threads import Lane, Threads, Work
from neko.memory_errors import BackupFailedError
from neko.tasks import in_thread

logger = logging.getLogger(__name__)

T = TypeVar("T")
OnDamage = Callable[[NekoError], None]

_QUICK_CHECK_S: Final = 0.5
"""A check that takes longer is followed by a pause that is longer by as much."""
_LONGEST_CHECK_PAUSE_S: Final = 24 * 3600.0


class Owner(Protocol):
    """Whose file it is."""

    def found(self, connection: sqlite3.Connection, *, is_new: bool) -> None:
        """The file was opened for writing, in a thread; ``is_new``: for the first time, or it is another one. Raises
        ``sqlite3.Error``."""

    def opened(self) -> None:
        """What was known of the file before counts no more."""


class LogFile:
    """``owner`` is told of each opening. ``on_damage`` gets what to tell of a file that was replaced. ``claim``: see
    ``Log.open``. Every method raises ``MemoryStoreError`` when the file cannot be used."""

    def __init__(
        self,
        path: Path,
        threads: Threads,
        owner: Owner,
        on_damage: OnDamage,
        claim: Callable[[], None],
        lock_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        self.path = path
        self.was_left_open = False
        """The program before did not come to its end."""
        self._threads = threads
        self._owner = owner
        self._on_damage = on_damage
        self._claim = claim
        self._lock_timeout_s = lock_timeout_s
        self._read_timeout_s = read_timeout_s
        self._reopening = asyncio.Lock()
        self._checking = asyncio.Lock()
        self._check_due = 0.0
        self._openings = 0
        self._is_open = False
        self._is_prepared = False
        self._closed = False
        self._copier: Connection | None = None
        self._writer: Connection
        self._reader: Connection
        self._recaller: Connection

    async def aclose(self, last: Work[object] | None = None) -> None:
        """Run ``last`` as a transaction and close the connections, which folds the WAL into the file; idempotent."""
        async with self._reopening:
            self._closed = True
            await self._disconnect(last)

    # ── use ──────────────────────────────────────────────────────────────────

    async def transaction(self, work: Work[T], *, durable: bool = True) -> T:
        """Run ``work`` on the writing connection's thread as one transaction (``Connection.transaction``).

        When the file turns out to be damaged, ``work`` runs again on the new one; when it is no longer at its path,
        the log is written there anew before this returns.
        """
        return await self._attempt(lambda: self._writer.transaction(work, durable=durable))

    async def read(self, work: Work[T]) -> T:
        """A read that takes no time to speak of."""
        return await self._attempt(lambda: self._reader.read(work, timeout_s=self._read_timeout_s))

    async def recall(self, work: Work[T], running_time: RunningTime | None = None, *, is_short: bool = False) -> T:
        """A long read. The caller brings the deadline: it is interrupted when the caller is cancelled, and raises
        ``OutOfTimeError`` when its ``running_time`` is up. One that ``is_short`` is done by the connection that writes
        when others search: it costs less than to open a second one, and has the file in memory."""

        def use() -> Awaitable[T]:
            searching = self._threads.searching
            by_writer = is_short and searching.ahead > 0 and not searching.has_open(self._recaller)
            return (self._writer if by_writer else self._recaller).read(work, running_time=running_time)

        return await self._attempt(use)

    async def fold_in(self, first: Work[None]) -> bool:
        """``Connection.fold_in``."""
        return await self._attempt(lambda: self._writer.fold_in(first))

    async def _attempt(self, use: Callable[[], Awaitable[T]]) -> T:
        """Use a connection, and once more when the file was found damaged, or gone from its place, and was mended."""
        if not self._is_open:
            await self.open()
        opening = self._openings
        try:
            return await use()
        except FileMovedError as error:
            await self._put_back(opening)
            if error.committed:
                result: T = error.result
                return result
        except (sqlite3.Error, TimeoutError, OSError) as error:
            if not await self._mended(opening, error) and not await self._reopened_since(opening):
                raise store_error(error, self.path) from error
        try:
            return await use()
        except (sqlite3.Error, TimeoutError, OSError) as error:
            raise store_error(error, self.path) from error

    async def _mended(self, opening: int, error: Exception) -> bool:
        """Whether it was an error of a damaged file, which is mended now."""
        if is_damage(error):
            await self._start_over(opening, error)
        elif is_index_damage(error):
            await self._mend_index(opening, error)
        else:
            return False
        return True

    async def _mend_index(self, opening: int, error: Exception) -> None:
        """Make the index anew, or when even that fails the file."""
        logger.warning("the index of %s is damaged and made anew: %s", self.path, error)
        try:
            await self._writer.transaction(index.mend)
        except sqlite3.Error as worse:
            await self._start_over(opening, worse)

    async def _reopened_since(self, opening: int) -> bool:
        async with self._reopening:
            return self._openings != opening

    # ── checks and backups ───────────────────────────────────────────────────

    async def look_after(self, check_pause_s: float) -> Path | None:
        """Make the backup that is due (``backup.is_due``), or look whether the file is sound when that has not been
        done for ``check_pause_s`` seconds, or more where it takes long. A damaged one is replaced first."""
        if await in_thread(backup.is_due, self.path):
            return await self._back_up(check_pause_s)
        if time.monotonic() >= self._check_due:
            await self.check(check_pause_s)
        return None

    async def check(self, pause_s: float = 0.0) -> bool:
        """Read every page, beside all other work; whether the file was sound. A damaged one is replaced. ``pause_s``:
        until ``look_after`` does it again."""
        async with self._checking:
            begun = time.monotonic()
            is_sound = await self._is_sound()
            took = time.monotonic() - begun
            pause_s *= max(1.0, took / _QUICK_CHECK_S)
            self._check_due = time.monotonic() + min(pause_s, _LONGEST_CHECK_PAUSE_S)
            return is_sound

    async def give_up_copy(self) -> None:
        """End a check or a copy that is being made: it holds on to words that are gone."""
        if copier := self._copier:
            await copier.aclose()

    async def _is_sound(self) -> bool:
        if not self._is_open:
            await self.open()
        opening = self._openings
        try:
            async with self._copying(self.path, self._writer.file) as copier:
                found = await copier.check()
            if not found:
                return True
            raise damage("; ".join(found))
        except (sqlite3.Error, OSError) as error:
            if await self._mended(opening, error):
                return False
            raise store_error(error, self.path) from error

    async def _back_up(self, check_pause_s: float) -> Path | None:
        """None when there is nothing to keep: a damaged log is replaced first, and words are forgotten meanwhile."""
        folder = backups_of(self.path)
        try:
            await in_thread(backup.check_room, self.path)
            if not await self.check(check_pause_s):
                return None
            async with self._checking:
                return await self._sound_copy()
        except (sqlite3.Error, OSError) as error:
            with suppress(OSError):
                await in_thread(backup.drop, self.path)
            raise _backup_failed(store_error(error, folder), folder) from error
        except MemoryStoreError as error:
            raise _backup_failed(error, folder) from error

    async def _sound_copy(self) -> Path | None:
        """Made, looked over and only then kept. Raises ``sqlite3.Error`` and ``OSError``."""
        async with self._copying(self.path, self._writer.file) as copier:
            lines = await copier.read(lambda connection: backup.make(connection, self.path))
        copy = backup.unfinished(self.path)
        made = await in_thread(identity, copy)
        if made is None:
            return None
        try:
            async with self._copying(copy, made) as copier:
                found = await copier.check()
                if found or await copier.read(backup.count) < lines:
                    raise damage("; ".join(found) or "lines are missing")
            return await in_thread(backup.keep, self.path)
        except (FileMovedError, FileNotFoundError):
            return None

    @asynccontextmanager
    async def _copying(self, path: Path, file: Identity | None) -> AsyncIterator[Connection]:
        """A connection to read a whole file, in a thread that nobody else waits for."""
        self._copier = copier = self._connection(self._threads.copying, lambda _: None, file, path)
        try:
            yield copier
        finally:
            self._copier = None
            await copier.aclose()

    # ── opening ──────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect, unless somebody has meanwhile; a damaged file is replaced first."""
        report: NekoError | None = None
        async with self._reopening, self._told_as_store_error():
            if self._is_open:
                return
            if self._closed:
                raise ConnectionClosedError("the log is closed")
            try:
                await in_thread(take_interrupted, self.path)
                await in_thread(check_header, self.path)
                self.was_left_open = await in_thread(has_wal, self.path)
                await self._connect()
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                report = await in_thread(replace_damaged, self.path, str(error))
                await self._connect()
        if report:
            self._on_damage(report)

    async def _start_over(self, opening: int, error: Exception) -> None:
        """Replace the damaged file of that opening by a new one with all that can be read of it."""
        async with self._reopening, self._told_as_store_error():
            if self._openings != opening or self._closed:
                return
            await self._disconnect()
            report = await in_thread(replace_damaged, self.path, str(error))
            await self._connect()
        self._on_damage(report)

    async def _put_back(self, opening: int) -> None:
        """Write the open log to its place, from which its file has gone, and open that."""
        async with self._reopening, self._told_as_store_error():
            if self._openings != opening or self._closed:
                return
            try:
                await in_thread(self._claim)
            except DataFolderError as error:
                raise MemoryStoreError(str(error), file=str(self.path), reason="taken") from error
            report = await self._written_back()
            await self._disconnect()
            await self._connect()
        self._on_damage(report)

    async def _written_back(self) -> MemoryStoreError:
        """Whichever connection has the log still open writes it to its place; what to tell."""
        wal = self._writer.wal
        for connection in (self._writer, self._reader, self._recaller):
            with suppress(FileMovedError):
                return await connection.read(lambda opened: put_back(opened, self.path, wal))
        return LogMovedError("the log was moved while it was closed", file=str(self.path), reason="gone")

    @asynccontextmanager
    async def _told_as_store_error(self) -> AsyncIterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise store_error(error, self.path) from error

    async def _connect(self) -> None:
        self._is_prepared = False
        writer = await self._connection(self._threads.writing, self._prepare_writer).opened()
        self._writer = writer
        self._reader = self._connection(self._threads.reading, _prepare_reader, writer.file)
        self._recaller = self._connection(self._threads.searching, _prepare_reader, writer.file)
        self._openings += 1
        self._owner.opened()
        self._is_open = True

    def _connection(
        self, lane: Lane, prepare: Work[None], file: Identity | None = None, path: Path | None = None
    ) -> Connection:
        return Connection(lane, path or self.path, lock_timeout_s=self._lock_timeout_s, prepare=prepare, file=file)

    def _prepare_writer(self, connection: sqlite3.Connection) -> None:
        check_version(connection, self.path)
        for pragma in schema.PRAGMAS:
            connection.execute(pragma)
        is_new = not self._is_prepared  # it is the same file each time that it is opened again
        if is_new:
            migrate(connection)
            if not index.is_current(connection):
                in_transaction(connection, index.make)
        connection.execute(schema.PROBE).fetchall()
        self._owner.found(connection, is_new=is_new)
        self._is_prepared = True

    async def _disconnect(self, last: Work[object] | None = None) -> None:
        if self._is_open:
            self._is_open = False
            for connection in (self._copier, self._recaller, self._reader):
                if connection is not None:
                    await connection.aclose()
            await self._writer.aclose(last)


def _backup_failed(error: MemoryStoreError, folder: Path) -> BackupFailedError:
    return BackupFailedError(str(error), **{**error.params, "file": str(folder)})


def _prepare_reader(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only=ON")
