"""The words of a memo that tell something: names, numbers, long words; pairs of signs in scripts without blanks.

By them it is seen that a new memo has lost what the former one said, and what of the former one is kept then. They are
compared as they are: what says the same in other words, or in another language, is kept twice.
"""

from __future__ import annotations

from typing import Final

from neko.late_patterns import late_pattern
from neko.memory import fact_rules, words

_RICH: Final = 8
"""Telling words of a memo that is not given up for one without them."""
_MUCH: Final = 3
"""One of so many words of a memo is much of it."""
_SPEAKERS: Final = 2
"""Words that memos have in common though they say nothing alike: what the two are called."""
_LOST: Final = 6
"""A new memo that has no more than one of so many of the former one's words has lost it."""
_LONG: Final = 5
"""Letters of a Latin word that tells something without being a name or a number."""
_NAME: Final = late_pattern(r"(?<=[^\s.!?:…] )[A-ZÀ-ÖØ-Þ][\w’'-]+")


def telling(text: str) -> set[str]:
    """The words, in the form that all of their forms share (``words.terms``)."""
    names = {term for name in _NAME.findall(text) for term in words.terms(name)}
    return names.union(term for term, weight in words.weighted_terms(text).items() if weight >= 1 and _is_long(term))


def is_lost(former: str, new: str) -> bool:
    """Whether a former memo said much of which (nearly) nothing is in the new one, beside what is there word for
    word."""
    said, had = telling(former), telling(left_out(former, new))
    is_much = len(had) >= max(_RICH, len(said) / _MUCH)
    return is_much and len(had.intersection(telling(new))) <= max(_SPEAKERS, len(had) // _LOST)


def left_out(former: str, new: str) -> str:
    """The sentences of a former memo that are not in the new one word for word, whoever says them there."""
    return "\n".join(one for one in fact_rules.sentences(former) if one.split(": ", 1)[-1] not in new)


def _is_long(term: str) -> bool:
    return len(term) >= _LONG or not term.isascii() or not term.isalpha()


def most_telling(memo: str, room: int) -> str:
    """What there is room for of a memo: its sentences with the most telling words, in their order."""
    sentences = fact_rules.sentences(memo)
    left, chosen = room, []
    for place in sorted(range(len(sentences)), key=lambda one: len(telling(sentences[one])), reverse=True):
        if len(sentences[place]) <= left:
            left -= len(sentences[place]) + 1
            chosen.append(place)
    return "\n".join(sentences[place] for place in sorted(chosen))
