"""Tasks and the audit trail on disk: ``agent.sqlite``, and beside it the pictures that the user was shown.

It is opened when the first task is begun or somebody wants to see it, not before. A row of the trail is written before
its act is done and completed after it. What is oldest gives way beyond the limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from uuid import uuid4

import aiosqlite

from neko import set_aside
from neko.agent.audit import Deed, Outcome
from neko.agent.pictures import PictureFiles
from neko.agent.task_list import interrupted
from neko.agent.tasks import Task
from neko.errors import NekoError
from neko.storage import make_folder, make_private
from neko.tasks import TaskOwner, in_thread, to_the_end
from neko.tool_errors import AgentError
from neko.types.hands import Picture

if TYPE_CHECKING:
    from pydantic import TypeAdapter

logger = logging.getLogger(__name__)

FILE: Final = "agent.sqlite"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, created TEXT NOT NULL, character TEXT NOT NULL,
  is_over INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tasks_created ON tasks (created);
CREATE TABLE IF NOT EXISTS audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, task_id TEXT NOT NULL,
  character TEXT NOT NULL, hand TEXT NOT NULL, place TEXT NOT NULL, tool TEXT NOT NULL, title TEXT NOT NULL,
  act TEXT NOT NULL, arguments TEXT NOT NULL, verdict TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '', picture TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS audit_task ON audit (task_id);
PRAGMA user_version = 1;
"""
_INTERRUPT: Final = "UPDATE audit SET outcome = 'interrupted' WHERE outcome = '' AND verdict IN ('allowed', 'approved')"
"""As it is opened, before anything is done: what Neko was at when it was ended."""
_COLUMNS: Final = (
    "id",
    "at",
    "task_id",
    "character",
    "hand",
    "place",
    "tool",
    "title",
    "act",
    "arguments",
    "verdict",
    "outcome",
    "detail",
    "picture",
)
_KEEP: Final = "INSERT OR REPLACE INTO tasks (id, created, character, is_over, body) VALUES (?, ?, ?, ?, ?)"
_BEGIN: Final = f"INSERT INTO audit ({', '.join(_COLUMNS[1:11])}, picture) VALUES ({', '.join('?' * 11)})"
_LOOKED_THROUGH: Final = "place || ' ' || tool || ' ' || title || ' ' || arguments || ' ' || detail"
MOST_ROWS: Final = 500
"""Of one answer."""
_LONGEST_ARGUMENTS: Final = 20_000
_LONGEST_DETAIL: Final = 500
_TRIM_EVERY: Final = 100
_CLOSING_S: Final = 3.0

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JournalLimits:
    tasks: int = 2_000
    rows: int = 50_000
    picture_bytes: int = 200_000_000


