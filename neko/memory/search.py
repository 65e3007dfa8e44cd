"""Recalling lines of the log that bear on a question.

The index gives the lines that hold its rarest terms; a few hundred of them are read together with their neighbours
and ranked (``ranking.py``). How many rows are read does not depend on how long the log is. Every call blocks and
raises ``sqlite3.Error``.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from neko.memory import schema
from neko.memory.line_codec import Names, logged_lines
from neko.memory.ranking import Candidate, Question, Ranked, rank
from neko.memory.words import plain, weighted_terms
from neko.types.memory import Evidence

if TYPE_CHECKING:
    pass

_MOST_TERMS: Final = 32
_READ: Final = 4_000
"""Characters of a question that are looked at: its beginning."""
_POSTINGS: Final = 3_000
"""Lines that are looked up for one term, the newest; a term of more lines tells little."""
_PAIRED: Final = 4
"""Terms of more lines than that which are also looked up in pairs."""
_CANDIDATES: Final = 300
_AROUND: Final = 3
"""Neighbours on either side that are read with a candidate."""


class Nearness(Protocol):
    """How near in meaning lines are to one question, by their vectors; made for it before the search begins.

    Both are called on the thread of the connection, with the connection that the search runs on, and may only read.
    Cosines are those of vectors from which the log's mean vector is subtracted.
    """

    def nearest(self, connection: sqlite3.Connection, count: int, end: int) -> Sequence[int]:
        """The ids below ``end`` of at most ``count`` lines that are nearest; they become candidates."""
        ...

    def cosines(self, connection: sqlite3.Connection, ids: Sequence[int]) -> Mapping[int, float]:
        """The cosine of each of these lines that has a vector: candidates and their neighbours, about 2,000."""
        ...


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. ``context``: the last few things said before it, oldest first. ``now``: local naive time.
    ``end``: only lines with smaller ids are recalled."""

    text: str
    limit: int
    end: int
    now: datetime
    context: Sequence[str] = ()
    nearness: Nearness | None = None


