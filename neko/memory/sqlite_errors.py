"""What SQLite and the disk complain about, as errors that a user can act on."""

from __future__ import annotations

import errno
import logging
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neko.errors import MemoryStoreError, NekoError

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LEAST_ROOM = 64 * 1024
"""Bytes: what a log takes to be opened."""
_REASONS: Mapping[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("full", "the disk is full"),
    sqlite3.SQLITE_READONLY: ("read_only", "the file is read-only"),
    sqlite3.SQLITE_PERM: ("read_only", "the file may not be used"),
    sqlite3.SQLITE_BUSY: ("locked", "another program is holding the file"),
    sqlite3.SQLITE_LOCKED: ("locked", "another program is holding the file"),
    sqlite3.SQLITE_CANTOPEN: ("unreadable", "the file cannot be opened"),
    sqlite3.SQLITE_IOERR: ("io", "the disk reports an error"),
    sqlite3.SQLITE_CORRUPT: ("damaged", "the file is damaged"),
    sqlite3.SQLITE_NOTADB: ("damaged", "the file is not a database"),
    sqlite3.SQLITE_INTERRUPT: ("closed", "the memory was closed meanwhile"),
}


class ConnectionClosedError(sqlite3.ProgrammingError):
    """The connection was used after it had been closed."""


class FileMovedError(sqlite3.OperationalError):
    """The open file is no longer the one at its path. ``committed``: the transaction was carried out, in that file,
    with ``result``."""

    def __init__(self, *, committed: bool = False, result: Any = None) -> None:
        super().__init__("the file is not at its path any more")
        self.committed = committed
        self.result = result


def store_error(error: Exception, path: Path) -> MemoryStoreError:
    """A ``MemoryStoreError(file, reason, why)`` for an exception of a connection.

    ``reason`` is one of full, read_only, locked, unreadable, io, damaged, closed, slow, taken, other.
    """
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        reason, why = ("full", "the disk is full") if error.errno in _DISK_FULL else ("io", error.strerror or "")
    elif isinstance(error, ConnectionClosedError):
        reason, why = "closed", str(error) or "the memory is closed"
    elif isinstance(error, TimeoutError):
        reason, why = "slow", "reading took too long"
    else:
        reason, why = _REASONS.get(_primary_code(error), ("other", type(error).__name__))
        if reason in ("io", "unreadable") and _is_full(path):
            reason, why = _REASONS[sqlite3.SQLITE_FULL]
    return MemoryStoreError(f"the log cannot be used: {why}", file=str(path), reason=reason, why=why)


def log_given_up(logger: logging.Logger, said: str, character: str, error: NekoError) -> None:
    """Log that work of a memory was given up (``said`` names the character and why): a warning, unless it met a memory
    that is closed by now, as at a stop, where nothing is lost by it."""
    is_closed = isinstance(error, MemoryStoreError) and error.params.get("reason") == "closed"
    logger.log(logging.INFO if is_closed else logging.WARNING, said, character, error.code)


def _is_full(path: Path) -> bool:
    """SQLite calls it an error of the disk when it cannot make the file of its shared memory."""
    try:
        return shutil.disk_usage(path.parent).free < _LEAST_ROOM
    except OSError:
        return False


def garbled_schema(error: UnicodeDecodeError) -> sqlite3.DatabaseError:
    """Of a file whose schema holds what is no text: Python fails at SQLite's message, which quotes it."""
    return damage(f"the schema cannot be read: {error}")


def interrupted() -> sqlite3.OperationalError:
    """As SQLite raises it of a statement that nobody waits for any more."""
    error = sqlite3.OperationalError("interrupted")
    error.sqlite_errorcode = sqlite3.SQLITE_INTERRUPT
    return error


def damage(found: str) -> sqlite3.DatabaseError:
    """As SQLite raises it of a file that is broken."""
    error = sqlite3.DatabaseError(found)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def is_damage(error: Exception) -> bool:
    """True when the file itself is broken, so that trying again on it cannot help."""
    return _primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) and not is_index_damage(error)


def is_index_damage(error: Exception) -> bool:
    """True when the full-text index is broken, which can be made anew from the lines."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CORRUPT_VTAB


def _primary_code(error: Exception) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else -1
