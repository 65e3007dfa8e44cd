"""A memo without a model: sentences of the user that state something, in their own words.

What they state of themselves (``fact_rules``) goes before what only names somebody, a number or a day; small talk is
left out as soon as there is anything else. The earlier memo is judged again like the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from neko.memory import fact_rules
from neko.memory.line_codec import Names
from neko.types.memory import RecentEntry

_NAME_OR_NUMBER: Final = re.compile(
    r"\d|(?<=[^.!?\s] )[A-Z][a-z]+|[月火水木金土日]曜|星期|礼拜|[一二三四五六七八九十]月|[가-힣]+요일"
)
_LONGEST: Final = 160
"""Characters of a sentence."""


class _Worth(IntEnum):
    SMALL_TALK = 0
    NAMES = 1
    FACT = 2


def extract(entries: Sequence[RecentEntry], names: Names, limit: int, language: str) -> str:
    """At most ``limit`` characters, "" when there is nothing but small talk; the older of two equals gives way."""
    worths: dict[str, _Worth] = {}
    for entry in entries:
        is_memo = entry.role == "system"
        if entry.role == "assistant":
            continue
        for text in entry.text.splitlines() if is_memo else fact_rules.sentences(entry.text):
            line = text if is_memo else f"{names[entry.role]}: {text}"
            worth = _worth(text.rpartition(": ")[2], language)
            worths.pop(line, None)
            if worth and len(line) <= _LONGEST:
                worths[line] = worth
    lines = list(worths)
    left = limit + 1
    chosen: list[int] = []
    for place in sorted(range(len(lines)), key=lambda one: (worths[lines[one]], one), reverse=True):
        if len(lines[place]) < left:
            left -= len(lines[place]) + 1
            chosen.append(place)
    return "\n".join(lines[place] for place in sorted(chosen))


def _worth(sentence: str, language: str) -> _Worth:
    if fact_rules.stated(sentence, language):
        return _Worth.FACT
    is_telling = _NAME_OR_NUMBER.search(sentence) and not fact_rules.is_question(sentence)
    return _Worth.NAMES if is_telling else _Worth.SMALL_TALK
