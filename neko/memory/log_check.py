"""Looks over a log without changing anything of it, for ``doctor``. Every call blocks.

For a process that does not have the log open itself: whoever closes a file lets go of all locks that the process has on
it (https://www.sqlite.org/howtocorrupt.html, "POSIX advisory locks canceled"). Another one may have it open, and write.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from neko.memory import backup, schema
from neko.memory.copied_files import copy_log, files
from neko.memory.damaged_log import check_header
from neko.memory.migrations import check_version
from neko.memory.page_check import findings, interrupted_when
from neko.memory.paths import recent_beside
from neko.memory.salvage import Saved, readable_rows, salvage
from neko.memory.sqlite_errors import is_damage

logger = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 1.0
"""Seconds for a program that holds the log alone to let go of it."""
_BETWEEN_LOOKS_S: Final = 0.005
_NOTHING_CAN_BE_MADE: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_LARGEST_COPIED: Final = 64_000_000
"""Bytes of a damaged log that is copied to see what can be read of it."""


@dataclass(frozen=True, slots=True)
class LogState:
    """``damage``: what is wrong with the file, nothing when all is well. ``lines``: how many can be read, None when
    the time was up or that would take long. ``restorable``: how many more stand in a backup or the recent
    window."""

    damage: tuple[str, ...]
    lines: int | None
    restorable: int = 0


def look_over(path: Path, timeout_s: float) -> LogState:
    """Check every page and count the lines, as long as ``timeout_s`` seconds allow.

    Raises ``MemoryTooNewError``, and ``sqlite3.Error`` when the file cannot be read at all, another program's lock
    being one reason.
    """
    due = time.monotonic() + timeout_s
    there = files(path)
    state = _state(path, due, alone=len(there) == 1)
    if state.damage and len(there) == 1 and files(path) != there:  # somebody has begun to write meanwhile
        state = _state(path, due, alone=False)
    if not state.damage:
        return state
    saved = _salvageable(path)
    return LogState(state.damage, saved.read, saved.restored) if saved else LogState(state.damage, None)


def _state(path: Path, due: float, *, alone: bool, is_copy: bool = False) -> LogState:
    """``alone``: nothing stands beside the log, so nobody has it open. SQLite would then leave a WAL behind."""
    try:
        check_header(path)
        if path.is_file() and not path.stat().st_size:
            return LogState((), 0)
        address = f"{path.absolute().as_uri()}?{'immutable=1' if alone else 'mode=ro'}"
        with closing(sqlite3.connect(address, uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            check_version(connection, path)
            with interrupted_when(connection, lambda: time.monotonic() >= due, _BETWEEN_LOOKS_S):
                damage = findings(connection)
                return LogState(tuple(damage), _count(connection, due))
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return LogState((str(error),), None)
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return LogState((), None)
        has_companions = not alone and path.is_file()
        if has_companions and not is_copy and error.sqlite_errorcode & 0xFF in _NOTHING_CAN_BE_MADE:
            return _state_of_copy(path, due)
        raise


def _state_of_copy(path: Path, due: float) -> LogState:
    """Of a log with a WAL in a folder in which SQLite can make nothing."""
    with TemporaryDirectory(prefix="neko-check-") as folder:
        copy = Path(folder) / path.name
        copy_log(path, copy)
        return _state(copy, due, alone=len(files(copy)) == 1, is_copy=True)


def _count(connection: sqlite3.Connection, due: float) -> int | None:
    count = sum(1 for _ in readable_rows(connection, schema.ORIGINAL))
    return count if time.monotonic() < due else None


def _salvageable(path: Path) -> Saved | None:
    """What the next start will take over of a damaged log."""
    try:
        if sum(size for size, _ in files(path)) > _LARGEST_COPIED:
            return None
        with TemporaryDirectory(prefix="neko-doctor-") as folder:
            return salvage(path, Path(folder) / "log", backup.copies(path), recent_beside(path))
    except (OSError, sqlite3.Error):
        logger.exception("what can be read of %s could not be counted", path)
        return None
