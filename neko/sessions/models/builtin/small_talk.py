"""What newcomers ask of her and say to her in the first hour, beside what other rules know: an answer to each.

A language lists for each such thing how it is said (``ask``) and what she answers (``say``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

_PREFIX: Final = "talk_"


@dataclass(frozen=True, slots=True)
class Talk:
    """One thing in one language. ``name``: of what she answered, which "another one" refers to."""

    name: str
    ask: re.Pattern[str]
    say: Sequence[str]

    @classmethod
    def of(cls, name: str, data: Mapping[str, Any]) -> Self:
        return cls(_PREFIX + name, re.compile(data["ask"]), data["say"])


REASONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("guess_not", "unknown", "unknown_perhaps", "unclear", "place_unknown"), "why_unknown"),
    **dict.fromkeys(("grief", "illness", "lonely", "bad_day", "heavy", "talk_nervous", "talk_exhausted"), "why_caring"),
    **dict.fromkeys(("fond", "statement", "noted", "topic", "talk_opinion"), "why_asking"),
    **dict.fromkeys(("day", "time", "sum", "unit"), "why_counted"),
    **dict.fromkeys(("game", "move"), "why_fun"),
    **dict.fromkeys(
        (_PREFIX + name for name in ("senses", "sleep", "eats", "partner", "from", "today", "ears")), "why_nature"
    ),
    "cannot": "why_cannot",
    "self_unknown": "why_herself",
    "herself": "why_card",
    "recall": "why_recalled",
    "name_noted": "why_recalled",
}
"""By the name of what she said: the phrases that answer "why?" to it."""


def is_talk(name: str) -> bool:
    """Whether what she said was an answer of this kind; of two to the same thing one is enough."""
    return name.startswith(_PREFIX)
