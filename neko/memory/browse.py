"""What somebody sees who looks through a log: its days, the lines of one, and its memos. Every call blocks.

A day is the date that a line's column ``timestamp`` has: the one on the clock when it was said.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from neko.memory import schema
from neko.memory.line_codec import Names, Row, as_said, logged_lines, message, parsed_row
from neko.types.lines import UNKNOWN_TIME, Line
from neko.types.memory import Day, Layer, Memo, RecentEntry

_COUNTED: Final = f"(instr(message, '\"replaced\"') = 0 OR {schema.NOT_REPLACED})"
"""As ``schema.NOT_REPLACED``, without taking apart the JSON of each row."""
_DAYS: Final = (
    f"SELECT substr(timestamp, 1, 10), count(*) FROM {schema.ORIGINAL} WHERE {_COUNTED} GROUP BY 1 ORDER BY 1"
)
_OF_DAY: Final = (
    f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE timestamp >= ? AND timestamp < ? AND id > ? "
    f"AND {schema.NOT_REPLACED} ORDER BY id LIMIT ?"
)
_PAST_ALL_DAYS: Final = ":"
"""Sorts behind every date."""
_MEMOS: Final = f"SELECT {schema.COLUMNS} FROM {schema.COMPRESSED} WHERE id < ? ORDER BY id DESC"
_MEMO: Final = f"SELECT {schema.COLUMNS} FROM {schema.COMPRESSED} WHERE id = ?"
_REWRITE: Final = f"UPDATE {schema.COMPRESSED} SET message = ? WHERE id = ?"


def with_outside(connection: sqlite3.Connection, entries: Sequence[RecentEntry]) -> list[RecentEntry]:
    """The entries of a recent window, with what they are of words from outside."""
    reach = max((entry.id or sys.maxsize for entry in entries if entry.role == "system"), default=0)
    is_in_memo = bool(reach) and connection.execute(schema.FIRST_OUTSIDE, (reach,)).fetchone() is not None
    left = json.dumps([entry.id for entry in entries if entry.left])
    lines = {line_id for (line_id,) in connection.execute(schema.OUTSIDE_AMONG, (left,))}
    return [replace(one, outside=is_in_memo if one.role == "system" else one.id in lines) for one in entries]


def timeframe(connection: sqlite3.Connection, layer: Layer, start: datetime, end: datetime, limit: int) -> list[Row]:
    """The first ``limit`` rows of lines, or of summaries, of the times from ``start`` to ``end``, local naive ones,
    oldest first; replaced lines among them, as N.E.K.O. has it."""
    table = schema.COMPRESSED if layer == "summary" else schema.ORIGINAL
    statement = f"SELECT {schema.COLUMNS} FROM {table} WHERE timestamp BETWEEN ? AND ? ORDER BY timestamp, id LIMIT ?"
    bounds = [moment.isoformat(sep=" ", timespec="microseconds") for moment in (start, end)]
    return connection.execute(statement, (*bounds, limit)).fetchall()


def days(connection: sqlite3.Connection) -> list[Day]:
    """Every day of which there are lines, the oldest first; lines of an unknown time are on none."""
    found = []
    for stamp, count in connection.execute(_DAYS):
        with suppress(ValueError):  # a row of N.E.K.O. without a time
            found.append(Day(date.fromisoformat(stamp or ""), count))
    return [day for day in found if day.date != UNKNOWN_TIME.date()]


def of_day(connection: sqlite3.Connection, names: Names, day: date, *, after: int, limit: int) -> list[Line]:
    """The first ``limit`` lines of a day with ids above ``after``, oldest first."""
    end = (day + timedelta(days=1)).isoformat() if day < date.max else _PAST_ALL_DAYS
    rows = connection.execute(_OF_DAY, (day.isoformat(), end, after, limit)).fetchall()
    return [logged.line for logged in as_said(logged_lines(rows, names))]


def memos(connection: sqlite3.Connection, words: Sequence[str], *, before: int, limit: int) -> list[Memo]:
    """The last ``limit`` memos with ids below ``before`` that hold all of the words, newest first."""
    wanted = [word.casefold() for word in words]
    found: list[Memo] = []
    for row in connection.execute(_MEMOS, (before,)):
        memo = _memo(row)
        if all(word in memo.text.casefold() for word in wanted):
            found.append(memo)
        if len(found) == limit:
            break
    return found


def memo(connection: sqlite3.Connection, memo_id: int) -> Memo | None:
    """The memo with this id."""
    row = connection.execute(_MEMO, (memo_id,)).fetchone()
    return _memo(row) if row else None


def rewrite_memo(connection: sqlite3.Connection, memo_id: int, text: str) -> None:
    """Give a memo other words; what it was made from stays."""
    row = connection.execute(_MEMO, (memo_id,)).fetchone()
    if row:
        neko = parsed_row(row[2] or "").neko
        connection.execute(_REWRITE, (json.dumps(message("system", text, neko)), memo_id))


def _memo(row: tuple[int, str | None, str | None, str | None]) -> Memo:
    parsed = parsed_row(row[2] or "")
    pinned = parsed.neko.get("pinned") is True
    return Memo(row[0], parsed.text, (row[3] or "")[:19], tuple(parsed.sources), pinned)
