"""Reads every page of an open log and tells what is wrong with the file. Every call blocks."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from neko.memory.sqlite_errors import is_damage

MOST_FINDINGS: Final = 20
_NO_DAMAGE: Final = ("NULL value in ", "CHECK constraint failed in ")
"""What SQLite says of values that a table does not want: the file can be read all the same."""
_OF_INDEX: Final = ("malformed inverted index for FTS",)
"""What SQLite says, since 3.44, of the full-text index, which mends itself."""


def findings(connection: sqlite3.Connection, most: int = MOST_FINDINGS) -> list[str]:
    """What ``PRAGMA quick_check`` finds, each on one line, at most so many; none of a sound file. Raises
    ``sqlite3.Error``, also for damage that the check itself cannot pass."""
    try:
        found = connection.execute(f"PRAGMA quick_check({most})").fetchall()
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        # Python looks one row ahead: what SQLite has found before it could not go on is in the first row
        found = connection.execute("SELECT quick_check FROM pragma_quick_check(?) LIMIT 1", (most,)).fetchall()
    lines = [" ".join(part.split()) for (text,) in found for part in str(text).splitlines()]
    return [line for line in lines if not line.startswith(("ok", "***", *_NO_DAMAGE, *_OF_INDEX))][:most]


@contextmanager
def interrupted_when(connection: sqlite3.Connection, is_over: Callable[[], bool], look_s: float) -> Iterator[None]:
    """Interrupt whatever runs once that is so, which is looked at every so many seconds.

    A progress handler is not called while SQLite checks pages, before 3.41.
    """
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(look_s):
            if is_over():
                connection.interrupt()  # stops only what runs at its moment

    watcher = threading.Thread(target=watch, name="interrupt a check")
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
