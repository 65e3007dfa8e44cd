"""Backups of a log: a few whole copies in a folder beside it, one a day. Every call blocks.

A copy is made by ``VACUUM INTO`` within one read transaction: whole, compact, without a line for the writer to wait
for, and it can be interrupted; SQLite's backup interface begins anew with each line that is written meanwhile. It is a
backup once it was found sound, and only then an older one goes. What is forgotten must not stand in a copy, so a
deletion takes all of them; the next day has a new one.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from neko.memory import schema
from neko.memory.paths import backups_of
from neko.storage import make_folder, make_private, sync_file, sync_folder

KEPT: Final = 3
_EVERY_S: Final = 22 * 3600
"""Less than a day, so that who talks at the same hour each day has one of each day."""
_ROOM: Final = 3
"""The disk has to have room for so many copies."""
_UNFINISHED: Final = "unfinished"
_NAME: Final = "%Y%m%d-%H%M%S"
_COUNT: Final = f"SELECT count(*) FROM {schema.ORIGINAL}"


def is_due(log: Path) -> bool:
    """Whether the log has changed since its last backup, which is a day old."""
    try:
        last = max((copy.stat().st_mtime for copy in copies(log)), default=0.0)
        changed = max(path.stat().st_mtime for path in _with_wal(log))
    except (OSError, ValueError):
        return False
    is_ahead = last > time.time()  # the clock has been set back since
    return is_ahead or (changed > last and time.time() - last >= _EVERY_S and bool(_size(log)))


def check_room(log: Path) -> None:
    """Raise ``OSError`` when the disk has no room for another copy."""
    if shutil.disk_usage(log.parent).free < _ROOM * _size(log):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def copies(log: Path) -> list[Path]:
    """The backups there are, the oldest first."""
    folder = backups_of(log)
    return sorted(path for path in folder.glob("*") if not path.name.startswith(_UNFINISHED)) if folder.is_dir() else []


def unfinished(log: Path) -> Path:
    """Where the copy is that has not been looked over yet."""
    return backups_of(log) / _UNFINISHED


def make(connection: sqlite3.Connection, log: Path) -> int:
    """Make an ``unfinished`` copy of the open log; how many lines it has to have at least. Raises ``sqlite3.Error``
    and ``OSError``."""
    copy = unfinished(log)
    make_folder(copy.parent)
    drop(log)
    (lines,) = connection.execute(_COUNT).fetchone()
    try:
        make_private(copy)
        connection.execute("VACUUM INTO ?", (str(copy),))
    except BaseException:
        drop(log)
        raise
    return int(lines)


def count(connection: sqlite3.Connection) -> int:
    """How many lines an open copy has. Raises ``sqlite3.Error``."""
    return int(connection.execute(_COUNT).fetchone()[0])


def drop(log: Path) -> None:
    """Remove the ``unfinished`` copy, if there is one. Raises ``OSError``."""
    for path in backups_of(log).glob(f"{_UNFINISHED}*"):
        path.unlink(missing_ok=True)


def keep(log: Path) -> Path:
    """The ``unfinished`` copy is sound: it becomes a backup, and the oldest ones go. Raises ``OSError``."""
    sync_file(unfinished(log))  # SQLite does not, before 3.42
    _set_back(log)
    copy = backups_of(log) / f"{datetime.now():{_NAME}}"
    unfinished(log).replace(copy)
    sync_folder(copy.parent)
    for old in copies(log)[:-KEPT]:
        old.unlink(missing_ok=True)
    return copy


def _set_back(log: Path) -> None:
    """Give backups from a clock that went ahead times before now, in their order: a new one would count as the oldest,
    and go at once."""
    now = datetime.now()
    ahead = [copy for copy in copies(log) if copy.name >= f"{now:{_NAME}}"]
    for number, copy in enumerate(reversed(ahead), start=1):
        at = now - number * timedelta(seconds=1)
        place = copy.with_name(f"{at:{_NAME}}")
        if not place.exists():
            copy.rename(place)
            os.utime(place, (at.timestamp(), at.timestamp()))


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


def _size(log: Path) -> int:
    return sum(path.stat().st_size for path in _with_wal(log))
