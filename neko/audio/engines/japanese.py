"""Kanji to kana, since espeak-ng reads kana only."""

from __future__ import annotations

import logging
import re
import unicodedata
from functools import cache
from typing import Any

from neko.audio.engines.japanese_numbers import numbers_in_kana
from neko.audio.engines.open_jtalk import open_jtalk
from neko.late_patterns import late_pattern
from neko.tasks import spare_collector

logger = logging.getLogger(__name__)

_MISREAD = {
    **{
        "今日は": "きょうは",
        "一昨日": "おととい",
        "明後日": "あさって",
        "今年": "ことし",
        "お腹": "おなか",
        "〆切": "しめきり",
    },
    **{
        "〆": "しめ",
        "こんにちは": "こんにちわ",
        "こんばんは": "こんばんわ",
        "君": "きみ",
        "何で": "なんで",
        "何と": "なんと",
    },
}
"""Words that the dictionary reads as what they seldom are: the greeting is hardly ever written 今日は."""
_MISREAD_WORD = late_pattern("|".join(map(re.escape, _MISREAD)))
_PARTICLES = {
    **{"は": "わ", "へ": "え", "には": "にわ", "では": "でわ", "とは": "とわ"},
    **{"へは": "えわ", "からは": "からわ", "のは": "のわ"},
}
"""The letters は and へ are said otherwise where they are words of their own."""
_KANJI = late_pattern(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々〆]+")
_WRITTEN = late_pattern(rf"{_KANJI.pattern}|\d")
"""What is not said letter by letter."""


def reading(text: str) -> str:
    """``text`` in kana, as it is said: by Open JTalk where that is installed, which knows more words and counters."""
    if open_jtalk().installed() and _WRITTEN.search(text):
        try:
            return open_jtalk().kana(text)
        except Exception:
            logger.exception("a Japanese text could not be read by Open JTalk")
    return to_kana(text)


def to_kana(text: str) -> str:
    """``text`` with numbers and kanji replaced by their readings; kanji without one are left out.

    The dictionary (0.5 s, 120 MB) is loaded for the first text that has kanji. Without it, all
    kanji are left out and the kana are still said.
    """
    text = numbers_in_kana(unicodedata.normalize("NFKC", text))
    text = _MISREAD_WORD.sub(lambda found: _MISREAD[found[0]], text)
    if not _KANJI.search(text):
        return text
    converter = _converter()
    if converter is not None:
        try:
            parts = (_PARTICLES.get(part["orig"], part["hira"]) for part in converter.convert(text))
            text = "".join(parts).replace("にっぽん", "にほん")
        except Exception:
            logger.exception("a Japanese text could not be read")
    return _KANJI.sub(" ", text)


@cache
def _converter() -> Any:
    try:
        import pykakasi

        make: Any = pykakasi.kakasi
        converter = make()
        spare_collector()
        return converter
    except Exception as error:
        logger.warning("kanji cannot be read aloud, pykakasi does not load: %s", error)
        return None
