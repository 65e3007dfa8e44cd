"""What is known of people, with the times at which it was true: tables in the log's own file.

Bi-temporal (Snodgrass): ``valid_from`` and ``valid_to`` say when it was so, ``recorded_at`` when it was learnt. A new
value of what has only one at a time (where somebody lives) closes the old one, which stays. A fact rests on
statements, each of which are the lines that it was taken from; with any of its lines a statement goes, and with
the last of its statements a fact. Every call blocks and raises ``sqlite3.Error``.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from neko.memory import schema
from neko.memory.line_codec import local_naive
from neko.types.memory import Fact

_MAKE: Final = (
    "CREATE TABLE IF NOT EXISTS neko_facts (id INTEGER PRIMARY KEY, subject TEXT NOT NULL, attribute TEXT NOT NULL, "
    "value TEXT NOT NULL, valid_from TEXT NOT NULL, valid_to TEXT, recorded_at TEXT NOT NULL, superseded_by INTEGER)",
    "CREATE INDEX IF NOT EXISTS neko_facts_of ON neko_facts (subject, attribute)",
    "CREATE TABLE IF NOT EXISTS neko_fact_sources (fact INTEGER NOT NULL, statement INTEGER NOT NULL, "
    "line INTEGER NOT NULL, PRIMARY KEY (fact, statement, line)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS neko_fact_sources_of ON neko_fact_sources (line)",
)
POSITION: Final = "facts"
"""The name of the state that says up to which line facts have been looked for."""

_ONE_AT_A_TIME: Final = frozenset(("name", "home", "job", "birthday"))
_OPPOSITE: Final = {"likes": "dislikes", "dislikes": "likes"}
_WORD: Final = re.compile(r"[^\W_]+")
_COLUMNS: Final = "id, subject, attribute, value, valid_from, valid_to, recorded_at, superseded_by"


@dataclass(frozen=True, slots=True)
class NewFact:
    """See ``Fact``. ``lines`` together say it."""

    subject: str
    attribute: str
    value: str
    valid_from: datetime
    lines: tuple[int, ...]


def make(connection: sqlite3.Connection) -> None:
    """Make the tables, if they are not there."""
    for statement in _MAKE:
        connection.execute(statement)


def record(connection: sqlite3.Connection, found: Iterable[NewFact], now: datetime, position: int) -> int:
    """Keep what was found in the lines up to ``position``; how many facts are new.

    What rests on a line that has gone meanwhile is passed over.
    """
    known = [fact for fact in found if fact.lines and all(_is_there(connection, line) for line in fact.lines)]
    new = sum(_record(connection, fact, _stamp(now)) for fact in known)
    connection.execute(schema.SET_STATE, (POSITION, position))
    return new


def position(connection: sqlite3.Connection) -> int:
    """Up to which line facts have been looked for."""
    row = connection.execute(schema.GET_STATE, (POSITION,)).fetchone()
    return int(row[0]) if row else 0


def facts(connection: sqlite3.Connection, at: datetime | None = None) -> list[Fact]:
    """What is true, or was true at a moment, the newest last."""
    where, values = "valid_to IS NULL", ()
    if at is not None:
        where, values = "valid_from <= ?1 AND (valid_to IS NULL OR valid_to > ?1)", (_stamp(at),)  # type: ignore[assignment]
    return _read(connection, f"WHERE {where} ORDER BY valid_from, id", values)


def every(connection: sqlite3.Connection) -> list[Fact]:
    """All facts with what they were before, the newest last."""
    return _read(connection, "ORDER BY valid_from, id", ())


def forget(connection: sqlite3.Connection, lines: Sequence[int]) -> None:
    """These lines are deleted: what rests on them goes, and what it had closed is open again."""
    for line in lines:
        connection.execute(
            "DELETE FROM neko_fact_sources WHERE (fact, statement) IN "
            "(SELECT fact, statement FROM neko_fact_sources WHERE line = ?)",
            (line,),
        )
    gone = connection.execute(
        "SELECT id, valid_to, superseded_by FROM neko_facts WHERE id NOT IN (SELECT fact FROM neko_fact_sources)"
    ).fetchall()
    for fact, valid_to, successor in gone:
        connection.execute(
            "UPDATE neko_facts SET valid_to = ?, superseded_by = ? WHERE superseded_by = ?", (valid_to, successor, fact)
        )
        connection.execute("DELETE FROM neko_facts WHERE id = ?", (fact,))


def _record(connection: sqlite3.Connection, fact: NewFact, now: str) -> bool:
    """True when it is new."""
    rivals = _open(connection, fact.subject, fact.attribute)
    same = next((row for row, value, _ in rivals if bare(value) == bare(fact.value)), None)
    row = same if same is not None else _insert(connection, fact, now)
    statement = min(fact.lines)
    connection.executemany(
        "INSERT OR IGNORE INTO neko_fact_sources VALUES (?, ?, ?)", [(row, statement, line) for line in fact.lines]
    )
    if same is not None:
        return False
    if fact.attribute not in _ONE_AT_A_TIME:
        other = _open(connection, fact.subject, _OPPOSITE.get(fact.attribute, ""))
        rivals = [rival for rival in other if bare(rival[1]) == bare(fact.value)]
    began = _stamp(fact.valid_from)
    for rival, _, since in rivals:
        closed, by, end = (rival, row, began) if since <= began else (row, rival, since)
        connection.execute("UPDATE neko_facts SET valid_to = ?, superseded_by = ? WHERE id = ?", (end, by, closed))
    return True


def _insert(connection: sqlite3.Connection, fact: NewFact, now: str) -> int:
    values = (fact.subject, fact.attribute, fact.value, _stamp(fact.valid_from), now)
    row = connection.execute(
        "INSERT INTO neko_facts (subject, attribute, value, valid_from, recorded_at) VALUES (?, ?, ?, ?, ?)", values
    ).lastrowid
    return int(row or 0)


def _open(connection: sqlite3.Connection, subject: str, attribute: str) -> list[Any]:
    return connection.execute(
        "SELECT id, value, valid_from FROM neko_facts WHERE subject = ? AND attribute = ? AND valid_to IS NULL",
        (subject, attribute),
    ).fetchall()


def _read(connection: sqlite3.Connection, condition: str, values: Sequence[Any]) -> list[Fact]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM neko_facts {condition}", values).fetchall()
    sources: dict[int, list[int]] = {}
    for fact, line in connection.execute("SELECT DISTINCT fact, line FROM neko_fact_sources ORDER BY line"):
        sources.setdefault(fact, []).append(line)
    return [
        Fact(
            id=row[0],
            subject=row[1],
            attribute=row[2],
            value=row[3],
            valid_from=_moment(row[4]),
            valid_to=_moment(row[5]) if row[5] else None,
            recorded_at=_moment(row[6]),
            superseded_by=row[7],
            sources=tuple(sources.get(row[0], ())),
        )
        for row in rows
    ]


def _is_there(connection: sqlite3.Connection, line: int) -> bool:
    return connection.execute(f"SELECT 1 FROM {schema.ORIGINAL} WHERE id = ?", (line,)).fetchone() is not None


def _stamp(at: datetime) -> str:
    """In UTC, to the second, so that stamps sort as their moments do."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _moment(stamp: str) -> datetime:
    return local_naive(datetime.fromisoformat(stamp))


def bare(value: str) -> str:
    """Without case and signs, for telling whether two values are the same."""
    return " ".join(_WORD.findall(value.casefold()))
