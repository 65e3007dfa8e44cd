"""Writing new lines into a log; each call blocks, and is part of somebody's transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from neko.memory import changes, index, schema
from neko.memory.brought_in import BROUGHT_IN
from neko.memory.line_codec import LoggedLine, Names, committed, line_json, logged_lines, stamp
from neko.types.lines import NewLine, Stored
from neko.well_formed import well_formed

_MOST: Final = 32


def append_all(connection: sqlite3.Connection, lines: Sequence[NewLine], first_id: int, names: Names) -> list[Stored]:
    """Write lines whose speakers are named, and what belongs to them. ``first_id``: the smallest to be given."""
    stored = [_append(connection, line, first_id, names) for line in lines]
    fresh = [(line.imported, one.line.id) for line, one in zip(lines, stored, strict=True) if one.fresh]
    come = [(number, line_id) for number, line_id in fresh if number]
    for number, count in Counter(number for number, _ in come).items():
        changes.grow(connection, number, count)
    if come:
        connection.execute(schema.LOWER_STATE, (BROUGHT_IN, min(line_id for _, line_id in come) - 1))
    return stored


def _append(connection: sqlite3.Connection, line: NewLine, first_id: int, names: Names) -> Stored:
    row: tuple[Any, ...] = (first_id, line.session_id, line_json(line), stamp(line.at))
    if line.client_id is None:
        (found,) = connection.execute(schema.INSERT, row).fetchall()
    else:
        client_id = well_formed(line.client_id)
        found = next(iter(connection.execute(schema.INSERT_ONCE, (*row, client_id)).fetchall()), None)
        if found is None:
            earlier = connection.execute(schema.BY_CLIENT_ID, (client_id,)).fetchall()
            return Stored(logged_lines(earlier, names)[0].line, fresh=False)
    if line.replaces is not None:
        connection.execute(schema.MARK_REPLACED, (line.replaces,))
    stored = committed(found[0], line)
    index.put(connection, [stored])
    return Stored(stored, fresh=True)


class Appended:
    """The lines that were appended to a log last, so that its recent window does not read them back from the file.

    Knows every line that this program wrote above some id, or nothing.
    """

    def __init__(self) -> None:
        self._lines: deque[LoggedLine] = deque()
        self._above: int | None = None

    def add(self, newest: int, stored: Iterable[Stored]) -> None:
        """Lines that were committed; ``newest``: the largest id before them."""
        if self._above is None:
            self._above = newest
        last = [one.line for one in stored if one.fresh][-_MOST - 1 :]
        self._lines.extend(LoggedLine(line, own=True, own_status="complete") for line in last)
        while len(self._lines) > _MOST:
            self._above = self._lines.popleft().line.id

    def forget(self) -> None:
        """Lines may have been changed, or have gone."""
        self._lines.clear()
        self._above = None

    def after(self, line_id: int) -> list[LoggedLine] | None:
        """Those with larger ids, oldest first; None when that is not known."""
        if self._above is None or line_id < self._above:
            return None
        return [one for one in self._lines if one.line.id > line_id]
