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
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Final, Protocol

from neko.memory import asked, facts, schema, time_expressions
from neko.memory.line_codec import Names, logged_lines
from neko.memory.ranking import Candidate, Question, Ranked, rank
from neko.memory.time_expressions import Span, Times
from neko.memory.words import alone, is_seam, plain, terms, weighted_terms, written
from neko.types.memory import Because, Evidence, Reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Cosines = NDArray[np.float32]

_MOST_TERMS: Final = 24
_FEW: Final = 4
"""A question of no more terms leans on what was said before it."""
_CONTEXT: Final = 2
_OF_CONTEXT: Final = 0.4
_FLOOR: Final = 1.0
"""What a term tells that stands in a third of the lines: when no line holds as much, the question is about nothing
that was said."""
_WORD: Final = re.compile(r"\W*(?:[a-z0-9'-]+|[^\W_]{1,6})\W*")
_MANY: Final = 100
"""Of fewer lines nothing can be said about how rare a term is."""
_OF_SPEAKER: Final = 0.4
"""What the name of a speaker counts of its rarity: it is asked for what that speaker said."""
_OF_DAYS: Final = 150
_TALK_S: Final = 4 * 3600
"""What lies further apart is another talk."""
_OF_NEIGHBOUR: Final = 0.3
_READ: Final = 4_000
"""Characters of a question that are looked at: its beginning."""
_SHOWN: Final = 20_000
"""Characters of a line that are looked through for the words by which it was found."""
_POSTINGS: Final = 2_000
"""Lines that are looked up for one term, the newest; a term of more lines tells little."""
_ALL_POSTINGS: Final = 8_000
"""Lines that are looked up for all terms; of what is left, a sample."""
_SAMPLE: Final = 500
_WEAK: Final = 0.5
_FEW_TERMS: Final = 12
"""Of more terms, those that tell less than this are looked up in such a sample anyway, and in no pairs: signs alone and
seams, of which a question in Chinese has a dozen and which many lines hold."""
_OF_PAIR: Final = 200
_PAIRED: Final = 4
"""Terms of more lines than that which are also looked up in pairs."""
_COVERED: Final = 0.15
"""How much of the question the best line is to hold, that any is fit to be told unasked."""
_LIKE: Final = 0.3
"""How near in meaning, the mean subtracted, the best line is to be for that alone: what asks for nothing that was said
has a quarter with some line, and seldom three tenths."""
_AS_NEAR: Final = 0.9
"""How near a line is to be for that alone, of how near the nearest is. What was said of it is among the nearest tenth
nine times in ten; a turn that asks for nothing is about as near to all."""
_NEAR_ITSELF: Final = 0.7
"""How near a line is to be to be told as near in meaning, of how near the nearest is: in a short log small talk has
half of that."""
_MUCH: Final = 0.5
"""How much of the question the best line is to hold, that others are told for their nearness to it."""
_OF_KIND: Final = 2.0
"""How much more of the best line's score a line fits by that tells such a thing as is asked for."""
_AROUND: Final = 4.0
"""How much more of the best line's score a line fits by, where what was said about the same time is asked for."""
_HALF: Final = 0.5
"""Where lines tell such a thing: what share of the question others are to hold, and what they fit of it."""
_CANDIDATES: Final = 150
_BESIDE_MEANING: Final = 200
_NEAREST: Final = 100
"""Lines that are candidates for their words, alone and beside those that are for their meaning, and the latter."""
_BEST: Final = 60
_FAR: Final = 3
_NEAR: Final = 1
"""Neighbours on either side that are read with the best candidates, and with the others."""


