"""Finding lines of the log by their keywords.

SQLite scans the log once and says which keywords each line holds; the lines are then scored by
how rare those keywords are, how long and how old the line is and who said it. A question that
was asked before must not push aside its answer, so statements go before questions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeVar

from neko.memory import schema
from neko.memory.keywords import Keyword, keywords
from neko.memory.line_codec import Row, logged_lines
from neko.memory.log import Log
from neko.tasks import in_thread
from neko.types.lines import Line
from neko.types.memory import Recalled

P = ParamSpec("P")
T = TypeVar("T")

_CANDIDATES: Final = 20
_FEW: Final = 150
_OWN_WORDS: Final = 0.85
"""The character's own lines count less than the user's."""
_QUESTION: Final = 0.4
_SPREAD: Final = 0.85
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

_SPOKEN: Final = f"""
    WITH told AS (
        SELECT id, json_extract(message, '$.type') AS kind,
            coalesce(json_extract(message, '$.data.content[0].text'), json_extract(message, '$.data.content')) AS words
        FROM {schema.ORIGINAL} WHERE id < ? AND json_valid(message)
    ),
    spoken AS MATERIALIZED (
        SELECT id, kind, ' ' || lower(
            CASE WHEN kind = 'ai' AND substr(words, 20, 2) = '] ' THEN substr(words, 22) ELSE words END
        ) || ' ' AS words
        FROM told WHERE kind IN ('human', 'ai')
    )"""
"""Every line's words in lower case between blanks, without the time before assistant text."""
_FACTS: Final = "id, kind = 'human', length(words) - 2"

Hit = tuple[int, int, int, int]
"""``id, spoken by the user, characters, bits of the keywords it holds``."""


async def search(log: Log, query: str, limit: int, before: int | None) -> list[Recalled]:
    """What ``Memory.search`` promises; raises ``MemoryStoreError``."""
    wanted = keywords(query)
    if not wanted or limit <= 0:
        return []
    end = log.newest + 1 if before is None else before
    statement, parameters = _scan(wanted)
    hits = await log.fetch(statement, (end, *parameters))
    best = await _off_the_loop(len(hits), _ranked, hits, wanted, end)
    near = sorted({line_id + step for line_id in best for step in (0, 1) if line_id + step < end})
    marks = ", ".join("?" * len(near))
    rows = await log.fetch(
        f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id IN ({marks}) AND {schema.NOT_REPLACED} ORDER BY id",
        near,
    )
    return (await _off_the_loop(len(rows), _refined, best, rows, wanted))[:limit]


async def _off_the_loop(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in a thread, unless there is so little of it that the way there takes longer."""
    return work(*args, **kwargs) if size <= _FEW else await in_thread(work, *args, **kwargs)


def _scan(wanted: Sequence[Keyword]) -> tuple[str, list[str]]:
    parameters: list[str] = []
    bits = []
    for number, keyword in enumerate(wanted):
        condition, needed = _condition(keyword)
        bits.append(f"((CASE WHEN {condition} THEN 1 ELSE 0 END) << {number})")
        parameters += needed
    return (
        f"{_SPOKEN} SELECT * FROM (SELECT {_FACTS}, {' | '.join(bits)} AS held FROM spoken) WHERE held > 0",
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


def _ranked(hits: Sequence[Hit], wanted: Sequence[Keyword], end: int) -> dict[int, float]:
    """The best candidates by id, with scores from keywords, length, age and speaker."""
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
    scores: dict[int, float] = {}
    for line_id, by_user, length, held in hits:
        if held not in sums:
            sums[held] = sum(weight for number, weight in enumerate(weights) if held >> number & 1)
        score = sums[held] * 2.0 / (1.4 + 0.6 * length / (average or 1.0))
        score *= 1.0 if by_user else _OWN_WORDS
        scores[line_id] = score * (1.0 + _RECENCY * line_id / end)
    chosen = sorted(scores, key=scores.__getitem__, reverse=True)[:_CANDIDATES]
    return {line_id: scores[line_id] for line_id in chosen}


@dataclass(slots=True)
class _Found:
    line: Line
    score: float


def _refined(scores: dict[int, float], rows: list[Row], wanted: Sequence[Keyword]) -> list[Recalled]:
    """Questions give way to statements, above all to the answer that followed."""
    lines = [logged.line for logged in logged_lines(rows)]
    found = {line.id: _Found(line, scores.get(line.id, 0.0)) for line in lines if line.role != "system"}
    for line in lines:
        score = scores.get(line.id)
        if score is None or line.id not in found or not _asks(line.text, wanted):
            continue
        found[line.id].score = score * _QUESTION
        answer = found.get(line.id + 1)
        if answer is not None and answer.line.role != line.role:
            answer.score = max(answer.score, score * _SPREAD)
    ranking = sorted(found.values(), key=lambda one: (one.score, one.line.id), reverse=True)
    said: set[str] = set()
    results: list[Recalled] = []
    for one in ranking:
        words = " ".join(one.line.text.lower().split())
        if words in said or one.score <= 0 or one.score < ranking[0].score * _RELEVANT:
            continue
        said.add(words)
        results.append(Recalled(one.line, one.score))
    return results


def _asks(text: str, wanted: Sequence[Keyword]) -> bool:
    """True when whatever the line says about the keywords it says in questions."""
    sentences = [sentence for sentence in _SENTENCE.findall(text) if _speaks_of(sentence, wanted)]
    return bool(sentences) and all(_QUESTION_END.search(sentence) for sentence in sentences)


def _speaks_of(sentence: str, wanted: Sequence[Keyword]) -> bool:
    lowered = sentence.lower()
    return any(keyword.text in lowered for keyword in wanted)
