"""What can still be read of a damaged log, written into a new one. Every call blocks.

Rows are read along the table itself, never through an index. Where a page cannot be read, the walk goes on at the
first row behind it that can, which is found by growing and then halving steps.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from neko.memory import facts, schema
from neko.memory.connection import in_transaction
from neko.memory.migrations import migrate
from neko.storage import WORKPLACE, make_private

logger = logging.getLogger(__name__)

_BROKEN: Final = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What comes of a damaged file; the latter of SQLite's own message, when that quotes a schema that is no text."""
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**63 - 1
_LONGEST: Final = 1 << 26
"""Bytes of a value, far more than a line has."""


def salvage(path: Path, target: Path) -> int:
    """Write the readable lines of ``path`` to ``target``, a new log; how many lines that is.

    ``path`` is left as it is: SQLite, which changes what it opens, gets a copy. Raises ``OSError`` and
    ``sqlite3.Error`` when the disk does not take it.
    """
    target.unlink(missing_ok=True)
    with (
        TemporaryDirectory(dir=target.parent, prefix=WORKPLACE) as folder,
        closing(sqlite3.connect(target, isolation_level=None)) as new,
    ):
        make_private(target)
        new.execute("PRAGMA synchronous=FULL")
        migrate(new)
        copy = Path(folder) / "log"
        copy.touch()
        for ending in ("", "-wal", "-journal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + ending), copy.with_name(copy.name + ending))
        if not copy.stat().st_size or not has_table(copy):  # SQLite deletes the WAL of an empty file
            _lend_first_page(target, copy)
        with closing(opened(copy)) as old:
            return in_transaction(new, lambda connection: _take_over(old, connection))


def opened(path: Path) -> sqlite3.Connection:
    """A file that may be damaged, or made to do harm: views, which may have no end, cannot be read. It may be changed
    by being read. For one thread at a time."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.set_authorizer(_tables_only)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.execute("PRAGMA writable_schema=ON")  # what of the schema cannot be read is passed over
    return connection


def _tables_only(action: int, first: str | None, second: str | None, database: str | None, view: str | None) -> int:
    return sqlite3.SQLITE_DENY if view else sqlite3.SQLITE_OK


def has_table(path: Path) -> bool:
    """Whether lines can be found in a file."""
    with closing(opened(path)) as connection:
        try:
            connection.execute(f"SELECT id FROM {schema.ORIGINAL} LIMIT 0")
        except _BROKEN:
            return False
    return True


def _lend_first_page(donor: Path, path: Path) -> None:
    """Without its first page nothing of a file can be found; logs made by Neko have much the same one."""
    page = donor.read_bytes()[:4096]
    size = path.stat().st_size
    if 0 < size <= len(page):
        return
    pages = max(1, size // len(page)).to_bytes(4, "big")
    with path.open("r+b") as file:
        file.write(page[:28] + pages + bytes(8) + page[40:])


def _take_over(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    saved = 0
    for table in (schema.ORIGINAL, schema.COMPRESSED):
        values = ", ".join("?" * len(schema.COLUMNS.split(",")))
        for row in readable_rows(old, table):
            new.execute(f"INSERT INTO {table} ({schema.COLUMNS}) VALUES ({values})", row)
            saved += table == schema.ORIGINAL
    with suppress(*_BROKEN):
        for name, value in old.execute("SELECT name, value FROM neko_state").fetchall():
            new.execute(schema.SET_STATE, (name, value))
    with suppress(*_BROKEN):
        for chat, title in old.execute(schema.CHAT_TITLES).fetchall():
            new.execute(schema.SET_CHAT_TITLE, (chat, title))
    _take_over_facts(old, new)
    return saved


def _take_over_facts(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Those that can be read, with their lines as far as these are there; one whose lines are all lost stays known."""
    for row in readable_rows(old, "neko_facts", columns=facts.COLUMNS):
        if facts.is_sound(row):
            facts.insert(new, [*row[:-1], row[-1] or 0], ())
    with suppress(*_BROKEN):
        for source in old.execute(f"SELECT {facts.SOURCE_COLUMNS} FROM neko_fact_sources"):
            facts.add_source(new, source)


def readable_rows(
    connection: sqlite3.Connection,
    table: str,
    lost: Callable[[int], None] = lambda _: None,
    columns: str = schema.COLUMNS,
) -> Iterator[tuple[Any, ...]]:
    """The rows of a table that can be read, in order; a column that an older log lacks is NULL.

    ``lost`` is told of what is passed over: 1 for a row that holds no text, 0 for a place of unknown size.
    """
    columns = _columns(connection, table, columns)
    at: int | None = _SMALLEST
    limit = -1
    while at is not None:
        try:
            rows = connection.execute(
                f"SELECT {columns} FROM {table} NOT INDEXED WHERE id >= ? ORDER BY id LIMIT {limit}", (at,)
            )
            for row in rows:
                if row[0] < at:
                    raise sqlite3.DatabaseError("the rows are out of order")
                at = min(row[0] + 1, _LARGEST)
                if isinstance(row[2], str) and all(isinstance(value, str | None) for value in (row[1], row[3])):
                    yield row
                else:
                    lost(1)
            if limit < 0:
                return
            limit = -1
        except sqlite3.OperationalError:
            return  # no such table
        except _BROKEN as error:
            if limit < 0:  # Python looks one row ahead: the one before the damage may be readable by itself
                limit = 1
                continue
            lost(0)
            logger.warning("rows of a damaged log from %d on cannot be read: %s", at, error)
            at, limit = _behind_damage(connection, table, at), -1


def _columns(connection: sqlite3.Connection, table: str, wanted: str) -> str:
    try:
        found = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    except _BROKEN:
        return wanted
    return ", ".join(name if name in found else "NULL" for name in wanted.split(", "))


def _behind_damage(connection: sqlite3.Connection, table: str, at: int) -> int | None:
    """The smallest id above ``at`` from which on the table can be read; None when there is none."""
    statement = f"SELECT id FROM {table} NOT INDEXED WHERE id >= ? ORDER BY id LIMIT 1"

    def leads_on(start: int) -> bool:
        try:
            connection.execute(statement, (start,)).fetchall()
        except _BROKEN:
            return False
        return True

    if at < 0:  # nothing could be read at all: ids begin at 1
        at = 0
    step = 1
    while not leads_on(min(at + step, _LARGEST)):
        if at + step >= _LARGEST:
            return None
        step *= 2
    unreadable, readable = at + step // 2, min(at + step, _LARGEST)
    while readable - unreadable > 1:
        middle = (unreadable + readable) // 2
        if leads_on(middle):
            readable = middle
        else:
            unreadable = middle
    return readable