class Journal:
    """``folder`` is the agent's own, with the tasks' folders in ``tasks``. ``on_fault`` is told why it cannot be used,
    and None when it can again; till then tasks are in memory only, and no act is done that cannot be written down."""

    def __init__(
        self,
        folder: Path,
        on_fault: Callable[[NekoError | None], object] = lambda error: None,
        limits: JournalLimits | None = None,
    ) -> None:
        self.folder = folder
        self._path = folder / FILE
        self._limits = limits or JournalLimits()
        self._pictures = PictureFiles(folder / "pictures", self._limits.picture_bytes)
        self._on_fault = on_fault
        self._owner = TaskOwner("journal")
        self._connection: aiosqlite.Connection | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[str, Task] = {}
        self._finished: list[tuple[int, Outcome, str]] = []
        self._writing: asyncio.Task[None] | None = None
        self._written = 0
        self._broken = False
        self._closed = False

    @property
    def exists(self) -> bool:
        """There is something from an earlier time; looks at the disk."""
        return self._path.exists()

    # ── tasks ─────────────────────────────────────────────────────────────────

    def keep(self, task: Task) -> None:
        """Note how a task stands; never waits."""
        self._waiting[task.id] = task
        self._write_soon()

    async def load(self, most: int) -> list[Task]:
        """The last tasks, the newest first. What was not over when Neko was ended is interrupted now. Raises
        ``AgentError``."""
        rows = await self._rows("SELECT body FROM tasks ORDER BY created DESC LIMIT ?", most)
        found = [task for (body,) in rows if (task := _task(body)) is not None]
        now = datetime.now(UTC)
        tasks = [task if task.is_over else interrupted(task, now) for task in found]
        for before, task in zip(found, tasks, strict=True):
            if before is not task:
                self.keep(task)
        return tasks

    # ── the audit trail ───────────────────────────────────────────────────────

    async def begin(self, deed: Deed) -> int:
        """See ``Audit``."""
        name = await self._kept_picture(deed.picture) if deed.picture else ""
        values = (
            deed.at.isoformat(),
            deed.task_id,
            deed.character,
            deed.hand,
            deed.place,
            deed.tool,
            deed.title,
            deed.act.value,
            deed.arguments[:_LONGEST_ARGUMENTS],
            deed.verdict.value,
            name,
        )
        try:
            inserted = await (await self._opened()).execute_insert(_BEGIN, values)
        except (sqlite3.Error, ValueError) as error:
            raise self._fault(error) from error
        self._written += 1
        if self._written % _TRIM_EVERY == 0:
            self._owner.spawn(self._trim(), name="trim")
        return int(inserted[0]) if inserted else 0

    def finish(self, row: int, outcome: Outcome, detail: str = "") -> None:
        """See ``Audit``."""
        self._finished.append((row, outcome, detail[:_LONGEST_DETAIL]))
        self._write_soon()

    async def rows(self, *, before: int | None = None, limit: int = 100, task: str = "", words: str = "") -> list[Row]:
        """Rows of the trail, the newest first: those below the number ``before``, of one task, in which ``words``
        stand. Raises ``AgentError``."""
        await self.settled()
        conditions = {
            "id < ?": before,
            "task_id = ?": task or None,
            f"instr(lower({_LOOKED_THROUGH}), lower(?)) > 0": words or None,
        }
        wanted = {condition: value for condition, value in conditions.items() if value is not None}
        where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
        sql = f"SELECT {', '.join(_COLUMNS)} FROM audit {where} ORDER BY id DESC LIMIT ?"
        found = await self._rows(sql, *wanted.values(), max(1, min(limit, MOST_ROWS)))
        return [dict(zip(_COLUMNS, row, strict=True)) for row in found]

    async def exported(self, form: Literal["json", "csv"]) -> AsyncIterator[str]:
        """The whole trail piece by piece, the newest first. Raises ``AgentError``."""
        is_csv, before, is_first = form == "csv", None, True
        yield ",".join(_COLUMNS) + "\r\n" if is_csv else "["
        while rows := await self.rows(before=before, limit=MOST_ROWS):
            before = rows[-1]["id"]
            for row in rows:
                start = "" if is_csv else "\n" if is_first else ",\n"
                is_first = False
                yield start + (_csv(row) if is_csv else json.dumps(row, ensure_ascii=False))
        if not is_csv:
            yield "\n]\n"

    # ── whose it is ───────────────────────────────────────────────────────────

    async def rename(self, old: str, new: str) -> None:
        """What a character of this name had done is that of the ``new`` name. Raises ``AgentError``."""
        if await self._has_something():
            body = "json_set(body, '$.character', ?)"
            await self._rows(f"UPDATE tasks SET character = ?, body = {body} WHERE character = ?", new, new, old)
            await self._rows("UPDATE audit SET character = ? WHERE character = ?", new, old)

    async def forget(self, character: str) -> None:
        """Delete what she did: her tasks with their folders, their rows of the trail and the pictures of both. Raises
        ``AgentError``."""
        if await self._has_something():
            rows = await self._rows("DELETE FROM audit WHERE character = ? RETURNING picture", character)
            tasks = [
                one for (one,) in await self._rows("DELETE FROM tasks WHERE character = ? RETURNING id", character)
            ]
            await self._rows("PRAGMA wal_checkpoint(TRUNCATE)")
            folders = [self.folder / "tasks" / task_id for task_id in tasks]
            names = [
                *(name for (name,) in rows if name),
                *(name for one in tasks for name in PictureFiles.names(f"task-{one}")),
            ]
            await in_thread(self._pictures.drop, names, folders)

    async def _has_something(self) -> bool:
        """Once all that was noted is written."""
        while left := self._owner.tasks:
            await asyncio.wait(left)
        return self._connection is not None or await in_thread(lambda: self.exists)

    # ── pictures ──────────────────────────────────────────────────────────────

    async def picture(self, name: str) -> Picture | None:
        """A picture of the trail, by the name that its row has."""
        return await in_thread(self._pictures.read, name)

    def keep_picture(self, task_id: str, picture: Picture) -> None:
        """The last one of a task; never waits."""
        if not self._owner.closed:
            self._owner.spawn(to_the_end(self._stored(f"task-{task_id}", picture)), name="picture")

    async def thumbnail(self, task_id: str) -> Picture | None:
        return await in_thread(self._pictures.read_any, f"task-{task_id}")

    # ──────────────────────────────────────────────────────────────────────────

    async def settled(self) -> None:
        """Wait until all that was noted is written."""
        while self._writing is not None:
            await asyncio.wait({self._writing})

    async def aclose(self) -> None:
        """Write what waits, and close; idempotent."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                while left := self._owner.tasks:
                    await asyncio.wait(left)
        self._closed = True
        await self._owner.aclose()
        connection, self._connection = self._connection, None
        if connection is not None:
            await to_the_end(connection.close())

    async def _rows(self, sql: str, *values: Any) -> Sequence[Any]:
        try:
            return list(await (await self._opened()).execute_fetchall(sql, values))
        except sqlite3.Error as error:
            raise self._fault(error) from error

    async def _opened(self) -> aiosqlite.Connection:
        if self._closed:
            raise AgentError("journal", "it is closed", reason="closed")
        async with self._opening:
            if self._connection is None:
                self._connection = await to_the_end(self._open())
            return self._connection

    async def _open(self) -> aiosqlite.Connection:
        try:
            await in_thread(make_folder, self.folder)
            await in_thread(make_private, self._path)
            try:
                return await _connected(self._path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                kept = await in_thread(set_aside.set_aside, self._path, str(error))
                self._on_fault(AgentError("journal", str(error), reason=f"{error} ({kept.name})"))
                await in_thread(make_private, self._path)
                return await _connected(self._path)
        except (OSError, sqlite3.Error) as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> AgentError:
        fault = AgentError("journal", str(error), reason=str(error)[:200])
        if not self._broken:
            self._broken = True
            self._on_fault(fault)
        return fault

    def _works(self) -> None:
        if self._broken:
            self._broken = False
            self._on_fault(None)

    def _write_soon(self) -> None:
        if self._writing is None and not self._owner.closed:
            self._writing = self._owner.spawn(to_the_end(self._write()), name="write")
            self._writing.add_done_callback(lambda _: self._go_on())

    def _go_on(self) -> None:
        self._writing = None
        if not self._broken and (self._waiting or self._finished):
            self._write_soon()

    async def _write(self) -> None:
        """What waits now, as one transaction."""
        tasks, self._waiting = self._waiting, {}
        finished, self._finished = self._finished, []
        try:
            connection = await self._opened()
            await connection.execute("BEGIN IMMEDIATE")
            await connection.executemany(_KEEP, [_values(task) for task in tasks.values()])
            await connection.executemany(
                "UPDATE audit SET outcome = ?, detail = ? WHERE id = ?",
                [(outcome, detail, row) for row, outcome, detail in finished],
            )
            await connection.execute("COMMIT")
            self._works()
        except (sqlite3.Error, AgentError) as error:
            logger.error("tasks could not be noted: %s", error)
            self._waiting, self._finished = {**tasks, **self._waiting}, [*finished, *self._finished]
            self._fault(error)
            if self._connection is not None and self._connection.in_transaction:
                await self._connection.execute("ROLLBACK")

    async def _trim(self) -> None:
        """Let the oldest go; a task's folder with it."""
        try:
            old = await self._rows(
                "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ? RETURNING picture", self._limits.rows
            )
            gone = await self._rows(
                "DELETE FROM tasks WHERE is_over AND id IN"
                " (SELECT id FROM tasks ORDER BY created DESC LIMIT -1 OFFSET ?) RETURNING id",
                self._limits.tasks,
            )
        except AgentError:
            return
        names = [name for (name,) in old if name]
        folders = [self.folder / "tasks" / task_id for (task_id,) in gone]
        await in_thread(self._pictures.drop, names, folders)

    async def _kept_picture(self, picture: Picture) -> str:
        return await self._stored(uuid4().hex, picture)

    async def _stored(self, name: str, picture: Picture) -> str:
        """Its name; "" when the disk refuses: the trail matters more than its pictures."""
        try:
            return await in_thread(self._pictures.write, name, picture)
        except OSError as error:
            logger.warning("a picture was not kept: %s", error.strerror)
            return ""


