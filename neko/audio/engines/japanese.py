"""Kanji to kana, since espeak-ng reads kana only."""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any

logger = logging.getLogger(__name__)

_KANJI = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々]+")


def to_kana(text: str) -> str:
    """``text`` with every kanji replaced by its reading; kanji without one are left out.

    The dictionary (0.5 s, 120 MB) is loaded for the first text that has kanji. Without it, all
    kanji are left out and the kana are still said.
    """
    if not _KANJI.search(text):
        return text
    converter = _converter()
    if converter is not None:
        try:
            text = "".join(part["hira"] for part in converter.convert(text))
        except Exception:
            logger.exception("a Japanese text could not be read")
    return _KANJI.sub(" ", text)


@cache
def _converter() -> Any:
    try:
        import pykakasi

        make: Any = pykakasi.kakasi
        return make()
    except Exception as error:
        logger.warning("kanji cannot be read aloud, pykakasi does not load: %s", error)
        return None