def search(connection: sqlite3.Connection, names: Names, query: Query) -> list[Evidence]:
    """The best lines, best first; empty when none bears on the question."""
    weights = _wanted(query)
    if not weights and query.nearness is None:
        return []
    found, rarity = _look_up(connection, list(weights), query.end)
    ids = _best(found, {term: weights[term] * rarity[term] for term in weights})
    near = query.nearness.nearest(connection, _CANDIDATES // 2, query.end) if query.nearness else ()
    lines = _read(connection, sorted({*ids, *near}), query.end)
    question = _question(query, {term: weights[term] * rarity[term] for term in weights}, lines, names)
    cosines = query.nearness.cosines(connection, [line.id for line in lines]) if query.nearness else None
    return _evidence(connection, names, _distinct(rank(question, lines, cosines))[: query.limit])


def _wanted(query: Query) -> dict[str, float]:
    weights = weighted_terms(query.text[:_READ])
    return dict(sorted(weights.items(), key=lambda one: -one[1])[:_MOST_TERMS])


_FIND: Final = "SELECT rowid FROM neko_index WHERE neko_index MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?"
_COLUMNS: Final = "id, at, by_user, chat, speaker, text, terms"


def _look_up(
    connection: sqlite3.Connection, terms: Sequence[str], end: int
) -> tuple[dict[str, list[int]], dict[str, float]]:
    """The newest lines of each term, and how much the term tells by its rarity."""
    first, last = connection.execute(
        "SELECT (SELECT min(id) FROM neko_words), (SELECT max(id) FROM neko_words WHERE id < ?)", (end,)
    ).fetchone()
    total = last - first + 1 if last is not None else 1
    found, rarity, common = {}, {}, []
    for term in terms:
        ids = _ids(connection, f'"{term}"', end, _POSTINGS)
        found[term] = ids
        count = float(len(ids))
        if len(ids) == _POSTINGS:  # as dense among the older lines
            count *= total / (last - ids[-1] + 1)
            common.append((count, term))
        rarity[term] = math.log(1 + (total - count + 0.5) / (count + 0.5))
    rarest = [term for _, term in sorted(common)[:_PAIRED]]
    for number, one in enumerate(rarest):
        for two in rarest[number + 1 :]:
            both = _ids(connection, f'"{one}" AND "{two}"', end, _CANDIDATES)
            found[one] += both
            found[two] += both
    return found, rarity


def _ids(connection: sqlite3.Connection, match: str, end: int, limit: int) -> list[int]:
    return [row[0] for row in connection.execute(_FIND, (match, end, limit))]


def _best(found: Mapping[str, Sequence[int]], weights: Mapping[str, float]) -> list[int]:
    """The candidates: lines that hold the most by weight, half of what their neighbours hold included."""
    import numpy as np

    ids = [np.unique(np.array(found[term], dtype=np.int64)) for term in found]
    if not ids or not any(map(len, ids)):
        return []
    own = np.concatenate(ids)
    gain = np.concatenate([np.full(len(one), weights[term]) for one, term in zip(ids, found, strict=True)])
    lines, places = np.unique(own, return_inverse=True)
    score = np.bincount(places, gain)
    around = score.copy()
    around[1:] += 0.5 * score[:-1] * (lines[1:] - lines[:-1] == 1)
    around[:-1] += 0.5 * score[1:] * (lines[1:] - lines[:-1] == 1)
    order = np.lexsort((-lines, -around))[:_CANDIDATES]
    return [int(line) for line in lines[order]]


def _read(connection: sqlite3.Connection, ids: Sequence[int], end: int) -> list[Candidate]:
    """These lines and those around them, in the order of their ids."""
    wanted = sorted({line for one in ids for line in range(one - _AROUND, one + _AROUND + 1) if line < end})
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM neko_words WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(wanted),),
    )
    return [
        Candidate(line, at, bool(by_user), chat, speaker, text, terms.split())
        for line, at, by_user, chat, speaker, text, terms in rows
    ]


_I: Final = re.compile(r"\b(?:i|my|me|mine|myself)\b|我|私|僕|俺|わたし|ぼく|내|나[는를의도]|제|저[는를의도]")
_YOU: Final = re.compile(r"\b(?:you|your|yours|yourself)\b|你|您|あなた|君|きみ|너|네|당신")


def _question(query: Query, weights: Mapping[str, float], lines: Sequence[Candidate], names: Names) -> Question:
    text = plain(query.text[:_READ])
    speakers = frozenset(name for name in {line.speaker for line in lines} if name and name in text)
    mine, yours = bool(_I.search(text)), bool(_YOU.search(text))
    by_user = None if mine == yours else mine
    return Question(weights, by_user, speakers)


def _distinct(ranking: Sequence[Ranked]) -> list[Ranked]:
    """The relevant ones, each wording once."""
    wordings: set[str] = set()
    results: list[Ranked] = []
    for one in ranking:
        wording = " ".join(one.candidate.text.split())
        if wording in wordings or not one.bears(ranking[0].score):
            continue
        wordings.add(wording)
        results.append(one)
    return results


def _evidence(connection: sqlite3.Connection, names: Names, best: Sequence[Ranked]) -> list[Evidence]:
    """The lines as they were said."""
    ids = [one.candidate.id for one in best]
    rows = connection.execute(
        f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(ids),),
    ).fetchall()
    lines = {logged.line.id: logged.line for logged in logged_lines(rows, names)}
    return [
        Evidence(line.text, line.role, line.speaker, line.at, "line", (line.id,), _reason(one), one.score)
        for one in best
        if (line := lines.get(one.candidate.id))
    ]


def _reason(one: Ranked) -> str:
    held = ", ".join(one.terms)
    return f"answers a question about {held}" if one.answers else f"mentions {held}"
