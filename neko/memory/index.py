"""The full-text index of a log, in the log's own file.

``neko_words`` holds what a search needs of every line that counts: when it was said, by whom, its text in its simplest
form and its terms (``words.py``). ``neko_index`` is FTS5 over those terms, kept by triggers as
https://www.sqlite.org/fts5.html#external_content_tables has it. A line is put in within the transaction that writes
it. Whatever changes or deletes a row of the log takes it out, by a trigger too, so that the index never knows more
than the log; who changes a row puts it in again. What others wrote, and a log from before there was an index, is
caught up with in steps. Every call blocks and raises ``sqlite3.Error``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Final

from neko.memory import schema
from neko.memory.line_codec import Names, logged_lines, parsed_row
from neko.memory.words import holds, plain, plainly_holds, terms, version
from neko.types.lines import Line

STEP: Final = 250
"""Lines that are caught up with in one transaction: a few hundredths of a second, for which a new line waits."""
_STEP_CHARACTERS: Final = 200_000
"""After which a step is over as well: about a second, of a thread that is not the loop's."""
_COUNTED: Final = 20_000
"""Characters of a line of which each word counts as often as it comes, of the rest once."""
_LONGEST: Final = 250_000
"""Characters of a line that are indexed: what comes in is no longer."""
_MOST_CONDITIONS: Final = 16

_TABLES: Final = ("neko_index", "neko_words", "neko_indexed")
_TRIGGERS: Final = ("neko_words_in", "neko_words_out", "neko_original_out", "neko_original_changed")
_EVERY_PART: Final = (*_TABLES, *_TRIGGERS)
_MAKE_INDEX: Final = (
    "CREATE VIRTUAL TABLE neko_index USING fts5(terms, content='neko_words', content_rowid='id', detail='none', "
    "columnsize=0, tokenize=\"ascii tokenchars '+#'\")"
)
_PARTS: Final = "SELECT name FROM sqlite_master WHERE name GLOB 'neko_index_*' AND type = 'table'"
_MAKE: Final = (
    "CREATE TABLE neko_words (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, by_user INTEGER NOT NULL, "
    "chat INTEGER NOT NULL, speaker TEXT NOT NULL, text TEXT NOT NULL, terms TEXT NOT NULL)",
    _MAKE_INDEX,
    "CREATE TRIGGER neko_words_in AFTER INSERT ON neko_words BEGIN "
    "INSERT INTO neko_index (rowid, terms) VALUES (new.id, new.terms); END",
    "CREATE TRIGGER neko_words_out AFTER DELETE ON neko_words BEGIN "
    "INSERT INTO neko_index (neko_index, rowid, terms) VALUES ('delete', old.id, old.terms); END",
    f"CREATE TRIGGER IF NOT EXISTS neko_original_out AFTER DELETE ON {schema.ORIGINAL} BEGIN "
    "DELETE FROM neko_words WHERE id = old.id; END",
    f"CREATE TRIGGER IF NOT EXISTS neko_original_changed AFTER UPDATE ON {schema.ORIGINAL} BEGIN "
    "DELETE FROM neko_words WHERE id = old.id; UPDATE neko_indexed SET position = min(position, old.id - 1); END",
    "CREATE TABLE neko_indexed (position INTEGER NOT NULL, version TEXT NOT NULL)",
)
"""``neko_indexed`` has one row: up to which id the log has been caught up with, and by which rules of words.
Lines behind that may be in the index already."""
_MISSING: Final = (
    f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id > (SELECT position FROM neko_indexed) "
    f"AND NOT EXISTS (SELECT 1 FROM neko_words WHERE neko_words.id = {schema.ORIGINAL}.id) "
    f"AND {schema.NOT_REPLACED} ORDER BY id LIMIT ?"
)
_NOT_WHOLE: Final = (
    f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE length(message) > {_LONGEST} OR NOT EXISTS "
    f"(SELECT 1 FROM neko_words WHERE neko_words.id = {schema.ORIGINAL}.id)"
)


def make(connection: sqlite3.Connection) -> None:
    """Make the tables, empty; those that were there go."""
    for table in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _MAKE:
        connection.execute(statement)
    connection.execute("INSERT INTO neko_indexed VALUES (?, ?)", (-(2**63), version()))


def is_current(connection: sqlite3.Connection) -> bool:
    """False when the index was made by other rules of words, or a part of it is missing."""
    marks = ", ".join("?" * len(_EVERY_PART))
    (there,) = connection.execute(f"SELECT count(*) FROM sqlite_master WHERE name IN ({marks})", _EVERY_PART).fetchone()
    if there != len(_EVERY_PART):
        return False
    row = connection.execute("SELECT version FROM neko_indexed").fetchone()
    return row is not None and row[0] == version()