class Nearness(Protocol):
    """How near in meaning lines are to one question, by their vectors; made for it before the search begins.

    Both are called on the thread of the connection, with the connection that the search runs on, and may only read.
    Cosines are those of vectors from which the log's mean vector is subtracted.
    """

    def nearest(self, connection: sqlite3.Connection, count: int, end: int) -> Sequence[int]:
        """The ids below ``end`` of at most ``count`` lines that are nearest; they become candidates. None where none is
        near: then the question is about nothing that was said, but for what its words find."""
        ...

    def cosines(self, connection: sqlite3.Connection, ids: Sequence[int]) -> Mapping[int, float]:
        """The cosine of each of these lines that has a vector: candidates and their neighbours, about 2,000."""
        ...

    def likenesses(self, connection: sqlite3.Connection, ids: Sequence[int]) -> Mapping[int, tuple[Cosines, int]]:
        """Of each of these lines, a few hundred, whose tokens have vectors: for each token of the question the cosine
        of the line's token that is most like it, and how many tokens the line has."""
        ...


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. ``context``: the last few things said before it, oldest first. ``now``: local naive time.
    ``end``: only lines with smaller ids are recalled; ``within``: only those that were said in this time, local naive,
    the end excluded. ``is_search``: words that most lines hold are looked for as well."""

    text: str
    limit: int
    end: int
    now: datetime
    context: Sequence[str] = ()
    nearness: Nearness | None = None
    within: tuple[datetime, datetime] | None = None
    is_search: bool = False


def search(connection: sqlite3.Connection, names: Names, query: Query) -> list[Evidence]:
    """The best lines, best first; empty when none bears on the question."""
    text = plain(query.text[:_READ])
    if not query.is_search and not query.within and asked.asks_nothing(text):
        return []
    times = time_expressions.read(text, query.now.date())
    if not times.spans and asked.is_of_last_talk(text):
        times = Times(_last_talk(connection, query), "")
    rest = times.rest if query.is_search else asked.without_idle(times.rest)
    if rest != times.rest and not times.spans and not weighted_terms(rest):
        return []
    weights = _wanted(query, text, rest)
    kind = asked.kind_of(text)
    if query.within and not weights:
        times = replace(times, spans=(query.within,))
    if not weights and not times.spans and query.nearness is None:
        return []
    own = weights.keys()
    if kind:
        weights = asked.with_words_of(kind, text, weights)
    found, rarity, total = _look_up(connection, weights, query.end)
    weights = {term: weights[term] * rarity[term] for term in weights}
    ranges = _ranges(connection, times.spans, query.end)
    nearness = query.nearness
    nearest = nearness.nearest(connection, _NEAREST, query.end) if nearness else ()
    nearness = nearness if nearest else None
    ids = [*nearest, *_of_days(ranges), *_best(found, weights, ranges, _BESIDE_MEANING if nearness else _CANDIDATES)]
    lines = _read(connection, ids, max(_BEST, len(nearest)), query.end)
    attributes = asked.attributes_of(text) if asked.is_of_now(text) else frozenset()
    question = _question(text, times, kind, attributes, weights, lines)
    if attributes:
        question = replace(question, outdated=frozenset(facts.outdated(connection, attributes)))
    if total >= _MANY and not query.is_search:
        question = replace(question, floor=_FLOOR)
    cosines = nearness.cosines(connection, [line.id for line in lines]) if nearness else None
    ranking = rank(question, lines, cosines, partial(nearness.likenesses, connection) if nearness else None)
    near = _near(cosines or {})
    fitting = _said_within(ranking, query.within)
    if query.is_search and asked.is_words(text):
        fitting = (one for one in fitting if _stands_alone(one, question.spans, near))
    best = _distinct(fitting, query.limit)
    weights = {term: question.weights[term] for term in own}
    coverage = _coverage(best, weights, cosines or {})
    named = {term: weights[term] for term in asked.named(kind, text, own)}
    of_score = _AROUND if asked.is_of_around(text) else 1.0
    seams = sum(weight for term, weight in named.items() if not len(found[term]) and is_seam(term))
    lone = frozenset(alone(text).intersection(named)) if seams else frozenset()
    measured = partial(
        _fits_beside,
        weights=named,
        seams=seams,
        lone=lone,
        cosines=cosines or {},
        spans=question.spans,
        of_score=of_score,
    )
    fits = _fits(best, measured)
    return _evidence(connection, names, best, query.text[:_READ], question, near, coverage, fits)


def rehearse(connection: sqlite3.Connection, names: Names) -> None:
    """Search for what the newest line says. What a search reads and compiles at its first time, by the language of the
    question, takes as long as a turn gives it."""
    newest = int(connection.execute(schema.LAST_ID).fetchone()[0])
    for line in _read(connection, [newest], 1, newest + 1):
        if line.id == newest:
            search(connection, names, Query(line.text, 1, newest, datetime.now()))


def _wanted(query: Query, text: str, rest: str) -> dict[str, float]:
    """``rest``: of the text, without its times, as lines do not name the day on which they are said."""
    weights = weighted_terms(query.text[:_READ])
    if rest != text:
        named = set(terms(text)) - set(terms(rest))
        weights = {term: weight for term, weight in weights.items() if term not in named}
    little = asked.little_in(text)
    weights = {term: weight for term, weight in weights.items() if term not in little}
    if len(weights) <= _FEW:
        for said in query.context[-_CONTEXT:]:
            for term, weight in weighted_terms(said[-_READ:]).items():
                weights.setdefault(term, weight * _OF_CONTEXT)
    return dict(sorted(weights.items(), key=lambda one: -one[1])[:_MOST_TERMS])


_FIND: Final = (
    "SELECT group_concat(rowid) FROM "
    "(SELECT rowid FROM neko_index WHERE neko_index MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?)"
)
"""One value: a row for each of several thousand lines takes twice as long, most of it to make Python's objects."""
_FIND_OLD: Final = "SELECT rowid FROM neko_index WHERE neko_index MATCH ? ORDER BY rowid LIMIT 1 OFFSET ?"
_RANGE: Final = (
    f"SELECT (SELECT id FROM {schema.ORIGINAL} WHERE timestamp >= ?1 ORDER BY timestamp LIMIT 1), "
    f"(SELECT id FROM {schema.ORIGINAL} WHERE timestamp < ?2 ORDER BY timestamp DESC LIMIT 1)"
)
_COLUMNS: Final = "id, at, by_user, chat, speaker, text, CAST(terms AS BLOB)"


