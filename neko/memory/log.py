"""The verbatim log of one character: one SQLite file, the truth about what was said.

WAL with ``synchronous=FULL``, so that a committed line survives a power cut; one connection
writes, another reads. Each connection works in a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

from neko.errors import DamagedFileError, NekoError
from neko.memory import schema
from neko.memory.line_codec import LoggedLine, Row, bindable, line_json, local_naive, logged_lines, message
from neko.memory.sqlite_errors import is_damage, store_error
from neko.storage import set_aside
from neko.tasks import in_thread
from neko.types.lines import Line, NewLine, Stored

# At DEBUG aiosqlite writes the parameters of every statement, which are the user's words.
logging.getLogger("aiosqlite").setLevel(logging.INFO)

logger = logging.getLogger(__name__)

T = TypeVar("T")
OnDamage = Callable[[NekoError], None]

_FAR = 2**63 - 1
_MANY = 100
_HEADER = b"SQLite format 3\0"
_LAST_SHOWN = "recent"


class Log:
    """Open with ``Log.open``. Every method raises ``MemoryStoreError`` when the file cannot be used."""

    def __init__(self, path: Path, on_damage: OnDamage, floor: int, patience: float) -> None:
        self.path = path
        self._on_damage = on_damage
        self._floor = floor
        self._patience = patience
        self._lock = asyncio.Lock()
        self._openings = 0
        self._writer: aiosqlite.Connection
        self._reader: aiosqlite.Connection

    @classmethod
    async def open(cls, path: Path, on_damage: OnDamage, *, floor: int = 0, patience: float = 5.0) -> Self:
        """Open or make the file; a damaged one is set aside, reported and replaced by a new one.

        ``floor``: ids of an empty log start above it. ``patience``: seconds to wait for a lock
        that another program holds.
        """
        log = cls(path, on_damage, floor, patience)
        try:
            await in_thread(_check_header, path)
            await log._connect()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise store_error(error, path) from error
            await log._start_over(0, error)
        return log

    async def aclose(self) -> None:
        """Close both connections, which folds the WAL into the file."""
        async with self._lock:
            await self._disconnect()

    # ── writing ──────────────────────────────────────────────────────────────

    async def append(self, line: NewLine) -> Stored:
        """Commit one line, and with it the end of the reply it replaces."""
        return await self._writing(lambda: self._append(line))

    async def add_summary(self, session_id: str, text: str, at: datetime, sources: Sequence[int]) -> None:
        """Keep a summary together with the ids of the lines it was made from."""
        raw = json.dumps(message("system", text, {"sources": list(sources)}))
        row = (session_id, raw, _stamp(at))
        await self._writing(lambda: self._execute(schema.INSERT_SUMMARY, row))

    async def note_shown(self, line_id: int) -> None:
        """Remember up to which line the recent file has been written.

        Not worth a wait for the disk: what it loses in a power cut the recent file itself tells.
        """

        async def note() -> None:
            async with self._lock:
                await self._writer.execute_fetchall("PRAGMA synchronous=NORMAL")
                try:
                    await self._writer.execute_fetchall(schema.SET_STATE, (_LAST_SHOWN, line_id))
                finally:
                    await self._writer.execute_fetchall("PRAGMA synchronous=FULL")

        await self._writing(note)

    async def transaction(self, work: Callable[[aiosqlite.Connection], Awaitable[T]]) -> T:
        """Run ``work`` as one transaction: all of it is committed, or none of it.

        Any exception and any cancellation rolls back. Nothing else is written meanwhile.
        """
        async with self._lock:
            connection = self._writer
            try:
                await connection.execute_fetchall("BEGIN IMMEDIATE")
                result = await work(connection)
                await connection.commit()
            except BaseException:
                await connection.rollback()
                raise
            return result

    async def _append(self, line: NewLine) -> Stored:
        row: tuple[Any, ...] = (self._floor + 1, line.session_id, line_json(line), _stamp(line.at))
        statement = schema.INSERT
        if line.client_id is not None:
            row, statement = (*row, bindable(line.client_id)), schema.INSERT_ONCE
        if line.replaces is None:
            found = await self._execute(statement, row)
        else:
            found = await self.transaction(lambda connection: _insert_replacing(connection, statement, row, line))
        if found:
            self._floor = max(self._floor, found[0][0])
            return Stored(_committed(found[0][0], line), fresh=True)
        rows = await self._execute(schema.BY_CLIENT_ID, (bindable(line.client_id or ""),))
        return Stored(logged_lines(rows)[0].line, fresh=False)

    async def _execute(self, statement: str, parameters: Iterable[Any]) -> list[Row]:
        async with self._lock:
            return list(await self._writer.execute_fetchall(statement, parameters))  # type: ignore[arg-type]

    async def _writing(self, work: Callable[[], Awaitable[T]]) -> T:
        opening = self._openings
        try:
            return await work()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise store_error(error, self.path) from error
            await self._start_over(opening, error)
        except ValueError as error:
            raise store_error(error, self.path) from error
        try:
            return await work()
        except (sqlite3.DatabaseError, ValueError) as error:
            raise store_error(error, self.path) from error

    # ── reading ──────────────────────────────────────────────────────────────

    async def lines(self, *, before: int | None, after: int | None, limit: int) -> list[Line]:
        """A page of lines, oldest first, as ``Memory.lines`` promises."""
        return [logged.line for logged in await self.page(before=before, after=after, limit=limit)]

    async def page(self, *, before: int | None = None, after: int | None = None, limit: int = -1) -> list[LoggedLine]:
        """The same with what the recent window needs besides; a negative ``limit`` is none."""
        end = _FAR if before is None else before
        if after is None:
            rows = (await self.fetch(schema.BEFORE, (end, limit)))[::-1]
        else:
            rows = await self.fetch(schema.AFTER, (after, end, limit))
        return await in_thread(logged_lines, rows) if len(rows) > _MANY else logged_lines(rows)

    @property
    def newest(self) -> int:
        """The largest id that this program has seen, without asking the file."""
        return self._floor

    async def last_id(self) -> int:
        """The id of the newest line, 0 in an empty log."""
        return int((await self.fetch(schema.LAST_ID))[0][0])

    async def last_shown(self) -> int | None:
        """What ``note_shown`` was last given; None for a log that Neko has not shown yet."""
        rows = await self.fetch(schema.GET_STATE, (_LAST_SHOWN,))
        return int(rows[0][0]) if rows else None

    async def last_foreign_id(self) -> int:
        """The id of the newest line that N.E.K.O. wrote, 0 when there is none."""
        return int((await self.fetch(schema.LAST_FOREIGN_ID))[0][0])

    async def fetch(self, statement: str, parameters: Iterable[Any] = ()) -> list[Any]:
        """All rows of a query, on the reading connection."""
        try:
            return list(await self._reader.execute_fetchall(statement, parameters))
        except (sqlite3.DatabaseError, ValueError) as error:
            raise store_error(error, self.path) from error

    # ── opening ──────────────────────────────────────────────────────────────

    async def _connect(self) -> None:
        opened: list[aiosqlite.Connection] = []
        try:
            writer = await aiosqlite.connect(self.path, isolation_level=None, timeout=self._patience)
            opened.append(writer)
            await writer.executescript(schema.PRAGMAS)
            await _complete_schema(writer)
            newest = list(await writer.execute_fetchall(schema.LAST_ID))
            await writer.execute_fetchall(f"SELECT * FROM {schema.ORIGINAL} WHERE id = ?", newest[0])
            reader = await aiosqlite.connect(self.path, isolation_level=None, timeout=self._patience)
            opened.append(reader)
            await reader.execute_fetchall("PRAGMA query_only=ON")
        except BaseException:
            for connection in opened:
                with contextlib.suppress(sqlite3.Error):
                    await connection.close()
            raise
        self._floor = max(self._floor, newest[0][0])
        self._writer, self._reader = writer, reader
        self._openings += 1

    async def _disconnect(self) -> None:
        for connection in (self._reader, self._writer):
            with contextlib.suppress(sqlite3.Error, ValueError):
                await connection.close()

    async def _start_over(self, opening: int, error: sqlite3.DatabaseError) -> None:
        """Set the damaged file of that opening aside and go on with a new one."""
        async with self._lock:
            if self._openings != opening:
                return
            if opening:
                await self._disconnect()
            report = await in_thread(_set_aside_database, self.path, str(error))
            logger.error("the log of a character is damaged and was set aside: %s", error)
            try:
                await self._connect()
            except sqlite3.DatabaseError as again:
                raise store_error(again, self.path) from again
        self._on_damage(report)


def _check_header(path: Path) -> None:
    """SQLite deletes the WAL of a file that is no database; so look before it does."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_HEADER))
    except OSError:
        return
    if start and start != _HEADER:
        error = sqlite3.DatabaseError("file is not a database")
        error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
        raise error


