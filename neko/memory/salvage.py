"""What can still be read of a damaged log, written into a new one. Every call blocks.

Rows are read along the table itself, never through an index. Where a page cannot be read, the walk goes on at the
first row behind it that can, which is found by growing and then halving steps. What is lost comes from the backups,
under its own id, and the last lines from the recent window: as a deletion takes all of the one and its own from the
other, they hold nothing that was forgotten.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from neko.hand_written import decoded
from neko.memory import facts, schema
from neko.memory.chats import open_chat
from neko.memory.connection import in_transaction
from neko.memory.line_codec import parsed_row, rows_of
from neko.memory.migrations import migrate
from neko.storage import WORKPLACE, make_private
from neko.well_formed import load_json

logger = logging.getLogger(__name__)

_BROKEN: Final = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What comes of a damaged file; the latter of SQLite's own message, when that quotes a schema that is no text."""
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**63 - 1
_LONGEST: Final = 1 << 26
"""Bytes of a value, far more than a line has."""
Row = tuple[Any, ...]
_SMALL_TABLES: Final = {"neko_state": "name, value", "neko_chats": "id, title", "neko_changes": "id, at, kind, lines"}


@dataclass(frozen=True, slots=True)
class Saved:
    """How many lines of a damaged log could be read, and how many more stood in a backup or the recent window."""

    read: int
    restored: int = 0


def salvage(path: Path, target: Path, backups: Sequence[Path] = (), recent: Path | None = None) -> Saved:
    """Write the readable lines of ``path`` to ``target``, a new log, with what only ``backups``, the oldest first, and
    the file of the ``recent`` window hold.

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
        with ExitStack() as stack:
            old = stack.enter_context(closing(opened(copy)))
            copies = [stack.enter_context(closing(opened(one, immutable=True))) for one in reversed(backups)]
            entries = _entries(recent) if recent else []
            return in_transaction(new, lambda connection: _take_over(old, copies, entries, connection))


def opened(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    """A file that may be damaged, or made to do harm: views, which may have no end, cannot be read. It may be changed
    by being read, unless it is ``immutable``, which nobody may have open. For one thread at a time."""
    address = f"{path.absolute().as_uri()}{'?immutable=1' if immutable else ''}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
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


def _take_over(
    old: sqlite3.Connection, backups: Sequence[sqlite3.Connection], entries: Sequence[Any], new: sqlite3.Connection
) -> Saved:
    """``backups``: the newest first. ``entries``: those of the recent window."""
    read = len(_add_rows(old, new, schema.ORIGINAL))
    _add_rows(old, new, schema.COMPRESSED)
    there = {line for (line,) in new.execute(f"SELECT id FROM {schema.ORIGINAL} WHERE json_valid(message)")}

    def is_lost(row: Row) -> bool:
        return row[0] not in there and not _has_moved(new, row)

    restored = [line for backup in backups for line in _add_rows(backup, new, schema.ORIGINAL, is_lost)]
    for backup in backups:
        _add_rows(backup, new, schema.COMPRESSED)
    _mark_replaced(new, set(restored))
    for table, columns in _SMALL_TABLES.items():
        _add_table((old, *backups), new, table, columns)
    before = new.total_changes
    new.executemany(schema.INSERT_AGAIN, rows_of(entries, open_chat(new)))
    last = new.total_changes - before
    _add_facts(old, backups, new)
    return Saved(read, len(restored) + last)


def _add_rows(
    old: sqlite3.Connection, new: sqlite3.Connection, table: str, wanted: Callable[[Row], bool] = lambda _: True
) -> list[int]:
    """Those of whose id there is none yet, or one that cannot be understood while theirs can; their ids."""
    return [
        line
        for row in readable_rows(old, table)
        if wanted(row)
        for (line,) in new.execute(
            f"INSERT INTO {table} ({schema.COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "session_id = excluded.session_id, message = excluded.message, timestamp = excluded.timestamp "
            f"WHERE json_valid(excluded.message) AND NOT json_valid({table}.message) RETURNING id",
            row,
        )
    ]


def _has_moved(new: sqlite3.Connection, row: Row) -> bool:
    """Whether a line stands under another id: an earlier version that was chosen after the backup."""
    line, session, raw, timestamp = row
    others = new.execute(
        f"SELECT message FROM {schema.ORIGINAL} WHERE timestamp = ? AND session_id = ? AND id <> ?",
        (timestamp, session, line),
    ).fetchall()
    return bool(others) and parsed_row(raw).text in [parsed_row(message).text for (message,) in others]


def _mark_replaced(new: sqlite3.Connection, lines: Container[int]) -> None:
    """Those of these replies that were replaced after the backup."""
    replacing = f"SELECT {schema.REPLACES} FROM {schema.ORIGINAL} WHERE instr(message, '\"replaces\"')"
    for (line,) in new.execute(replacing).fetchall() if lines else ():
        if line in lines:
            new.execute(f"{schema.MARK_REPLACED} AND {schema.NOT_REPLACED}", (line,))


def _entries(recent: Path) -> list[Any]:
    try:
        entries = load_json(decoded(recent.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return []
    return entries if isinstance(entries, list) else []


def _add_table(sources: Sequence[sqlite3.Connection], new: sqlite3.Connection, table: str, columns: str) -> None:
    """All of a table, from the first of these that has it whole."""
    for source in sources:
        with suppress(*_BROKEN):
            rows = source.execute(f"SELECT {columns} FROM {table}").fetchall()
            marks = ", ".join("?" * len(columns.split(",")))
            new.executemany(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", rows)
            return


def _add_facts(old: sqlite3.Connection, backups: Sequence[sqlite3.Connection], new: sqlite3.Connection) -> None:
    """Those that can be read, with their lines as far as these are there; one whose lines are all lost stays known.

    Of the backups only when some cannot be read.
    """
    for source in (old, *backups):
        lost: list[int] = []
        for row in readable_rows(source, "neko_facts", lost.append, facts.COLUMNS):
            if facts.is_sound(row) and (source is old or not facts.is_known(new, row)):
                facts.insert(new, [*row[:-1], row[-1] or 0], ())
        try:
            for one in source.execute(f"SELECT {facts.SOURCE_COLUMNS} FROM neko_fact_sources"):
                facts.add_source(new, one)
        except _BROKEN:
            continue
        if not lost:
            return


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
            logger.info("rows of a damaged log from %d on cannot be read: %s", at, error)
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
