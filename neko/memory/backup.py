"""Backups of a log: a few whole copies in a folder beside it, one a day. Every call blocks.

A copy is made by ``VACUUM INTO`` within one read transaction: whole, compact, without a line for the writer to wait
for, and it can be interrupted; SQLite's backup interface begins anew with each line that is written meanwhile. What is
forgotten must not stand in a copy, so a deletion takes all of them; the next day has a new one.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from neko.memory.paths import backups_of
from neko.storage import make_folder, make_private, sync_folder

logger = logging.getLogger(__name__)

KEPT: Final = 3
_EVERY_S: Final = 22 * 3600
"""Less than a day, so that who talks at the same hour each day has one of each day."""
_ROOM: Final = 3
"""The disk has to have room for so many copies."""
_UNFINISHED: Final = "unfinished"


def is_due(log: Path) -> bool:
    """Whether the log has changed since its last backup, which is a day old, and the disk has room for another."""
    try:
        last = max((copy.stat().st_mtime for copy in copies(log)), default=0.0)
        changed = max(path.stat().st_mtime for path in _with_wal(log))
        size = sum(path.stat().st_size for path in _with_wal(log))
        room = shutil.disk_usage(log.parent).free
    except (OSError, ValueError):
        return False
    if not size or changed <= last or 0 <= time.time() - last < _EVERY_S:
        return False
    if room < _ROOM * size:
        logger.warning("there is no room for a backup of %s", log)
    return room >= _ROOM * size


def copies(log: Path) -> list[Path]:
    """The backups there are, the oldest first."""
    folder = backups_of(log)
    return sorted(path for path in folder.glob("*") if not path.name.startswith(_UNFINISHED)) if folder.is_dir() else []


def make(connection: sqlite3.Connection, log: Path) -> Path:
    """Copy the open log, and let go of the oldest copies. Raises ``sqlite3.Error`` and ``OSError``."""
    folder = backups_of(log)
    make_folder(folder)
    unfinished = folder / _UNFINISHED
    unfinished.unlink(missing_ok=True)
    try:
        make_private(unfinished)
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        copy = folder / f"{datetime.now():%Y%m%d-%H%M%S}"
        unfinished.replace(copy)
    except BaseException:
        for path in folder.glob(f"{_UNFINISHED}*"):
            path.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    for old in copies(log)[:-KEPT]:
        old.unlink(missing_ok=True)
    return copy


def forget(log: Path) -> None:
    """Remove all copies. Raises ``OSError``."""
    folder = backups_of(log)
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()


def _with_wal(log: Path) -> list[Path]:
    return [path for path in (log, log.with_name(log.name + "-wal")) if path.exists()]