def _look_up(
    connection: sqlite3.Connection, weights: Mapping[str, float], end: int
) -> tuple[dict[str, Ids], dict[str, float], int]:
    """The newest lines of each term, how much the term tells by its rarity, and about how many lines there are."""
    first, last = connection.execute(
        "SELECT (SELECT min(id) FROM neko_words), (SELECT max(id) FROM neko_words WHERE id < ?)", (end,)
    ).fetchone()
    total = last - first + 1 if last is not None else 1
    found, rarity, common = {}, {}, []
    left = _ALL_POSTINGS
    for term, weight in weights.items():
        is_weak = weight < _WEAK and len(weights) > _FEW_TERMS
        most = _POSTINGS if left > 0 and not is_weak else _SAMPLE
        ids = _ids(connection, f'"{term}"', end, most)
        left -= len(ids)
        found[term] = ids
        count = float(len(ids))
        if len(ids) == most and is_weak:  # as dense as at the end
            count = min(total, total * most / (last - int(ids.min()) + 1))
        elif len(ids) == most:  # as dense in between as at both ends
            (old,) = connection.execute(_FIND_OLD, (f'"{term}"', _SAMPLE - 1)).fetchone()
            dense = most / (last - int(ids.min()) + 1) + _SAMPLE / (old - first + 1)
            count = min(total, total * dense / 2)
            common.append((count, term))
        rarity[term] = math.log(1 + (total - count + 0.5) / (count + 0.5))
    rarest = [term for _, term in sorted(common)[:_PAIRED]]
    both = {pair: _ids(connection, '"{}" AND "{}"'.format(*pair), end, _OF_PAIR) for pair in combinations(rarest, 2)}
    for term in rarest if both else ():
        found[term] = _each_once([found[term], *(ids for pair, ids in both.items() if term in pair)])
    return found, rarity, total


