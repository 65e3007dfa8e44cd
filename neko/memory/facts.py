"""What is known of people, with the times at which it was true: tables in the log's own file.

Bi-temporal (Snodgrass): ``valid_from`` and ``valid_to`` say when it was so, ``recorded_at`` when it was learnt. A new
value of what has only one at a time (where somebody lives) closes the old one, which stays. A fact rests on
statements, each of which are the lines that it was taken from; with any of its lines a statement goes, and with
the last of its statements a fact. What is said to be so no longer is closed by that line (``superseded_by`` is less
than 0 then), or by what is so instead. Every call blocks and raises ``sqlite3.Error``.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from neko.memory import schema
from neko.memory.line_codec import local_naive
from neko.types.memory import Fact
from neko.well_formed import bare_words

_MAKE: Final = (
    "CREATE TABLE IF NOT EXISTS neko_facts (id INTEGER PRIMARY KEY, subject TEXT NOT NULL, attribute TEXT NOT NULL, "
    "value TEXT NOT NULL, valid_from TEXT NOT NULL, valid_to TEXT, recorded_at TEXT NOT NULL, superseded_by INTEGER)",
    "CREATE INDEX IF NOT EXISTS neko_facts_of ON neko_facts (subject, attribute)",
    "CREATE TABLE IF NOT EXISTS neko_fact_sources (fact INTEGER NOT NULL, statement INTEGER NOT NULL, "
    "line INTEGER NOT NULL, PRIMARY KEY (fact, statement, line)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS neko_fact_sources_of ON neko_fact_sources (line)",
)
_MAKE_PINS: Final = (
    "ALTER TABLE neko_facts RENAME TO neko_facts_before",
    "CREATE TABLE neko_facts (id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, attribute TEXT NOT NULL, "
    "value TEXT NOT NULL, valid_from TEXT NOT NULL, valid_to TEXT, recorded_at TEXT NOT NULL, superseded_by INTEGER, "
    "pinned INTEGER NOT NULL DEFAULT 0)",
    "INSERT INTO neko_facts (id, subject, attribute, value, valid_from, valid_to, recorded_at, superseded_by) "
    "SELECT id, subject, attribute, value, valid_from, valid_to, recorded_at, superseded_by FROM neko_facts_before",
    "DROP TABLE neko_facts_before",
    "CREATE INDEX neko_facts_of ON neko_facts (subject, attribute)",
)
COLUMNS: Final = "id, subject, attribute, value, valid_from, valid_to, recorded_at, superseded_by, pinned"
SOURCE_COLUMNS: Final = "fact, statement, line"
HAND: Final = 0
"""In place of a line: the user has written it themselves."""
POSITION: Final = "facts"
"""The name of the state that says up to which line facts have been looked for."""

_CLOSED: Final = (
    "SELECT id, value, valid_from FROM neko_facts WHERE subject = ? AND attribute = ? AND valid_to >= ? ORDER BY id"
)
_VERB: Final = re.compile(r"^(?:喝|吃|看|玩|听|聽)(?=.)")
_FAVOURITE: Final = re.compile(
    r"(fav\w+ .+?) (?:is|are) |(?:现在|現在)?(最.+?)是|((?:一番|いちばん)?(?:大好き|好き)な.+?)は|"
    r"((?:제일 |가장 )?좋아하는 .+?)[은는] "
)
ONE_AT_A_TIME: Final = frozenset(("name", "home", "job", "birthday", "age"))
"""Attributes that have one value."""
_OPPOSITE: Final = {"likes": "dislikes", "dislikes": "likes"}


@dataclass(frozen=True, slots=True)
class NewFact:
    """See ``Fact``. ``lines`` together say it; ``HAND`` is one of them. One that ``has_ended`` was so until
    ``valid_from``."""

    subject: str
    attribute: str
    value: str
    valid_from: datetime
    lines: tuple[int, ...]
    has_ended: bool = False


@dataclass(frozen=True, slots=True)
class Earlier:
    """Facts as they stood before a change, their rows and the rows of their sources; ``made`` are the ids of those
    that it made."""

    rows: Sequence[tuple[Any, ...]] = ()
    sources: Sequence[tuple[int, int, int]] = ()
    made: tuple[int, ...] = ()


def make(connection: sqlite3.Connection) -> None:
    """Make the tables, if they are not there."""
    for statement in _MAKE:
        connection.execute(statement)


def make_pins(connection: sqlite3.Connection) -> None:
    """Make the tables anew with pins, and so that no id is given twice."""
    for statement in _MAKE_PINS:
        connection.execute(statement)


def record(connection: sqlite3.Connection, found: Iterable[NewFact], now: datetime, position: int | None = None) -> int:
    """Keep what was found in the lines up to ``position``, if that is where it was looked for; how many are new.

    What rests on a line that has gone meanwhile is passed over.
    """
    known = [fact for fact in found if fact.lines and all(_is_there(connection, line) for line in fact.lines)]
    new, instead = 0, dict[tuple[str, str, int], int]()
    for fact in sorted(known, key=lambda one: (min(one.lines), one.has_ended)):
        place = (fact.subject, fact.attribute, min(fact.lines))
        if fact.has_ended:
            new += _end(connection, fact, now, instead.get(place))
        else:
            instead[place], is_new = keep(connection, fact, now)
            new += is_new
    if position is not None:
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
        where, values = "valid_from <= ?1 AND (valid_to IS NULL OR valid_to > ?1)", (stamp(at),)  # type: ignore[assignment]
    return _read(connection, f"WHERE {where} ORDER BY valid_from, id", values)


def every(connection: sqlite3.Connection) -> list[Fact]:
    """All facts with what they were before, the newest last."""
    return _read(connection, "ORDER BY valid_from, id", ())


def outdated(connection: sqlite3.Connection, attributes: Iterable[str]) -> set[int]:
    """The lines on which nothing of these attributes rests but what is so no longer."""
    rows = connection.execute(
        "SELECT line FROM neko_fact_sources JOIN neko_facts ON id = fact "
        "WHERE attribute IN (SELECT value FROM json_each(?)) GROUP BY line HAVING count(valid_to) = count(*)",
        (json.dumps(sorted(attributes)),),
    )
    return {row[0] for row in rows}


def forget(connection: sqlite3.Connection, lines: Sequence[int]) -> Earlier:
    """These lines are deleted: what rests on them goes, and what it had closed is open again."""
    resting: set[int] = set()
    for line in lines:
        found = connection.execute("SELECT fact FROM neko_fact_sources WHERE line = ?", (line,))
        resting.update(row[0] for row in found)
    before = earlier(connection, resting)
    for line in lines:
        connection.execute(
            "UPDATE neko_facts SET valid_to = NULL, superseded_by = NULL WHERE superseded_by = ?", (-line,)
        )
        connection.execute(
            "DELETE FROM neko_fact_sources WHERE (fact, statement) IN "
            "(SELECT fact, statement FROM neko_fact_sources WHERE line = ?)",
            (line,),
        )
    remove(connection, [fact for fact in resting if not _sources(connection, fact)])
    return before


def remove(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Delete facts; what they had closed is open again, or closed by what closed them."""
    for fact in ids:
        connection.execute(
            "UPDATE neko_facts SET (valid_to, superseded_by) = "
            "(SELECT valid_to, superseded_by FROM neko_facts WHERE id = ?1) WHERE superseded_by = ?1",
            (fact,),
        )
        connection.execute("DELETE FROM neko_fact_sources WHERE fact = ?", (fact,))
        connection.execute("DELETE FROM neko_facts WHERE id = ?", (fact,))


