"""What of a change of more than one file is still to be done, noted in the log, so that it is ended after a crash.

Lines that are forgotten leave the recent window, the log and the folder of pictures; lines that get other words, or
come back, leave the window and take their places again; to clear a memory is to empty the log and then all that
stands beside it; a memo is kept in the log first, and then takes the place of what it was made of. The note is made
before, and taken away after the last of it. Every call blocks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from neko.memory import schema

_NOTES: Final = "SELECT name, value FROM neko_state WHERE name GLOB ? ORDER BY value"
_FORGET_NOTE: Final = "DELETE FROM neko_state WHERE name = ?"


class Kind(Enum):
    """What was begun; the value is the beginning of the names of its notes in ``neko_state``."""

    FORGET = "forgetting"
    PLACE_ANEW = "placing"
    CLEAR = "clearing"
    FOLD = "folding"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The ids of lines that are to be forgotten, of lines that take their places anew, and of memos that the window
    is to get, and whether all is cleared."""

    forget: tuple[int, ...]
    place_anew: tuple[int, ...]
    fold: tuple[int, ...]
    clear: bool

    def __bool__(self) -> bool:
        return self.changes_lines or bool(self.fold)

    @property
    def changes_lines(self) -> bool:
        """Whether the window and the log may differ in their lines."""
        return bool(self.forget or self.place_anew or self.clear)


NOTHING: Final = Unfinished((), (), (), clear=False)


def note(connection: sqlite3.Connection, kind: Kind, ids: Sequence[int] = (0,)) -> None:
    """This is begun with these lines, this memo, or all lines."""
    connection.executemany(schema.SET_STATE, [(_name(kind, line), line) for line in ids])


def done(connection: sqlite3.Connection, kind: Kind, ids: Sequence[int] = (0,)) -> None:
    """It is done, or given up."""
    connection.executemany(_FORGET_NOTE, [(_name(kind, line),) for line in ids])


def read(connection: sqlite3.Connection) -> Unfinished:
    """What is not done yet."""
    forget, place_anew, fold, clear = (
        tuple(int(row[1]) for row in connection.execute(_NOTES, (f"{kind.value} *",)))
        for kind in (Kind.FORGET, Kind.PLACE_ANEW, Kind.FOLD, Kind.CLEAR)
    )
    return Unfinished(forget, place_anew, fold, bool(clear))


def _name(kind: Kind, line: int) -> str:
    return f"{kind.value} {line}"
