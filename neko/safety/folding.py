"""A line without what makes no difference to what it says: case, width, kind of Chinese characters."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from neko.settings.paths import ASSETS

_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff\ufe0e\ufe0f]")


def folded(text: str) -> str:
    """Lower case, and traditional characters as simplified ones. Reads a file at its first call."""
    if text.isascii():  # of most texts nothing else can differ
        return text.lower()
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).translate(_folding())
    return text.casefold().replace("’", "'").replace("‘", "'")


@cache
def _folding() -> Mapping[int, int]:
    table: dict[str, str] = json.loads((ASSETS / "safety" / "folding.json").read_text(encoding="utf-8"))
    return str.maketrans(table["traditional"], table["simplified"])