def earlier(connection: sqlite3.Connection, ids: Iterable[int]) -> Earlier:
    """These facts, and those that they closed, as they stand."""
    rows: dict[int, tuple[Any, ...]] = {}
    for fact in ids:
        found = connection.execute(f"SELECT {COLUMNS} FROM neko_facts WHERE id = ?1 OR superseded_by = ?1", (fact,))
        rows.update((row[0], row) for row in found)
    return Earlier(list(rows.values()), [source for fact in rows for source in _sources(connection, fact)])


def put_back(connection: sqlite3.Connection, before: Earlier) -> int:
    """Have facts stand as before a change; how many. One that rested on lines that have gone meanwhile stays away."""
    remove(connection, before.made)
    of: dict[int, list[tuple[int, int, int]]] = {}
    for source in before.sources:
        of.setdefault(source[0], []).append(source)
    count = 0
    for row in before.rows:
        incomplete = {statement for _, statement, line in of.get(row[0], ()) if not _is_there(connection, line)}
        sources = [source for source in of.get(row[0], ()) if source[1] not in incomplete]
        if incomplete and not sources:
            remove(connection, [row[0]])
            continue
        for table, column in (("neko_fact_sources", "fact"), ("neko_facts", "id")):
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", row[:1])
        insert(connection, row, sources)
        count += 1
    return count


