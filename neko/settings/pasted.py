"""Keys and addresses as people paste them: with quotes, line breaks, full-width or invisible letters, or what stood
around them in a file, a command or a manual."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_PLAIN: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: ".", 0xFF61: ".", 0x3000: " "}
"""Full-width letters, digits and signs, and the full stops of Chinese and Japanese."""
_QUOTES: Final = "\"'`´“”‘’„«»「」『』<>,;，；、"
_NAME: Final = re.compile(
    r"(?:(?:export|set|setx|\$env:)\s*)?[\"'{\s-]{0,20}[\w.-]{0,80}(?:key|token|secret|authorization)[\"']?\s*[:=]+\s*",
    re.IGNORECASE,
)
_BEARER: Final = re.compile(r"\bbearer(?:[\s:=]+|$)", re.IGNORECASE)


def plain(text: str) -> str:
    """``text`` in ordinary letters, without invisible ones, quotes and blanks around it."""
    visible = (c if c.isspace() or unicodedata.category(c)[0] != "C" else "" for c in text.translate(_PLAIN))
    return _unquoted("".join(visible))


def tidy_key(text: str) -> str:
    """The key in what was pasted: ``Authorization: Bearer KEY``, ``OPENAI_API_KEY="KEY"``, a key on two lines."""
    text = plain(text)
    text = text[max((found.end() for found in _BEARER.finditer(text)), default=0) :]
    text = _NAME.sub("", text, count=1) if _NAME.match(text) else text
    return _unquoted("".join(_unquoted(text).split()))


def _unquoted(text: str) -> str:
    return text.strip(_QUOTES + " \t\r\n")
