"""Databases as they are while somebody writes them. Every call blocks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from neko.memory.schema import ORIGINAL

_BUSY_S: Final = 10.0


def copy(source: Path, target: Path) -> None:
    """Copy one as SQLite does (https://www.sqlite.org/backup.html): in one step, so within one read transaction, and
    with what stands in its WAL. Others go on reading, and writing where there is a WAL. Raises ``sqlite3.Error``."""
    with closing(_opened(source)) as original, closing(sqlite3.connect(target, isolation_level=None)) as made:
        original.backup(made, pages=-1)


def lines(log: Path) -> int | None:
    """How many a log has; None where it cannot be read."""
    try:
        with closing(_opened(log)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {ORIGINAL}").fetchone()[0])
    except sqlite3.Error:
        return None


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None)