def insert(connection: sqlite3.Connection, row: Sequence[Any], sources: Iterable[Sequence[int]]) -> None:
    """Put a row of ``COLUMNS`` with its sources in."""
    connection.execute(f"INSERT INTO neko_facts ({COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)
    connection.executemany(f"INSERT INTO neko_fact_sources ({SOURCE_COLUMNS}) VALUES (?, ?, ?)", sources)


def is_known(connection: sqlite3.Connection, row: Sequence[Any]) -> bool:
    """Whether the fact of a row of ``COLUMNS`` is there, or what is so now of what has one at a time."""
    fact, subject, attribute, _, _, ended, *_ = row
    if connection.execute("SELECT 1 FROM neko_facts WHERE id = ?", (fact,)).fetchone():
        return True
    return ended is None and attribute in ONE_AT_A_TIME and bool(of_attribute(connection, subject, attribute))


def add_source(connection: sqlite3.Connection, source: Sequence[Any]) -> None:
    """Put a row of ``SOURCE_COLUMNS`` in, if its fact and its line are there."""
    fact, statement, line = source
    there = connection.execute("SELECT 1 FROM neko_facts WHERE id = ?", (fact,)).fetchone()
    if there and isinstance(statement, int) and isinstance(line, int) and _is_there(connection, line):
        connection.execute("INSERT OR IGNORE INTO neko_fact_sources VALUES (?, ?, ?)", (fact, statement, line))


def is_sound(row: Sequence[Any]) -> bool:
    """Can this row of ``COLUMNS``, out of a damaged file, be read as a fact?"""
    *_, began, ended, recorded, _, pinned = row
    try:
        for stamped in (began, recorded, *([ended] if ended is not None else [])):
            datetime.fromisoformat(stamped)
    except (TypeError, ValueError):
        return False
    return all(isinstance(text, str) for text in row[1:4]) and isinstance(pinned, int | None)


def keep(connection: sqlite3.Connection, fact: NewFact, now: datetime) -> tuple[int, bool]:
    """Keep one fact: its id, and whether it is new. A new value of what has only one at a time closes the open one."""
    rivals, began = of_attribute(connection, fact.subject, fact.attribute), stamp(fact.valid_from)
    same = next((row for row, value, *_ in rivals if bare_words(value) == bare_words(fact.value)), None)
    same = _ended_later(connection, fact, began) if same is None else same
    row = same if same is not None else _insert(connection, fact, stamp(now))
    statement = min(fact.lines)
    connection.executemany(
        "INSERT OR IGNORE INTO neko_fact_sources VALUES (?, ?, ?)", [(row, statement, line) for line in fact.lines]
    )
    if same is not None:
        return row, False
    if fact.attribute not in ONE_AT_A_TIME:
        other = of_attribute(connection, fact.subject, _OPPOSITE.get(fact.attribute, ""))
        of_same = [rival for rival in rivals if (topic := _topic(fact.value)) and _topic(rival[1]) == topic]
        rivals = of_same + [rival for rival in other if _is_about(rival[1], fact.value)]
    for rival, _, since, pinned in rivals:
        closed, by, end = (rival, row, began) if since <= began else (row, rival, since)
        if closed == row or not pinned:
            connection.execute("UPDATE neko_facts SET valid_to = ?, superseded_by = ? WHERE id = ?", (end, by, closed))
    return row, True


def _end(connection: sqlite3.Connection, fact: NewFact, now: datetime, instead: int | None) -> int:
    """Close what has ended, by what was said to be so ``instead``, else by the line that says so; 1 when that is new.

    A fact that was not known has been so until then, nobody knows since when.
    """
    end, statement = stamp(fact.valid_from), min(fact.lines)
    by = instead or -statement
    known = of_attribute(connection, fact.subject, fact.attribute)
    ended = [row for row, value, since, pinned in known if since <= end and not pinned and _is_about(value, fact.value)]
    is_new = bool(ended)
    if not ended:
        rows = connection.execute(_CLOSED, (fact.subject, fact.attribute, end)).fetchall()
        ended = [row for row, value, _ in rows if _is_about(value, fact.value)]
    if not ended:
        is_new, ended = True, [_insert(connection, fact, stamp(now))]
    for row in ended:
        if is_new:
            connection.execute("UPDATE neko_facts SET valid_to = ?, superseded_by = ? WHERE id = ?", (end, by, row))
        sources = [(row, statement, line) for line in fact.lines]
        connection.executemany("INSERT OR IGNORE INTO neko_fact_sources VALUES (?, ?, ?)", sources)
    return int(is_new)


def _ended_later(connection: sqlite3.Connection, fact: NewFact, began: str) -> int | None:
    """The same fact if it is known already that it ended after this; it has been so since then."""
    rows = connection.execute(_CLOSED, (fact.subject, fact.attribute, began)).fetchall()
    for row, value, since in rows:
        if _is_about(fact.value, value):
            connection.execute("UPDATE neko_facts SET valid_from = ? WHERE id = ?", (min(began, since), row))
            return int(row)
    return None


def _is_about(value: str, less: str) -> bool:
    """Whether ``less`` is the same, or the same with less of a description: coffee, strong coffee."""
    bare, lesser = (_VERB.sub("", bare_words(one)) for one in (value, less))
    return bare == lesser or bare.endswith(f" {lesser}")


def _topic(value: str) -> str:
    """Of which there is one only, "favourite colour" in "favourite colour is blue"; else ""."""
    match = _FAVOURITE.match(value.lower())
    return next(filter(None, match.groups()), "") if match else ""


def _insert(connection: sqlite3.Connection, fact: NewFact, now: str) -> int:
    values = (fact.subject, fact.attribute, fact.value, stamp(fact.valid_from), now)
    row = connection.execute(
        "INSERT INTO neko_facts (subject, attribute, value, valid_from, recorded_at) VALUES (?, ?, ?, ?, ?)", values
    ).lastrowid
    return int(row or 0)


def rivals(connection: sqlite3.Connection, subject: str, attribute: str) -> list[int]:
    """The ids of what a new fact of this kind may say again, or close."""
    kinds = {attribute, _OPPOSITE.get(attribute, attribute)}
    return [row[0] for kind in kinds for row in of_attribute(connection, subject, kind)]


def fold(connection: sqlite3.Connection, fact: int, into: int) -> None:
    """Have the fact ``into`` stand for ``fact``, which goes: it rests on the lines of both, since the earlier time, and
    is true, and pinned, when either is."""
    connection.execute(
        "UPDATE neko_facts SET valid_from = min(valid_from, other.since), pinned = max(pinned, other.held), "
        "valid_to = CASE WHEN valid_to IS NULL OR other.until IS NULL THEN NULL ELSE max(valid_to, other.until) END, "
        "superseded_by = CASE WHEN valid_to IS NULL OR other.until IS NULL THEN NULL ELSE superseded_by END "
        "FROM (SELECT valid_from AS since, valid_to AS until, pinned AS held FROM neko_facts WHERE id = ?1) AS other "
        "WHERE id = ?2",
        (fact, into),
    )
    connection.execute(
        "INSERT OR IGNORE INTO neko_fact_sources SELECT ?2, statement, line FROM neko_fact_sources WHERE fact = ?1",
        (fact, into),
    )
    connection.execute("UPDATE neko_facts SET superseded_by = ?2 WHERE superseded_by = ?1 AND id <> ?2", (fact, into))
    remove(connection, [fact])


def one(connection: sqlite3.Connection, fact: int) -> Fact | None:
    """The fact with this id."""
    found = _read(connection, "WHERE id = ?", (fact,))
    return found[0] if found else None


def of_attribute(connection: sqlite3.Connection, subject: str, attribute: str) -> list[Any]:
    """What is true of somebody: ids, values, since when, and whether it is pinned."""
    return connection.execute(
        "SELECT id, value, valid_from, pinned FROM neko_facts WHERE subject = ? AND attribute = ? AND valid_to IS NULL",
        (subject, attribute),
    ).fetchall()


def _sources(connection: sqlite3.Connection, fact: int) -> list[tuple[int, int, int]]:
    return connection.execute(f"SELECT {SOURCE_COLUMNS} FROM neko_fact_sources WHERE fact = ?", (fact,)).fetchall()


def _read(connection: sqlite3.Connection, condition: str, values: Sequence[Any]) -> list[Fact]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM neko_facts {condition}", values).fetchall()
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
            superseded_by=row[7] if row[7] and row[7] > 0 else None,
            sources=tuple(line for line in sources.get(row[0], ()) if line != HAND),
            by_hand=HAND in sources.get(row[0], ()),
            pinned=bool(row[8]),
        )
        for row in rows
    ]


def _is_there(connection: sqlite3.Connection, line: int) -> bool:
    found = connection.execute(f"SELECT 1 FROM {schema.ORIGINAL} WHERE id = ?", (line,)).fetchone()
    return line == HAND or found is not None


def stamp(at: datetime) -> str:
    """In UTC, to the second, so that stamps sort as their moments do."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _moment(stamp: str) -> datetime:
    return local_naive(datetime.fromisoformat(stamp))