def put(connection: sqlite3.Connection, lines: Iterable[Line]) -> None:
    """Take in lines that were just written, or take them in anew; those that do not count are passed over."""
    for line in lines:
        connection.execute("DELETE FROM neko_words WHERE id = ?", (line.id,))
        if line.role != "system" and line.status != "replaced":
            text = line.text[:_LONGEST]
            row = (line.id, _moment(line), line.role == "user", line.chat, plain(line.speaker), plain(text))
            connection.execute("INSERT INTO neko_words VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, " ".join(_terms(text))))


def _terms(text: str) -> list[str]:
    if len(text) <= _COUNTED:
        return terms(text)
    end = text.rfind(" ", 0, _COUNTED) + 1 or _COUNTED
    counted = terms(text[:end])
    return counted + list(dict.fromkeys(terms(text[end - 1 :])).keys() - set(counted))


def catch_up(connection: sqlite3.Connection, names: Names, limit: int = STEP) -> bool:
    """Take in some lines that are not in the index yet; false when there are none left."""
    rows, characters = [], 0
    with closing(connection.execute(_MISSING, (limit,))) as missing:
        for row in missing:
            rows.append(row)
            characters += len(row[2] or "")
            if characters >= _STEP_CHARACTERS:
                break
    is_more = len(rows) == limit or characters >= _STEP_CHARACTERS
    put(connection, (logged.line for logged in logged_lines(rows, names)))
    position = rows[-1][0] if is_more else connection.execute(schema.LAST_ID).fetchone()[0]
    connection.execute("UPDATE neko_indexed SET position = ?1 WHERE position < ?1", (position,))
    return is_more


def reached(connection: sqlite3.Connection) -> tuple[int, int]:
    """The id up to which the log has been caught up with, and the last one."""
    (position,) = connection.execute("SELECT position FROM neko_indexed").fetchone()
    (last,) = connection.execute(schema.LAST_ID).fetchone()
    return max(0, min(position, last)), last


def purge(connection: sqlite3.Connection) -> None:
    """Write the index anew without what deleted lines have left in it; outside of any transaction that deletes."""
    connection.execute("INSERT INTO neko_index (neko_index) VALUES ('rebuild')")


def mend(connection: sqlite3.Connection) -> None:
    """Make a damaged index anew from ``neko_words``. SQLite drops no table that it cannot open, so its entry is taken
    out of the schema by hand, then its parts are dropped."""
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("DELETE FROM sqlite_master WHERE name = 'neko_index'")
    connection.execute("PRAGMA writable_schema=RESET")
    for (part,) in connection.execute(_PARTS).fetchall():
        connection.execute(f"DROP TABLE {part}")
    connection.execute(_MAKE_INDEX)
    purge(connection)


def find(connection: sqlite3.Connection, names: Names, words: Sequence[str], *, limit: int, end: int) -> list[Line]:
    """The last ``limit`` lines with ids below ``end`` that hold all of the words (``words.sought``), also within
    longer ones, newest first.

    Looks through the texts, from the newest back.
    """
    conditions, values = _holding(words)
    rows = connection.execute(
        f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id IN (SELECT id FROM neko_words WHERE id < ? "
        f"AND {conditions} ORDER BY id DESC LIMIT ?) ORDER BY id",
        (end, *values, limit),
    ).fetchall()
    return [logged.line for logged in logged_lines(rows, names)][::-1]


def every_line(connection: sqlite3.Connection, words: Sequence[str]) -> list[int]:
    """The ids of all lines that hold all of the words (``words.sought``, ``words.holds``) anywhere, oldest first: also
    of earlier versions of replies, and of lines that are not in the index, or not whole."""
    conditions, values = _holding(words)
    indexed = connection.execute(f"SELECT id, text FROM neko_words WHERE {conditions}", values)
    found = {line_id: plainly_holds(text, words) for line_id, text in indexed}
    found |= {row[0]: holds(parsed_row(row[2] or "").text, words) for row in connection.execute(_NOT_WHOLE)}
    return sorted(line_id for line_id, is_held in found.items() if is_held)


def _holding(words: Sequence[str]) -> tuple[str, list[str]]:
    """The condition on ``text``, and its values, whole words or not: SQLite limits how deep an expression is."""
    first, rest = words[:_MOST_CONDITIONS], words[_MOST_CONDITIONS:]
    each = "NOT EXISTS (SELECT 1 FROM json_each(?) WHERE NOT instr(text, value))"
    return " AND ".join([*["instr(text, ?)"] * len(first), each]), [*first, json.dumps(rest)]


def _moment(line: Line) -> int:
    """UTC seconds; a moment that the clock of this system does not know counts as its beginning."""
    try:
        return int(line.at.timestamp())
    except (OverflowError, ValueError, OSError):
        return 0
