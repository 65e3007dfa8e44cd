"""A log file that is damaged, or is no longer at its place, and what comes in its place. Every call blocks."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from neko.errors import DamagedLogError, LogMovedError, LogReplacedError, MemoryStoreError, NekoError
from neko.memory import backup
from neko.memory.file_identity import Identity, identity
from neko.memory.paths import recent_beside
from neko.memory.salvage import salvage
from neko.set_aside import REPLACED, bring_after, copies_of, set_aside
from neko.storage import make_folder, make_private, sync_folder

logger = logging.getLogger(__name__)

_HEADER = b"SQLite format 3\0"


def check_header(path: Path) -> None:
    """Raise ``sqlite3.DatabaseError`` for a file that is no database, and for an empty one, or none, with a WAL.

    SQLite deletes the WAL of such a file when it opens or closes it; so this looks first.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_HEADER))
    except FileNotFoundError:
        start = b""
    except OSError:
        return
    if start != _HEADER and (start or has_wal(path)):
        error = sqlite3.DatabaseError("file is not a database")
        error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
        raise error


def has_wal(path: Path) -> bool:
    """Whether something waits to be folded into the log: who had it open has not come to its end."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except OSError:
        return False


def replace_damaged(path: Path, why: str) -> NekoError:
    """Set the file aside with its WAL, and put a new log in its place with all that could be read of it, or of its
    backups.

    Returns what to tell. Raises ``OSError`` and ``sqlite3.Error`` when the disk does not take the new one; the file
    is then still at its place.
    """
    new = _beside(path)
    if not path.exists():
        make_private(path)  # only its WAL is left, which is set aside with it
    saved = salvage(path, new, backup.copies(path), recent_beside(path))
    kept = set_aside(path, why)
    new.replace(path)
    sync_folder(path.parent)
    logger.error("%d lines of %s could be read, %d were kept elsewhere", saved.read, path, saved.restored)
    return DamagedLogError(
        f"{path} is damaged: {why}; it is kept as {kept}",
        file=str(path),
        kept=str(kept),
        saved=saved.read,
        restored=saved.restored,
    )


def put_back(connection: sqlite3.Connection, path: Path, wal: Identity | None) -> MemoryStoreError:
    """Write an open log, whose file was moved or deleted, to its place; returns what to tell.

    ``wal`` is the identity of the log's own WAL. A file that stands there by now is set aside.
    """
    make_folder(path.parent)
    new = _beside(path)
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(new)) as copy:
        make_private(new)
        connection.backup(copy)
    if identity(path.with_name(path.name + "-wal")) in (wal, None):  # what is in it is in the copy
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    report: MemoryStoreError
    if path.exists():
        kept = set_aside(path, "another file was put in its place", mark=REPLACED)
        report = LogReplacedError("the log was replaced", file=str(path), kept=str(kept), reason="replaced")
    else:
        report = LogMovedError("the log was gone from its place", file=str(path), reason="moved")
    new.replace(path)
    sync_folder(path.parent)
    return report


def take_interrupted(path: Path) -> None:
    """Finish what a crash interrupted: the new log was whole, the old one had left its place. Raises ``OSError``."""
    new = _beside(path)
    if new.exists() and not path.exists():
        if kept := copies_of(path):
            bring_after(path, kept[-1])  # SQLite would write what a WAL holds into the new log
        new.replace(path)
        sync_folder(path.parent)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")
