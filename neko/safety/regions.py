"""Where a reader is, as far as a language tag tells."""

from __future__ import annotations

import re

_REGION = re.compile(r"[A-Za-z]{2}")
_LANGUAGE_OF_ONE_REGION = {"ja": "JP", "ko": "KR"}
_SCRIPT = {"hant": "TW", "hans": "CN"}


def region_of(tag: str) -> str | None:
    """The ISO region of a language tag (``en-GB``, ``zh-Hant``, ``ja``); None where it could be anywhere."""
    language, *parts = tag.strip().split("-")
    for part in parts:
        if _REGION.fullmatch(part):
            return part.upper()
    for part in parts:
        if part.lower() in _SCRIPT and language.lower() == "zh":
            return _SCRIPT[part.lower()]
    return _LANGUAGE_OF_ONE_REGION.get(language.lower())
