"""Facts that people state of themselves in plain words, found without a model.

One sentence at a time, by the patterns of its language (``assets/facts``). It misses what is said in passing, and takes
nothing from a question. No library does this offline for the four languages: those for relations bring models of
hundreds of megabytes, for English only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from neko.language import guess
from neko.settings import ASSETS

_LONGEST_TEXT: Final = 4_000
_LONGEST_SENTENCE: Final = 300
_SENTENCE: Final = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
_QUESTION: Final = ("?", "？", "吗", "嗎", "呢", "ですか", "ますか", "ましたか", "でしたか", "ませんか", "습니까")
_TAIL: Final = re.compile(
    r"(?:\s+(?:because|but|so|and i|and we|though|now|anymore|as well|too)\b.*|[\s,，、:：\"'）)]+)$", re.I
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the blanks around them."""
    return [found.strip() for found in _SENTENCE.findall(text[:_LONGEST_TEXT]) if found.strip()]


def stated(sentence: str, language: str = "en") -> list[tuple[str, str]]:
    """What the speaker states of themselves: attributes with their values. ``language`` where the signs do not tell."""
    if len(sentence) > _LONGEST_SENTENCE or is_question(sentence):
        return []
    found: list[tuple[str, str]] = []
    for attribute, patterns in _patterns(guess(sentence, language).partition("-")[0]).items():
        for pattern in patterns:
            if match := pattern.search(sentence):
                value = match["value"]
                if (
                    match.end("value") < len(sentence)
                    and value[-1:].isascii()
                    and sentence[match.end("value")].isalnum()
                ):
                    value = value.rpartition(" ")[0]  # the pattern takes no more: the last word is cut
                value = _TAIL.sub("", value.strip(" .。,，、!！")).strip()
                if value and (attribute, value) not in found:
                    found.append((attribute, value))
                break
    return found


def is_question(sentence: str) -> bool:
    """As far as its end tells."""
    return sentence.rstrip("。.!！ ").endswith(_QUESTION)


@cache
def _patterns(language: str) -> Mapping[str, Sequence[re.Pattern[str]]]:
    """Reads a file once a language (not on the loop thread)."""
    loaded: dict[str, list[str]] = json.loads((ASSETS / "facts" / f"{language}.json").read_text(encoding="utf-8"))
    return {name: [re.compile(one, re.IGNORECASE) for one in patterns] for name, patterns in loaded.items()}
