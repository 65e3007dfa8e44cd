"""Finding lines of the log by their keywords.

SQLite scans the words of all lines and says which keywords each line holds; the lines are then scored
by how rare those keywords are, how long and how old the line is and who said it. A question that was
asked before must not push aside its answer, so statements go before questions. The words are taken out
of the log's JSON once per connection, into a temporary table that follows the log (``bring_up``).
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from neko.memory import schema
from neko.memory.keywords import Keyword
from neko.memory.line_codec import Names, logged_lines
from neko.types.lines import Line
from neko.types.memory import Evidence

_CANDIDATES: Final = 20
_OWN_LINES: Final = 0.85
"""The character's own lines count less than the user's."""
_QUESTION: Final = 0.4
_ANSWER: Final = 0.85
"""What the answer to a question gets of the question's score."""
_RECENCY: Final = 0.1
"""How much more the newest line counts than the oldest."""
_RELEVANT: Final = 0.25
"""Lines scoring less than this share of the best are not worth recalling."""

_LETTER: Final = "a-z0-9à-öø-ÿĀ-ɏͰ-ԯ"
_SIGN: Final = "*[^ a-z0-9]"
_ENDINGS: Final = ("", "s", "es", "d", "ed", "ing")
_QUESTION_MARKS: Final = ("?", "？")
_QUESTION_WORDS: Final = ("吗", "嗎", "呢", "ですか", "ますか")
_JUDGED: Final = 20_000
"""Characters of a line that are looked at for questions: no line of a user is longer."""
_SENTENCE: Final = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")

_STEP: Final = 2_000
"""Lines whose words are taken out in one go; an interruption loses no more."""
_TABLES: Final = (
    "CREATE TEMP TABLE words (id INTEGER PRIMARY KEY, by_user INTEGER, characters INTEGER, words TEXT)",
    "CREATE TEMP TABLE words_end (id INTEGER NOT NULL)",
    "INSERT INTO temp.words_end VALUES (0)",
)
_NEXT_STEP: Final = (
    f"SELECT max(id) FROM (SELECT id FROM {schema.ORIGINAL} "
    f"WHERE id > (SELECT id FROM temp.words_end) AND id < ? ORDER BY id LIMIT {_STEP})"
)
_TAKE_OUT: Final = """
    WITH contents AS (
        SELECT id, json_extract(message, '$.type') AS kind,
            coalesce(json_extract(message, '$.data.content[0].text'), json_extract(message, '$.data.content'))
                AS content
        FROM {log} WHERE {rows} AND json_valid(message) AND {not_replaced}
    ),
    lines AS (
        SELECT id, kind = 'human' AS by_user,
            CASE WHEN kind = 'ai' AND substr(content, 20, 2) = '] ' THEN substr(content, 22) ELSE content END AS content
        FROM contents WHERE kind IN ('human', 'ai')
    )
    INSERT OR REPLACE INTO temp.words SELECT id, by_user, length(content), ' ' || lower(content) || ' ' FROM lines"""
"""Every line's words in lower case between blanks, without the time before assistant text."""

