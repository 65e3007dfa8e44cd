"""Does this line say that somebody is in danger? Patterns of every language are tried, whatever the page shows.

A line is looked at by sentence: one that is about a game, a story or another time (``elsewhere``) is left out; turns
of phrase that mean nothing bad (``harmless``) are blotted out. What is left is danger when a pattern of it fits.
Traditional characters are read as simplified ones, in the text as in the patterns (``folding.json``).

Patterns, and no model that judges: the answer must be there before the reply is asked for, on any computer, and
without sending the words anywhere.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from neko.language import LANGUAGES
from neko.safety.danger import Danger
from neko.settings.paths import ASSETS

_HEAD = 3_000
_TAIL = 1_000
"""Characters of a long text that are looked at: its beginning and its end."""
_SENTENCE = re.compile(r"[.!?。;\n]+")
_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff\ufe0e\ufe0f]")
_WORD = re.compile(r"<(\w+)>")
_BLOT = "\u25a1"
_HAN, _KANA, _HANGUL, _LATIN = "\u3400-\u9fff", "\u3041-\u30fa", "\u1100-\u11ff\uac00-\ud7a3", "a-z"
_SCRIPTS: Mapping[str, re.Pattern[str]] = {
    language: re.compile(f"[{letters}]")
    for language, letters in {
        "en": _LATIN,
        "zh-CN": _HAN,
        "zh-TW": _HAN,
        "ja": _KANA + _HAN,
        "ko": _HANGUL,
    }.items()
}


@dataclass(frozen=True, slots=True)
class _Patterns:
    danger: Mapping[Danger, Sequence[re.Pattern[str]]]
    harmless: Sequence[re.Pattern[str]]
    elsewhere: Sequence[re.Pattern[str]]


def load_patterns() -> None:
    """Read the patterns ahead of the first line (files are read: not on the loop thread)."""
    for language in LANGUAGES:
        _patterns(language)


def recognise(text: str) -> Danger | None:
    """The danger that a line of the user tells of, the first one in the order of ``Danger``.

    Takes milliseconds, and reads files at its first call: not on the loop thread.
    """
    if len(text) > _HEAD + _TAIL:
        text = text[:_HEAD] + "\n" + text[-_TAIL:]
    text = _folded(_UNSEEN.sub("", text)).casefold().replace("’", "'").replace("‘", "'")
    spoken = [_patterns(language) for language in LANGUAGES if _SCRIPTS[language].search(text)]
    left = "\n".join(_told(sentence, spoken) for sentence in _SENTENCE.split(text))
    for danger in Danger:
        if any(pattern.search(left) for patterns in spoken for pattern in patterns.danger[danger]):
            return danger
    return None


def _told(sentence: str, spoken: Iterable[_Patterns]) -> str:
    """What a sentence says of here and now, in earnest."""
    sentence = _SPACE.sub(" ", sentence).strip()
    for patterns in spoken:
        if any(pattern.search(sentence) for pattern in patterns.elsewhere):
            return ""
        for pattern in patterns.harmless:
            sentence = pattern.sub(_BLOT, sentence)
    return sentence


@cache
def _folding() -> Mapping[int, int]:
    table: dict[str, str] = _read("folding")
    return str.maketrans(table["traditional"], table["simplified"])


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_folding())


@cache
def _patterns(language: str) -> _Patterns:
    data = _read(language)
    known: dict[str, str] = {}
    for name, pattern in data.get("words", {}).items():
        known[name] = _filled(pattern, known)

    def compiled(patterns: Iterable[str]) -> list[re.Pattern[str]]:
        return [re.compile(_folded(_filled(pattern, known))) for pattern in patterns]

    return _Patterns(
        {danger: compiled(data["danger"].get(danger.value, ())) for danger in Danger},
        compiled(data["harmless"]),
        compiled(data["elsewhere"]),
    )


def _filled(pattern: str, words: Mapping[str, str]) -> str:
    """``<name>`` stands for a group of words of the file; ``(?<name>`` is no such thing and is not used."""
    return _WORD.sub(lambda found: words[found[1]], pattern)


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ASSETS / "safety" / f"{name}.json").read_text(encoding="utf-8"))
    return found
