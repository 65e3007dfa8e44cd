"""What of a recall stands in the prompt: lines that are not there yet, within a budget of tokens.

Of a long line the part is quoted that holds most of the words asked about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

from neko.late_patterns import late_pattern
from neko.llm.tokens import estimate_tokens
from neko.prompts import phrases
from neko.types.lines import UNKNOWN_TIME
from neko.types.memory import Evidence
from neko.well_formed import bare_words

RECALL_BUDGET: Final = 600
"""Tokens of all that is recalled for one turn, heading included, as ``estimate_tokens`` counts them."""
MOST_LINES: Final = 6
LEAST_FIT: Final = 0.5
"""``Evidence.fit`` below which a line is not told unasked."""
LONGEST_LINE: Final = RECALL_BUDGET // 4
"""Tokens of one line's words; a longer one is cut."""

_MOST_TERMS: Final = 32
_LONGEST_QUESTION: Final = 2_000
_STEM: Final = 5
_LEAST_WORD: Final = 3
_LEAD: Final = 40
"""Characters before the first word that was looked for, so that it does not come without its sentence."""
_WORD: Final = late_pattern(r"[^\W_]+")
UNSPACED: Final = late_pattern(r"[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
"""Runs of scripts in which words are not set apart, or change their endings: compared by pairs of signs."""


def recall_lines(
    recalled: Sequence[Evidence],
    question: str,
    language: str,
    stands: Callable[[Evidence], bool],
    most: int = MOST_LINES,
    least_fit: float = LEAST_FIT,
) -> list[tuple[Evidence, str]]:
    """The best of ``recalled``, ``most`` at most, oldest first, each with its line: who said it and when; empty when
    nothing is worth telling.

    Left out is what ``stands`` in the prompt, what fits less than ``least_fit``, and what only repeats the question or
    another line.
    """
    say = phrases(language)
    left = RECALL_BUDGET - estimate_tokens(say["recall"])
    told = {bare_words(question)}
    chosen: list[tuple[Evidence, str]] = []
    for evidence in recalled:
        wording = bare_words(evidence.text)
        if evidence.fit < least_fit or wording in told or stands(evidence):
            continue
        text = excerpt(" ".join(evidence.text.split()), question, LONGEST_LINE)
        date = "?" if evidence.at == UNKNOWN_TIME else f"{evidence.at:%Y-%m-%d %H:%M}"
        elsewhere = evidence.elsewhere
        wording_of_line = say["recall_line_elsewhere" if elsewhere else "recall_line"]
        to = elsewhere.character if elsewhere else ""
        line = wording_of_line.format(date=date, speaker=evidence.speaker, text=text, character=to)
        tokens = estimate_tokens(line) + 1
        if tokens > left:
            continue
        left -= tokens
        told.add(wording)
        chosen.append((evidence, line))
        if len(chosen) == most:
            break
    return sorted(chosen, key=lambda one: one[0].at)


def excerpt(text: str, question: str, most_tokens: int) -> str:
    """``text``, or the part of about ``most_tokens`` that holds most of the question's words; what is left out is
    marked. Where it holds none of them, its beginning."""
    tokens = estimate_tokens(text)
    if tokens <= most_tokens:
        return text
    size = max(1, len(text) * most_tokens // tokens)
    start = max(0, _best_start(text.lower(), parts_of(question), size) - _LEAD)
    if blank := text.rfind(" ", max(0, start - _LEAD), start + 1) + 1:
        start = blank
    end = min(len(text), start + size)
    start = max(0, end - size) if end == len(text) else start
    return ("… " if start else "") + text[start:end].strip() + (" …" if end < len(text) else "")


def _best_start(text: str, terms: Collection[str], size: int) -> int:
    """Where a part of this size begins that holds the most different terms; the first of several."""
    found = sorted((match.start(), term) for term in terms for match in re.finditer(re.escape(term), text))
    held: dict[str, int] = {}
    best, start, first = 0, 0, 0
    for at, term in found:
        held[term] = held.get(term, 0) + 1
        while at - found[first][0] > size - _LEAD - len(term):
            gone = found[first][1]
            held[gone] -= 1
            if not held[gone]:
                del held[gone]
            first += 1
        if len(held) > best:
            best, start = len(held), found[first][0]
    return start


def parts_of(question: str) -> set[str]:
    """What is looked for in a line: the beginnings of words, and pairs of signs."""
    terms: dict[str, None] = {}
    lowered = question[:_LONGEST_QUESTION].lower()
    for run in UNSPACED.findall(lowered):
        terms.update(dict.fromkeys(run[at : at + 2] for at in range(max(1, len(run) - 1))))
    for word in _WORD.findall(UNSPACED.sub(" ", lowered)):
        if len(word) >= _LEAST_WORD:
            terms[word[:_STEM]] = None
    return set(list(terms)[:_MOST_TERMS])