_IN_STEP: Final = "id > (SELECT id FROM temp.words_end) AND id <= ?"
_AGAIN: Final = "id = ? AND id <= (SELECT id FROM temp.words_end)"
_FORGET_REPLACED: Final = (
    "DELETE FROM temp.words WHERE id IN (SELECT json_extract(message, '$.data.additional_kwargs.neko.replaces') "
    f"FROM {schema.ORIGINAL} WHERE id > (SELECT id FROM temp.words_end) AND id <= ? AND json_valid(message))"
)
Hit = tuple[int, int, int, int]
"""``id, said by the user, characters, bits of the keywords it holds``."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    score: float
    keywords: tuple[str, ...]


@dataclass(slots=True)
class _Ranked:
    id: int
    by_user: bool
    words: str
    score: float
    reason: str


def prepare(connection: sqlite3.Connection) -> None:
    """Make the temporary tables that ``bring_up`` fills."""
    for statement in _TABLES:
        connection.execute(statement)


def bring_up(connection: sqlite3.Connection, end: int) -> bool:
    """Take out the words of some further lines with ids below ``end``; false when there are none left."""
    last = connection.execute(_NEXT_STEP, (end,)).fetchone()[0]
    if last is None:
        return False
    connection.execute(_taken_out(_IN_STEP), (last,))
    connection.execute(_FORGET_REPLACED, (last,))
    connection.execute("UPDATE temp.words_end SET id = ?", (last,))
    return True


def forget(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """These lines are gone from the log."""
    connection.executemany("DELETE FROM temp.words WHERE id = ?", [(line_id,) for line_id in ids])


def remember(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """These lines are in the log again."""
    connection.executemany(_taken_out(_AGAIN), [(line_id,) for line_id in ids])


def _taken_out(rows: str) -> str:
    return _TAKE_OUT.format(log=schema.ORIGINAL, rows=rows, not_replaced=schema.NOT_REPLACED)


def find(connection: sqlite3.Connection, names: Names, words: Sequence[str], *, limit: int, end: int) -> list[Line]:
    """The last ``limit`` lines with ids below ``end`` that hold all of the words, newest first.

    Blocks for as long as a scan of the log takes. Raises ``sqlite3.Error``.
    """
    while bring_up(connection, end):
        pass
    conditions, parameters = [], []
    for word in words:
        spellings = [word.lower()]
        if not word.isascii():  # SQLite knows the case of ASCII only
            spellings = sorted({word, word.lower(), word.capitalize(), word.upper()})
        conditions.append("(" + " OR ".join(["instr(words, ?)"] * len(spellings)) + ")")
        parameters += spellings
    rows = connection.execute(
        f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id IN (SELECT id FROM temp.words WHERE id < ? "
        f"AND {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?) ORDER BY id",
        (end, *parameters, limit),
    ).fetchall()
    return [logged.line for logged in logged_lines(rows, names)][::-1]


def search(
    connection: sqlite3.Connection, names: Names, wanted: Sequence[Keyword], *, limit: int, end: int
) -> list[Evidence]:
    """The ``limit`` best lines with ids below ``end`` that hold any of the keywords, best first.

    Blocks for as long as a scan of the log takes. Raises ``sqlite3.Error``.
    """
    while bring_up(connection, end):
        pass
    statement, parameters = _scan(wanted)
    hits: list[Hit] = connection.execute(statement, (*parameters, end)).fetchall()
    candidates = _candidates(hits, wanted, end)
    ids = list(candidates)
    followers = "SELECT (SELECT min(id) FROM temp.words AS next WHERE next.id > words.id) FROM temp.words"
    rows = connection.execute(
        f"SELECT id, by_user, words FROM temp.words WHERE id < ? AND (id IN ({_marks(ids)}) "
        f"OR id IN ({followers} WHERE id IN ({_marks(ids)}))) ORDER BY id",
        (end, *ids, *ids),
    ).fetchall()
    best = _distinct(_ranking(candidates, rows, wanted))[:limit]
    return _evidence(connection, names, best)


def _marks(values: Sequence[int]) -> str:
    return ", ".join("?" * len(values))


def _evidence(connection: sqlite3.Connection, names: Names, best: Sequence[_Ranked]) -> list[Evidence]:
    """The lines as they were said."""
    ids = [ranked.id for ranked in best]
    rows = connection.execute(
        f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id IN ({_marks(ids)}) ORDER BY id", ids
    ).fetchall()
    lines = {logged.line.id: logged.line for logged in logged_lines(rows, names)}
    return [
        Evidence(line.text, line.role, line.speaker, line.at, "line", (line.id,), ranked.reason, ranked.score)
        for ranked in best
        if (line := lines.get(ranked.id))
    ]


def _scan(wanted: Sequence[Keyword]) -> tuple[str, list[str]]:
    parameters: list[str] = []
    bits = []
    for number, keyword in enumerate(wanted):
        condition, values = _condition(keyword)
        bits.append(f"((CASE WHEN {condition} THEN 1 ELSE 0 END) << {number})")
        parameters += values
    return (
        f"SELECT * FROM (SELECT id, by_user, characters, {' | '.join(bits)} AS held FROM temp.words WHERE id < ?) "
        "WHERE held > 0",
        parameters,
    )


def _condition(keyword: Keyword) -> tuple[str, list[str]]:
    spellings = [keyword.text]
    if not keyword.text.isascii() and keyword.text.capitalize() != keyword.text:
        spellings.append(keyword.text.capitalize())
    if not keyword.word:
        return " OR ".join("instr(words, ?)" for _ in spellings), spellings
    conditions: list[str] = []
    parameters: list[str] = []
    for spelling in spellings:
        # A blank is by far the commonest thing before a word, and the cheapest to look for.
        after_blank = _start_of_word("instr(words, ?)", " " + spelling, "* " + spelling, keyword)
        after_sign = _start_of_word("words GLOB ?", f"{_SIGN}{spelling}*", _SIGN + spelling, keyword)
        conditions.append(f"(instr(words, ?) AND ({after_blank[0]} OR {after_sign[0]}))")
        parameters += [spelling, *after_blank[1], *after_sign[1]]
    return " OR ".join(conditions), parameters


def _start_of_word(test: str, value: str, pattern: str, keyword: Keyword) -> tuple[str, list[str]]:
    if not keyword.whole:
        return test, [value]
    endings = " OR ".join(["words GLOB ?"] * len(_ENDINGS))
    return f"({test} AND ({endings}))", [value, *(f"{pattern}{ending}[^{_LETTER}]*" for ending in _ENDINGS)]


def _candidates(hits: Sequence[Hit], wanted: Sequence[Keyword], end: int) -> dict[int, _Candidate]:
    """The best hits by id, with scores from keywords, length, age and speaker."""
    total = max(end - 1, len(hits), 1)
    counts = [0] * len(wanted)
    for _, _, _, held in hits:
        for number in range(len(wanted)):
            counts[number] += held >> number & 1
    weights = [
        keyword.weight * math.log(1 + (total - count + 0.5) / (count + 0.5))
        for keyword, count in zip(wanted, counts, strict=True)
    ]
    average = sum(length for _, _, length, _ in hits) / len(hits) if hits else 1.0
    sums: dict[int, float] = {}
    scores: dict[int, tuple[float, int]] = {}
    for line_id, by_user, length, held in hits:
        if held not in sums:
            sums[held] = sum(weight for number, weight in enumerate(weights) if held >> number & 1)
        score = sums[held] * 2.0 / (1.4 + 0.6 * length / (average or 1.0))
        score *= 1.0 if by_user else _OWN_LINES
        scores[line_id] = score * (1.0 + _RECENCY * line_id / end), held
    best = sorted(scores, key=lambda line_id: scores[line_id][0], reverse=True)[:_CANDIDATES]
    return {line_id: _Candidate(scores[line_id][0], _texts(wanted, scores[line_id][1])) for line_id in best}


def _texts(wanted: Sequence[Keyword], held: int) -> tuple[str, ...]:
    return tuple(keyword.text for number, keyword in enumerate(wanted) if held >> number & 1)


def _ranking(
    candidates: Mapping[int, _Candidate], rows: Sequence[tuple[int, int, str]], wanted: Sequence[Keyword]
) -> list[_Ranked]:
    """The lines, best first: questions give way to statements, above all to the answer that followed."""
    ranked: dict[int, _Ranked] = {}
    for line_id, by_user, words in rows:
        candidate = candidates.get(line_id, _Candidate(0.0, ()))
        reason = f"mentions {', '.join(candidate.keywords)}"
        ranked[line_id] = _Ranked(line_id, bool(by_user), words, candidate.score, reason)
    lines = list(ranked.values())
    for place, line in enumerate(lines):
        question = candidates.get(line.id)
        if question is None or not _asks(line.words, wanted):
            continue
        line.score = question.score * _QUESTION
        answer = lines[place + 1] if place + 1 < len(lines) else None
        if answer is not None and answer.by_user != line.by_user and answer.score < question.score * _ANSWER:
            answer.score = question.score * _ANSWER
            answer.reason = f"answers a question about {', '.join(question.keywords)}"
    return sorted(ranked.values(), key=lambda one: (one.score, one.id), reverse=True)


def _distinct(ranking: Sequence[_Ranked]) -> list[_Ranked]:
    """The relevant ones, each wording once."""
    wordings: set[str] = set()
    results: list[_Ranked] = []
    for one in ranking:
        wording = " ".join(one.words.split())
        if wording in wordings or one.score <= 0 or one.score < ranking[0].score * _RELEVANT:
            continue
        wordings.add(wording)
        results.append(one)
    return results


def _asks(text: str, wanted: Sequence[Keyword]) -> bool:
    """True when whatever the line says about the keywords it says in questions."""
    sentences = [sentence for sentence in _SENTENCE.findall(text[:_JUDGED]) if _mentions(sentence, wanted)]
    return bool(sentences) and all(map(_is_question, sentences))


def _is_question(sentence: str) -> bool:
    sentence = sentence.rstrip()
    return sentence.endswith(_QUESTION_MARKS) or sentence.rstrip("。.!！").rstrip().endswith(_QUESTION_WORDS)


def _mentions(sentence: str, wanted: Sequence[Keyword]) -> bool:
    lowered = sentence.lower()
    return any(keyword.text in lowered for keyword in wanted)
