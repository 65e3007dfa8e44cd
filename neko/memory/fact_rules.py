"""Facts that people state of themselves in plain words, found without a model.

One sentence at a time, by the patterns of its language (``assets/facts``). It misses what is said in passing, and takes
nothing from a question. No library does this offline for the four languages: those for relations bring models of
hundreds of megabytes, for English only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from neko.language import guess
from neko.settings import ASSETS

_Patterns = Mapping[str, Sequence[re.Pattern[str]]]

_LONGEST_TEXT: Final = 4_000
_LONGEST_SENTENCE: Final = 300
_SENTENCE: Final = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
_QUESTION: Final = ("?", "？", "吗", "嗎", "呢", "ですか", "ますか", "ましたか", "でしたか", "ませんか", "습니까")
_TAIL: Final = re.compile(
    r"(?:\s+(?:because|but|so|and i|and we|though|now|anymore|as well|too)\b.*|[\s,，、:：\"'）)了啦]+)$", re.I
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the blanks around them."""
    return [found.strip() for found in _SENTENCE.findall(text[:_LONGEST_TEXT]) if found.strip()]


def stated(sentence: str, language: str = "en") -> list[tuple[str, str]]:
    """What the speaker states of themselves: attributes with their values. ``language`` where the signs do not tell."""
    return [(attribute, value) for attribute, value, has_ended in facts(sentence, language) if not has_ended]


def facts(sentence: str, language: str = "en") -> list[tuple[str, str, bool]]:
    """The same with what they state to be so no longer, which is true of the last value."""
    if len(sentence) > _LONGEST_SENTENCE or is_question(sentence):
        return []
    found: list[tuple[str, str, bool]] = []
    rules = _rules(guess(sentence, language).partition("-")[0])
    now, before = rules.now, rules.before
    for attribute in dict.fromkeys((*now, *before)):
        first = (next(_values(pattern, sentence, rules), None) for pattern in before.get(attribute, ()))
        past = [one for one in first if one]
        matches = (match for pattern in now.get(attribute, ()) for match in _values(pattern, sentence, rules))
        present = next((one for one in matches if one[0] and not any(_overlap(one, other) for other in past)), None)
        stated = [(attribute, present[0], False)] if present else []
        found += [*stated, *((attribute, one[0], True) for one in past[:1] if one[0])]
    return list(dict.fromkeys(found))


_Value = tuple[str, int, int]
"""What was stated, and where it begins and ends."""


def _values(pattern: re.Pattern[str], sentence: str, rules: _Rules) -> Iterator[_Value]:
    """The values of each match that is of the speaker; the next one is looked for where a value ends."""
    match = pattern.search(sentence)
    while match:
        value = _value(match, rules.border)
        *_, subject = (None, *rules.subject.finditer(sentence, 0, match.start("value")))
        if subject is None or not subject["other"]:
            yield value
        match = pattern.search(sentence, max(value[2], match.start() + 1))


def _value(match: re.Match[str], border: re.Pattern[str]) -> _Value:
    value, sentence, end = match["value"], match.string, match.end("value")
    begins = border.search(sentence, match.start("value") + 1)
    if begins and begins.start() < end:
        value = sentence[match.start("value") : begins.start()]
    elif end < len(sentence) and value[-1:].isascii() and sentence[end].isalnum():
        value = value.rpartition(" ")[0]  # the pattern takes no more: the last word is cut
    value = _TAIL.sub("", value.strip(" .。,，、!！")).strip()
    return value, match.start("value"), match.start("value") + len(value)


def _overlap(one: _Value, other: _Value) -> bool:
    return one[1] < other[2] and other[1] < one[2]


def is_question(sentence: str) -> bool:
    """As far as its end tells."""
    return sentence.rstrip("。.!！ ").endswith(_QUESTION)


@dataclass(frozen=True, slots=True)
class _Rules:
    """``now`` and ``before``: by attribute, what is so and what is so no longer. ``subject``: whom the words behind it
    are about, ``other`` when that is not who speaks. ``border``: where another clause begins, which ends a value."""

    now: _Patterns
    before: _Patterns
    subject: re.Pattern[str]
    border: re.Pattern[str]


@cache
def _rules(language: str) -> _Rules:
    """Reads a file once a language (off the loop's thread)."""
    loaded: dict[str, Any] = json.loads((ASSETS / "facts" / f"{language}.json").read_text(encoding="utf-8"))
    subject, border = (re.compile(loaded.pop(name), re.IGNORECASE) for name in ("subject", "border"))
    before = loaded.pop("no longer")
    now, past = (
        {name: [re.compile(one, re.IGNORECASE) for one in patterns] for name, patterns in of.items()}
        for of in (loaded, before)
    )
    return _Rules(now, past, subject, border)
