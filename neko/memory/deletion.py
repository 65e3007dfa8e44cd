"""Deleting lines for good: the rows themselves, and every summary that may hold their words.

Each memo is made from the one before it and the lines since, so what was said may stand in any summary
that reaches as far as its line. All of those go. Every call blocks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neko.memory import backup, facts, index, reviewed, schema
from neko.memory.line_codec import LoggedLine, Names, Row, logged_lines, parsed_row
from neko.memory.paths import recent_beside
from neko.pending_restore import BEFORE
from neko.set_aside import COMPANIONS, forget_damaged

_UNTIDY: Final = "untidy"
_HIGHEST: Final = "highest"
"""The largest id that a line had that may be gone: it is given to none again."""
_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
_WITHOUT_WORDS: Final = ("neko_state", "neko_changes", "neko_embedders", "neko_indexed")


@dataclass(frozen=True, slots=True)
class Summary:
    """``reach`` is the id of the last line that it was made from; None for those of N.E.K.O., which keep no ids."""

    row: int
    text: str
    reach: int | None
    timestamp: str | None


def with_earlier(connection: sqlite3.Connection, ids: Sequence[int], names: Names) -> list[LoggedLine]:
    """The lines with these ids and the earlier versions of replies among them, oldest first."""
    return logged_lines(rows(connection, ids), names)


def rows(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Row]:
    """The same as they stand in the log."""
    waiting, found = list(ids), {}
    while waiting:
        for row in connection.execute(schema.BY_ID, (waiting.pop(),)).fetchall():
            if row[0] not in found:
                found[row[0]] = row
                waiting += [earlier[0] for earlier in connection.execute(schema.REPLACED_BY, row[:1]) if earlier[0]]
    return [found[line_id] for line_id in sorted(found)]


@dataclass(frozen=True, slots=True)
class Deleted:
    """The ids of lines that are gone, and what was known because of them."""

    ids: list[int]
    facts: facts.Earlier


def delete(connection: sqlite3.Connection, ids: Sequence[int]) -> Deleted:
    """Delete these lines, all summaries that may hold their words and the facts that rest on them."""
    _keep_highest(connection)
    stamps: list[str | None] = []
    gone: list[int] = []
    for line_id in ids:
        for found, stamp in connection.execute(schema.DELETE, (line_id,)).fetchall():
            gone.append(found)
            stamps.append(stamp)
    if gone:
        connection.execute(schema.FORGET_TITLES_OF_EMPTY)
        for summary in _summaries(connection):
            if _may_hold(summary, min(gone), stamps):
                connection.execute(schema.DELETE_SUMMARY, (summary.row,))
        reviewed.forget(connection)
        leave_untidy(connection)
    return Deleted(sorted(gone), facts.forget(connection, gone))


@dataclass(frozen=True, slots=True)
class Beside:
    """Ids of summaries and facts, and numbers of chats with a title."""

    summaries: list[int]
    facts: list[int]
    chats: list[int]

    def __bool__(self) -> bool:
        return bool(self.summaries or self.facts or self.chats)


def beside(connection: sqlite3.Connection, is_meant: Callable[[str], bool]) -> Beside:
    """What has such a text beside the lines."""
    titles = connection.execute(schema.CHAT_TITLES).fetchall()
    return Beside(
        [summary.row for summary in _summaries(connection) if is_meant(summary.text)],
        [one.id for one in facts.every(connection) if is_meant(f"{one.subject} {one.attribute} {one.value}")],
        [number for number, title in titles if is_meant(title or "")],
    )


def delete_beside(connection: sqlite3.Connection, is_meant: Callable[[str], bool]) -> None:
    """Delete that; the chats stay, without their titles."""
    found = beside(connection, is_meant)
    for summary in found.summaries:
        connection.execute(schema.DELETE_SUMMARY, (summary,))
    for chat in found.chats:
        connection.execute(schema.SET_CHAT_TITLE, (chat, ""))
    facts.remove(connection, found.facts)
    reviewed.forget(connection)
    leave_untidy(connection)


def clear(connection: sqlite3.Connection) -> int:
    """Delete all that was said and all that was made of it; how many lines that was."""
    _keep_highest(connection)
    (lines,) = connection.execute(f"SELECT count(*) FROM {schema.ORIGINAL}").fetchone()
    index.make(connection)
    for (table,) in connection.execute(_TABLES).fetchall():
        if table not in _WITHOUT_WORDS and not table.startswith("neko_index"):
            connection.execute(f'DELETE FROM "{table}"')
    leave_untidy(connection)
    return int(lines)


def highest_id(connection: sqlite3.Connection) -> int:
    """The largest id that a line has or had."""
    row = connection.execute(schema.GET_STATE, (_HIGHEST,)).fetchone()
    return max(int(row[0]) if row else 0, int(connection.execute(schema.LAST_ID).fetchone()[0]))


def _keep_highest(connection: sqlite3.Connection) -> None:
    connection.execute(schema.SET_STATE, (_HIGHEST, highest_id(connection)))


def leave_untidy(connection: sqlite3.Connection) -> None:
    """Words were taken away, of which the file may hold more copies (``tidy``)."""
    connection.execute(schema.SET_STATE, (_UNTIDY, 1))


def is_untidy(connection: sqlite3.Connection) -> bool:
    """Whether the file may still hold words that were deleted."""
    row = connection.execute(schema.GET_STATE, (_UNTIDY,)).fetchone()
    return bool(row and row[0])


def forget_copies(log: Path) -> None:
    """Remove the backups of a log, what was set aside of it and of its window, and what was there of them before a
    restore of the data folder. Raises ``OSError``."""
    folders = log.parent.parent.glob(f"{BEFORE}/*/{log.parent.name}")
    for one in (log, *(folder / log.name for folder in folders)):
        backup.forget(one)
        forget_damaged(one)
        forget_damaged(recent_beside(one))
        if one != log:
            for path in (one, recent_beside(one)):
                for ending in ("", ".bak", *COMPANIONS):
                    path.with_name(path.name + ending).unlink(missing_ok=True)


def tidy(connection: sqlite3.Connection, log: Path) -> None:
    """After a deletion, let go of all copies, and write the whole file anew from the rows that are there.

    ``secure_delete`` overwrites a deleted row, but none of the copies that stay in the free space of pages when SQLite
    moves rows between them. 10,000 lines take about a tenth of a second. Raises ``OSError`` too.
    """
    if is_untidy(connection):
        forget_copies(log)
        index.purge(connection)
        connection.execute("VACUUM")
        connection.execute(schema.SET_STATE, (_UNTIDY, 0))


def last_summary_before(connection: sqlite3.Connection, line_id: int) -> Summary | None:
    """The newest summary of lines with smaller ids only."""
    reaching = [one for one in _summaries(connection) if one.reach is not None and one.reach < line_id]
    return max(reaching, key=lambda one: (one.reach or 0, one.row), default=None)


def _may_hold(summary: Summary, first: int, stamps: Sequence[str | None]) -> bool:
    if summary.reach is not None:
        return summary.reach >= first
    return any(not stamp or not summary.timestamp or summary.timestamp >= stamp for stamp in stamps)


def _summaries(connection: sqlite3.Connection) -> list[Summary]:
    summaries = []
    for row, _, raw, timestamp in connection.execute(schema.SUMMARIES).fetchall():
        parsed = parsed_row(raw or "")
        summaries.append(Summary(row, parsed.text, max(parsed.sources, default=None), timestamp))
    return summaries