def _each_once(listed: Sequence[Ids]) -> Ids:
    """What ``np.unique`` gives of all lists; that hashes, and takes ten times as long for a few thousand."""
    import numpy as np

    ids = np.sort(np.concatenate(listed))
    each: Ids = ids[np.diff(ids, prepend=ids[:1] - 1) != 0]
    return each


def _ids(connection: sqlite3.Connection, match: str, end: int, limit: int) -> Ids:
    """The newest lines that match, in any order."""
    import numpy as np

    (listed,) = connection.execute(_FIND, (match, end, limit)).fetchone()
    return np.fromstring(listed or "", np.int64, sep=",")


def _ranges(connection: sqlite3.Connection, spans: Sequence[Span], end: int) -> list[tuple[int, int]]:
    """The first and the last id of the lines that were said within each span; ids grow with time."""
    ranges = []
    for first, last in spans:
        low, high = connection.execute(_RANGE, (str(first), str(last))).fetchone()
        if low is not None and high is not None and low <= min(high, end - 1):
            ranges.append((low, min(high, end - 1)))
    return ranges


def _last_talk(connection: sqlite3.Connection, query: Query) -> tuple[Span, ...]:
    """The day on which the talk before the one that is going on ended; none where there is no such."""
    later = _seconds_of(query.now)
    for (at,) in connection.execute(
        "SELECT at FROM neko_words WHERE id < ? ORDER BY id DESC LIMIT ?", (query.end, _POSTINGS)
    ):
        if later - at > _TALK_S:
            with suppress(OverflowError, ValueError, OSError):  # a time that this system does not know
                day = datetime.fromtimestamp(at).date()
                return ((day, day + timedelta(days=1)),)
            return ()
        later = at
    return ()


