"""Recognising a log file that is no database, and setting it aside. Every call blocks."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from neko.errors import DamagedFileError
from neko.storage import set_aside

logger = logging.getLogger(__name__)

_HEADER = b"SQLite format 3\0"
_COMPANIONS = ("-wal", "-shm")


def check_header(path: Path) -> None:
    """Raise ``sqlite3.DatabaseError`` for a file that is no database.

    SQLite deletes the WAL of such a file when it opens it; so this looks first.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_HEADER))
    except OSError:
        return
    if start and start != _HEADER:
        error = sqlite3.DatabaseError("file is not a database")
        error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
        raise error


def set_log_aside(path: Path, why: str) -> DamagedFileError:
    """Rename the file and its WAL, so that nothing overwrites them; returns the error that reports it."""
    report = set_aside(path, why)
    new_path = Path(str(report.params["kept"]))
    for ending in _COMPANIONS:
        companion = path.with_name(path.name + ending)
        try:
            if new_path != path and companion.exists():
                companion.rename(new_path.with_name(new_path.name + ending))
        except OSError:
            logger.exception("a damaged file could not be renamed: %s", companion)
    return report
