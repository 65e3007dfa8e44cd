"""Kanji to kana, since espeak-ng reads kana only."""

from __future__ import annotations

from functools import cache
from typing import Any

from neko.errors import SpeechError


def to_kana(text: str) -> str:
    """``text`` with every kanji replaced by its reading. Loads its dictionary at first use.

    Raises ``SpeechError`` when the dictionary is not installed.
    """
    return "".join(part["hira"] for part in _converter().convert(text))


@cache
def _converter() -> Any:
    try:
        import pykakasi
    except ImportError as error:
        raise SpeechError("pykakasi is not installed", engine="builtin") from error
    make: Any = pykakasi.kakasi
    return make()