async def _complete_schema(connection: aiosqlite.Connection) -> None:
    ((count,),) = await connection.execute_fetchall(schema.COUNT_OBJECTS)
    columns = [
        {row[1] for row in await connection.execute_fetchall(f"PRAGMA table_info({table})")}
        for table in (schema.ORIGINAL, schema.COMPRESSED)
    ]
    if count >= schema.OBJECTS and all("timestamp" in names for names in columns):
        return
    await connection.execute_fetchall("BEGIN IMMEDIATE")
    try:
        for statement in schema.TABLES:
            await connection.execute_fetchall(statement)
        for table, names in zip((schema.ORIGINAL, schema.COMPRESSED), columns, strict=True):
            if names and "timestamp" not in names:
                await connection.execute_fetchall(f"ALTER TABLE {table} ADD COLUMN timestamp DATETIME")
        for statement in schema.INDEXES:
            await connection.execute_fetchall(statement)
        await connection.commit()
    except BaseException:
        await connection.rollback()
        raise


async def _insert_replacing(
    connection: aiosqlite.Connection, statement: str, row: tuple[Any, ...], line: NewLine
) -> list[Row]:
    found = list(await connection.execute_fetchall(statement, row))
    if found:
        await connection.execute_fetchall(schema.MARK_REPLACED, (line.replaces,))
    return found  # type: ignore[return-value]


def _set_aside_database(path: Path, why: str) -> DamagedFileError:
    report = set_aside(path, why)
    kept = Path(str(report.params["kept"]))
    for ending in ("-wal", "-shm"):
        companion = path.with_name(path.name + ending)
        if kept != path and companion.exists():
            companion.rename(kept.with_name(kept.name + ending))
    return report


def _committed(line_id: int, line: NewLine) -> Line:
    return Line(
        id=line_id,
        session_id=line.session_id,
        turn_id=line.turn_id,
        role=line.role,
        text=line.text,
        at=local_naive(line.at),
        status=line.status,
        client_id=line.client_id,
        images=line.images,
    )


def _stamp(at: datetime) -> str:
    return local_naive(at).isoformat(sep=" ", timespec="microseconds")
