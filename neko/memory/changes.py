"""What was changed in a log by hand, and when: kept in its file, without any of the words. Every call blocks."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Final

from neko.types.memory import Change, ChangeKind

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS neko_changes "
    "(id INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, lines INTEGER NOT NULL)"
)
_INSERT: Final = "INSERT INTO neko_changes (at, kind, lines) VALUES (?, ?, ?)"
_LAST: Final = "SELECT at, kind, lines FROM neko_changes ORDER BY id DESC LIMIT ?"


def make(connection: sqlite3.Connection) -> None:
    """Make the table."""
    connection.execute(_TABLE)


def note(connection: sqlite3.Connection, kind: ChangeKind, lines: int) -> int:
    """Keep that ``lines`` lines were changed, within the transaction that does it; the id of the change, 0 for none."""
    if not lines:
        return 0
    row = (datetime.now(UTC).isoformat(timespec="seconds"), kind.value, lines)
    return connection.execute(_INSERT, row).lastrowid or 0


def last(connection: sqlite3.Connection, limit: int) -> list[Change]:
    """The last changes, newest first."""
    rows = connection.execute(_LAST, (limit,)).fetchall()
    return [Change(datetime.fromisoformat(at), ChangeKind(kind), lines) for at, kind, lines in rows]
