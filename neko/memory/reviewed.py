"""What the last review of the recent window changed, so that it can be undone: in the log's file, whatever becomes of
Neko meanwhile. It holds words, so it goes with any deletion, and with the next review. Every call blocks.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS neko_review "
    "(id INTEGER PRIMARY KEY CHECK (id = 1), before TEXT NOT NULL, after TEXT NOT NULL)"
)
_KEEP: Final = "INSERT OR REPLACE INTO neko_review VALUES (1, ?, ?)"
_LAST: Final = "SELECT before, after FROM neko_review"
_FORGET: Final = "DELETE FROM neko_review"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Entries of the recent window, from its beginning: as they were, and as the review left them."""

    before: Sequence[Any]
    after: Sequence[Any]

    @property
    def changes(self) -> int:
        """How many entries were left out or reworded."""
        return sum(entry not in self.after for entry in self.before)


def make(connection: sqlite3.Connection) -> None:
    """Make the table."""
    connection.execute(_TABLE)


def keep(connection: sqlite3.Connection, review: Reviewed) -> None:
    """In place of the one before."""
    connection.execute(_KEEP, (json.dumps(review.before), json.dumps(review.after)))


def last(connection: sqlite3.Connection) -> Reviewed | None:
    """The last one; None when there is none, or not any more."""
    row = connection.execute(_LAST).fetchone()
    return Reviewed(json.loads(row[0]), json.loads(row[1])) if row else None


def forget(connection: sqlite3.Connection) -> None:
    """It cannot be undone from now on."""
    connection.execute(_FORGET)
