"""What a text feels like, judged on this machine: a small word list per language.

It stands in where a model does not tag its own reply, so it must be fast (microseconds), not
deep. Emotions and the confidence floor of 0.3 follow ``POST /api/emotion/analysis``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache

from neko.settings import ASSETS

_CONFIDENCE_FLOOR = 0.3
_JUDGED = 1_000
"""Characters of a text that are judged: its beginning."""


@dataclass(frozen=True, slots=True)
class Feeling:
    """``emotion`` is one of ``tags.EMOTIONS``; ``confidence`` is 0 to 1."""

    emotion: str
    confidence: float


_NEUTRAL = Feeling("neutral", 0.5)


@cache
def _patterns() -> dict[str, tuple[re.Pattern[str], re.Pattern[str]]]:
    """Of each emotion the words that stand by themselves, and those of scripts without spaces; all in lower case.

    Two patterns, and no flag to ignore case: so each of them can skip what no word begins with.
    """
    words: dict[str, dict[str, list[str]]] = json.loads((ASSETS / "emotions.json").read_text(encoding="utf-8"))
    patterns = {}
    for emotion, by_language in words.items():
        spaced = "|".join(map(re.escape, by_language["en"]))
        unspaced = [re.escape(word) for language, listed in by_language.items() if language != "en" for word in listed]
        patterns[emotion] = re.compile(rf"(?<!\w)(?:{spaced})(?!\w)"), re.compile("|".join(unspaced))
    return patterns


def load() -> None:
    """Read the word lists ahead of the first text (a file is read: not on the loop thread)."""
    _patterns()


def classify(text: str) -> Feeling:
    """The feeling of ``text``; neutral when nothing speaks for another one."""
    beginning = text[:_JUDGED].lower()
    counts = {
        emotion: sum(len(pattern.findall(beginning)) for pattern in patterns)
        for emotion, patterns in _patterns().items()
    }
    total = sum(counts.values())
    if not total:
        return _NEUTRAL
    emotion, count = max(counts.items(), key=lambda item: item[1])
    confidence = min(0.95, (0.45 + 0.15 * count) * count / total)
    return Feeling(emotion, round(confidence, 2)) if confidence >= _CONFIDENCE_FLOOR else _NEUTRAL