def _of_days(ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Lines of the days that are named, whatever their words: the last ones."""
    return [line for low, high in ranges for line in range(max(low, high - _OF_DAYS + 1), high + 1)]


def _best(
    found: Mapping[str, Ids], weights: Mapping[str, float], ranges: Sequence[tuple[int, int]], most: int
) -> list[int]:
    """The candidates: lines that hold the most by weight, a part of what their neighbours hold included."""
    import numpy as np

    ids = list(found.values())
    if not ids or not any(map(len, ids)):
        return []
    own = np.concatenate(ids)
    gain = np.concatenate([np.full(len(one), weights[term]) for one, term in zip(ids, found, strict=True)])
    lines, places = np.unique(own, return_inverse=True)
    score = np.bincount(places, gain)
    around = score.copy()
    around[1:] += _OF_NEIGHBOUR * score[:-1] * (lines[1:] - lines[:-1] == 1)
    around[:-1] += _OF_NEIGHBOUR * score[1:] * (lines[1:] - lines[:-1] == 1)
    for low, high in ranges:
        around[(lines >= low) & (lines <= high)] *= 2
    order = np.lexsort((-lines, -around))[:most]
    return [int(line) for line in lines[order]]


def _read(connection: sqlite3.Connection, ids: Sequence[int], best: int, end: int) -> list[Candidate]:
    """These lines and those around them, of the first, the ``best``, more, in the order of their ids."""
    around = {line for one in ids[:best] for line in range(one - _FAR, one + _FAR + 1)}
    around.update(line for one in ids[best:] for line in range(one - _NEAR, one + _NEAR + 1))
    wanted = sorted(line for line in around if line < end)
    statement = f"SELECT {_COLUMNS} FROM neko_words WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"

    def read() -> list[Candidate]:
        rows = connection.execute(statement, (json.dumps(wanted),))
        return list(
            map(partial(tuple.__new__, Candidate), rows)
        )  # as ``_make`` does, without a call of Python's a line

    decode = connection.text_factory
    connection.text_factory = str  # without a call of Python's for each text
    try:
        return read()
    except sqlite3.OperationalError as error:
        if hasattr(error, "sqlite_errorcode"):
            raise
    finally:
        connection.text_factory = decode
    return read()  # a text of a damaged file, as far as it can be read


def _question(
    text: str,
    times: Times,
    kind: asked.Kind | None,
    attributes: frozenset[str],
    weights: Mapping[str, float],
    lines: Sequence[Candidate],
) -> Question:
    names = {line.speaker for line in lines if line.speaker}
    speakers = frozenset(name for name in names if name in text)
    called = {term for name in names for term in terms(name)}
    weights = {term: weight * (_OF_SPEAKER if term in called else 1.0) for term, weight in weights.items()}
    spans = [(_seconds(first), _seconds(end)) for first, end in times.spans]
    told, recency = kind.told if kind else None, asked.recency_of(kind, attributes)
    is_word = bool(_WORD.fullmatch(text))
    return Question(weights, is_word, asked.is_by_user(text, kind), speakers, spans, told, recency)


def _seconds(day: date) -> int:
    """UTC of its local beginning; of a day that the clock of this system does not know, that of 1970."""
    return _seconds_of(datetime.combine(day, time()))


def _seconds_of(moment: datetime) -> int:
    try:
        return int(moment.timestamp())
    except (OverflowError, ValueError, OSError):
        return 0


def _said_within(ranking: Iterable[Ranked], within: tuple[datetime, datetime] | None) -> Iterable[Ranked]:
    if within is None:
        return ranking
    first, end = (_seconds_of(moment) for moment in within)
    return (one for one in ranking if first <= one.candidate.at < end)


def _distinct(ranking: Iterable[Ranked], limit: int) -> list[Ranked]:
    """The first relevant ones, each wording once. What asked the same earlier, and what was said to that, is no measure
    of what tells something."""
    best: float | None = None
    results: dict[str, Ranked] = {}
    for one in ranking:
        if best is None and not one.asks and not one.answers:
            best = one.score
        if len(results) >= limit:
            break
        if best is None or one.bears(best):
            results.setdefault(" ".join(one.candidate.text.split()), one)
    return list(results.values())


def _evidence(
    connection: sqlite3.Connection,
    names: Names,
    best: Sequence[Ranked],
    query: str,
    question: Question,
    near: Collection[int],
    coverage: float,
    fits: Sequence[float],
) -> list[Evidence]:
    """The lines as they were said; hers under the name that she has, whatever it was then. ``near``: in meaning."""
    ids = [one.candidate.id for one in best]
    rows = connection.execute(
        f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(ids),),
    ).fetchall()
    lines = {logged.line.id: logged.line for logged in logged_lines(rows, names)}
    return [
        Evidence(
            line.text,
            line.role,
            names["assistant"] if line.role == "assistant" else line.speaker,
            line.at,
            "line",
            (line.id,),
            _reason(one, line.text, query, question.spans, near),
            one.score,
            coverage,
            fit,
            outside=line.outside,
        )
        for one, fit in zip(best, fits, strict=True)
        if (line := lines.get(one.candidate.id))
    ]


def _coverage(best: Sequence[Ranked], weights: Mapping[str, float], cosines: Mapping[int, float]) -> float:
    """How much of the question one of the lines holds: the share of its words, by how rare they are in this log, or how
    near it is in meaning. 1 for a question that names only a time."""
    whole = sum(weights.values())
    if not whole and not cosines:
        return 1.0
    words = max((sum(weights.get(term, 0.0) for term in one.terms) for one in best), default=0.0)
    meaning = max((cosines.get(one.candidate.id, 0.0) for one in best), default=0.0)
    return min(1.0, max(words / whole if whole else 0.0, float(meaning)))


def _fits(best: Sequence[Ranked], measured: Callable[[Sequence[Ranked]], list[float]]) -> list[float]:
    """How much each line fits, ``measured`` beside the others. What was asked earlier in the same words, and what was
    said to that, is no measure for what tells something, and is not told beside it."""
    telling_something = [place for place, one in enumerate(best) if not one.asks and not one.answers]
    fits = measured([best[place] for place in telling_something])
    if max(fits, default=0.0) < _HALF:
        return measured(best)
    by_place = dict(zip(telling_something, fits, strict=True))
    answer = {place for place, one in enumerate(best) if one.answers}
    return [by_place.get(place, _HALF if place in answer else 0.0) for place in range(len(best))]


def _fits_beside(
    best: Sequence[Ranked],
    weights: Mapping[str, float],
    seams: float,
    lone: frozenset[str],
    cosines: Mapping[int, float],
    spans: Sequence[tuple[int, int]],
    of_score: float,
) -> list[float]:
    """How much each line fits, beside the best: by the words of the question that it holds, by its meaning, by
    its score, as what stands beside a line that is asked about belongs to it if it counts as much, or by its day.
    ``of_score``: what its score counts. ``seams``: what pairs of signs weigh that are no words and stand in no line: a
    line need not hold them that has one of the question's ``lone`` ideographs, which are words, alone as well."""
    score = _shares([one.score for one in best])
    telling = {place for place, one in enumerate(best) if one.tells and _OF_KIND * score[place] >= _HALF}
    whole, held = sum(weights.values()), [sum(weights.get(term, 0.0) for term in one.terms) for one in best]
    near = [max(cosines.get(one.candidate.id, 0.0), 0.0) for one in best]
    least = _HALF if telling else _COVERED
    is_held = max(held, default=0.0) >= least * whole > 0 or any(
        held_by >= least * (whole - seams) > 0 and not lone.isdisjoint(alone(one.candidate.text[:_READ]))
        for held_by, one in zip(held if lone else (), best, strict=False)
    )
    signs = [_shares(held)] if is_held else []
    if spans or (is_held and (max(held) >= _MUCH * whole or not any(near))):
        signs += [[of_score * share for share in score], _shares(near), _shares([one.alike for one in best])]
    elif max(near, default=0.0) >= _LIKE:
        signs += [[max(0.0, 1 - (1 - share) * _HALF / (1 - _AS_NEAR)) for share in _shares(near)]]
    then = {place for place, one in enumerate(best) if _is_within(one, spans)}
    fits = [max((sign[place] for sign in signs), default=0.0) for place in range(len(best))]
    for place in telling ^ set(range(len(best))):
        fits[place] *= _HALF if telling else 1.0
    for place in telling:
        fits[place] = min(1.0, max(fits[place], _OF_KIND * score[place]))
    return [1.0 if place in then else min(1.0, fit) for place, fit in enumerate(fits)]


def _shares(values: Sequence[float]) -> list[float]:
    largest = max(values, default=0.0)
    return [value / largest if largest > 0 else 0.0 for value in values]


def _near(cosines: Mapping[int, float]) -> frozenset[int]:
    """The lines whose own meaning is near, and not that of those around them."""
    least = _NEAR_ITSELF * max(cosines.values(), default=0.0)
    return frozenset(line_id for line_id, cosine in cosines.items() if cosine >= least > 0)


def _stands_alone(one: Ranked, spans: Sequence[tuple[int, int]], near: Collection[int]) -> bool:
    """Whether it is more than what was said beside what fits."""
    return bool(one.terms) or _is_within(one, spans) or one.candidate.id in near


def _is_within(one: Ranked, spans: Sequence[tuple[int, int]]) -> bool:
    return any(first <= one.candidate.at < end for first, end in spans)


def _reason(one: Ranked, text: str, query: str, spans: Sequence[tuple[int, int]], near: Collection[int]) -> Reason:
    if not one.terms:
        if _is_within(one, spans):
            return Reason(Because.THEN)
        return Reason(Because.MEANING if one.candidate.id in near else Because.BESIDE)
    words = ([] if one.answers else written(text[:_SHOWN], one.terms)) or written(query, one.terms)
    if not words:  # those by which such things are told
        return Reason(Because.BESIDE)
    return Reason(Because.ANSWERS if one.answers else Because.MENTIONS, tuple(words))