async def _connected(path: Path) -> aiosqlite.Connection:
    await in_thread(_adapter)  # which takes its time at the first one
    connection = await aiosqlite.connect(path, isolation_level=None, timeout=5.0)
    try:
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = NORMAL")
        await connection.execute("PRAGMA secure_delete = ON")
        await connection.executescript(_SCHEMA)
        await connection.execute(_INTERRUPT)
    except BaseException:
        await connection.close()
        raise
    return connection


@cache
def _adapter() -> TypeAdapter[Task]:
    """Blocks at its first time: pydantic may not be there yet."""
    from pydantic import TypeAdapter

    return TypeAdapter(Task)


def _values(task: Task) -> tuple[str, str, str, bool, str]:
    body = _adapter().dump_json(replace(task, action="")).decode()
    return task.id, task.created.isoformat(), task.character, task.is_over, body


def _task(body: str) -> Task | None:
    try:
        return _adapter().validate_json(body)
    except ValueError:  # of pydantic
        logger.warning("a task of an earlier time could not be read")
        return None


def _csv(row: Row) -> str:
    """A line for a spreadsheet, in which nothing is a formula."""
    line = io.StringIO()
    values = [f"'{value}" if str(value)[:1] in "=+-@\t\r" and value != "" else value for value in row.values()]
    csv.writer(line).writerow(cast("list[object]", values))
    return line.getvalue()
