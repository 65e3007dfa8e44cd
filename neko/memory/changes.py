"""What was changed in a log by hand, and when: kept in its file, without any of the words. Every call blocks."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Final

from neko.types.memory import Change, ChangeKind

FACT_OF_IMPORT: Final = "imported fact "
"""Begins the name of a state: whose value is the number of the import that a fact by hand came with."""

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS neko_changes "
    "(id INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, lines INTEGER NOT NULL)"
)
_INSERT: Final = "INSERT INTO neko_changes (at, kind, lines) VALUES (?, ?, ?)"
_LAST: Final = "SELECT at, kind, lines, id FROM neko_changes WHERE lines > 0 ORDER BY id DESC LIMIT ?"


def make(connection: sqlite3.Connection) -> None:
    """Make the table."""
    connection.execute(_TABLE)


def note(connection: sqlite3.Connection, kind: ChangeKind, lines: int) -> int:
    """Keep that ``lines`` lines were changed, within the transaction that does it; the id of the change, 0 for none."""
    if not lines:
        return 0
    row = (datetime.now(UTC).isoformat(timespec="seconds"), kind.value, lines)
    return connection.execute(_INSERT, row).lastrowid or 0


def begin_import(connection: sqlite3.Connection) -> int:
    """The number of an import, of which nothing is told until there is a line."""
    values = (datetime.now(UTC).isoformat(timespec="seconds"), ChangeKind.IMPORTED.value, 0)
    return int(connection.execute(_INSERT, values).lastrowid or 0)


def grow(connection: sqlite3.Connection, number: int, lines: int) -> None:
    """So many more lines came with an import."""
    connection.execute("UPDATE neko_changes SET lines = lines + ? WHERE id = ?", (lines, number))


def take_back(connection: sqlite3.Connection, number: int) -> None:
    """The lines of an import are gone again."""
    connection.execute("UPDATE neko_changes SET kind = ? WHERE id = ?", (ChangeKind.TAKEN_BACK.value, number))


def unnote(connection: sqlite3.Connection, change: int) -> None:
    """It was not made after all."""
    connection.execute("DELETE FROM neko_changes WHERE id = ?", (change,))


def last(connection: sqlite3.Connection, limit: int) -> list[Change]:
    """The last changes, newest first."""
    rows = connection.execute(_LAST, (limit,)).fetchall()
    return [Change(datetime.fromisoformat(at), ChangeKind(kind), lines, number) for at, kind, lines, number in rows]
