"""Finding lines of the log by their keywords.

SQLite scans the log once and says which keywords each line holds; the lines are then scored by
how rare those keywords are, how long and how old the line is and who said it. A question that
was asked before must not push aside its answer, so statements go before questions.
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
_QUESTION_END: Final = re.compile(r"[?？]\s*$|[吗嗎呢]\s*[。.!！]?\s*$|(?:です|ます)か\s*[。.!！]?\s*$")
_SENTENCE: Final = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")

_LINES: Final = f"""
    WITH contents AS (
        SELECT id, json_extract(message, '$.type') AS kind,
            coalesce(json_extract(message, '$.data.content[0].text'), json_extract(message, '$.data.content')) AS words
        FROM {schema.ORIGINAL} WHERE id < ? AND json_valid(message)
    ),
    lines AS MATERIALIZED (
        SELECT id, kind, ' ' || lower(
            CASE WHEN kind = 'ai' AND substr(words, 20, 2) = '] ' THEN substr(words, 22) ELSE words END
        ) || ' ' AS words
        FROM contents WHERE kind IN ('human', 'ai')
    )"""
"""Every line's words in lower case between blanks, without the time before assistant text."""
_FACTS: Final = "id, kind = 'human', length(words) - 2"

Hit = tuple[int, int, int, int]
"""``id, said by the user, characters, bits of the keywords it holds``."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    score: float
    keywords: tuple[str, ...]


@dataclass(slots=True)
class _Ranked:
    line: Line
    score: float
    reason: str


def search(
    connection: sqlite3.Connection, names: Names, wanted: Sequence[Keyword], *, limit: int, end: int
) -> list[Evidence]:
    """The ``limit`` best lines with ids below ``end`` that hold any of the keywords, best first.

    Blocks for as long as a scan of the log takes. Raises ``sqlite3.Error``.
    """
    statement, parameters = _scan(wanted)
    hits: list[Hit] = connection.execute(statement, (end, *parameters)).fetchall()
    candidates = _candidates(hits, wanted, end)
    near = sorted({line_id + step for line_id in candidates for step in (0, 1) if line_id + step < end})
    marks = ", ".join("?" * len(near))
    rows = connection.execute(
        f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id IN ({marks}) AND {schema.NOT_REPLACED} ORDER BY id",
        near,
    ).fetchall()
    lines = [logged.line for logged in logged_lines(rows, names)]
    return [_evidence(ranked) for ranked in _distinct(_ranking(candidates, lines, wanted))[:limit]]


def _scan(wanted: Sequence[Keyword]) -> tuple[str, list[str]]:
    parameters: list[str] = []
    bits = []
    for number, keyword in enumerate(wanted):
        condition, values = _condition(keyword)
        bits.append(f"((CASE WHEN {condition} THEN 1 ELSE 0 END) << {number})")
        parameters += values
    return (
        f"{_LINES} SELECT * FROM (SELECT {_FACTS}, {' | '.join(bits)} AS held FROM lines) WHERE held > 0",
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


def _ranking(candidates: Mapping[int, _Candidate], lines: Sequence[Line], wanted: Sequence[Keyword]) -> list[_Ranked]:
    """The lines, best first: questions give way to statements, above all to the answer that followed."""
    ranked: dict[int, _Ranked] = {}
    for line in lines:
        candidate = candidates.get(line.id, _Candidate(0.0, ()))
        if line.role != "system":
            ranked[line.id] = _Ranked(line, candidate.score, f"mentions {', '.join(candidate.keywords)}")
    for line in lines:
        question = candidates.get(line.id)
        if question is None or line.id not in ranked or not _asks(line.text, wanted):
            continue
        ranked[line.id].score = question.score * _QUESTION
        answer = ranked.get(line.id + 1)
        if answer is not None and answer.line.role != line.role and answer.score < question.score * _ANSWER:
            answer.score = question.score * _ANSWER
            answer.reason = f"answers a question about {', '.join(question.keywords)}"
    return sorted(ranked.values(), key=lambda one: (one.score, one.line.id), reverse=True)


def _distinct(ranking: Sequence[_Ranked]) -> list[_Ranked]:
    """The relevant ones, each wording once."""
    wordings: set[str] = set()
    results: list[_Ranked] = []
    for one in ranking:
        wording = " ".join(one.line.text.lower().split())
        if wording in wordings or one.score <= 0 or one.score < ranking[0].score * _RELEVANT:
            continue
        wordings.add(wording)
        results.append(one)
    return results


def _evidence(ranked: _Ranked) -> Evidence:
    line = ranked.line
    return Evidence(line.text, line.role, line.speaker, line.at, "line", (line.id,), ranked.reason, ranked.score)


def _asks(text: str, wanted: Sequence[Keyword]) -> bool:
    """True when whatever the line says about the keywords it says in questions."""
    sentences = [sentence for sentence in _SENTENCE.findall(text) if _mentions(sentence, wanted)]
    return bool(sentences) and all(_QUESTION_END.search(sentence) for sentence in sentences)


def _mentions(sentence: str, wanted: Sequence[Keyword]) -> bool:
    lowered = sentence.lower()
    return any(keyword.text in lowered for keyword in wanted)
