"""Keys and addresses as people paste them: with quotes, line breaks, full-width or invisible letters, or what stood
around them in a file, a command or a manual."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from neko.errors import SettingError

_PLAIN: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: ".", 0xFF61: "."}
"""Full-width letters, digits and signs, and the full stops of Chinese and Japanese."""
QUOTES: Final = "\"'`´“”‘’„«»「」『』<>,;，；、"
_NAME: Final = re.compile(
    r"(?:(?:export|set|setx|\$env:)\s*)?[\"'{\s-]{0,20}[\w.-]{0,80}(?:key|token|secret|authorization)[\"']?\s*[:=]+\s*",
    re.IGNORECASE,
)
_BEARER: Final = re.compile(r"\bbearer(?:[\s:=]+|$)", re.IGNORECASE)


def plain(text: str) -> str:
    """``text`` in ordinary letters, without invisible ones, quotes and blanks around it."""
    return _unquoted("".join(map(_visible, text.translate(_PLAIN))))


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    return character if category[0] != "C" or character.isspace() else ""


def tidy_key(text: str) -> str:
    """The key in what was pasted: ``Authorization: Bearer KEY``, ``OPENAI_API_KEY="KEY"``, a key on two lines."""
    text = plain(text)
    text = text[max((found.end() for found in _BEARER.finditer(text)), default=0) :]
    text = _NAME.sub("", text, count=1) if _NAME.match(text) else text
    return _unquoted("".join(_unquoted(text).split()))


def typed_key(text: str) -> str:
    """``tidy_key`` of what a user typed in; raises ``SettingError`` for a character that no key holds."""
    key = tidy_key(text)
    if (odd := odd_character(key)) is not None:
        raise SettingError("key_letter", "A character of the key is none that a key can hold.", **odd)
    return key


def odd_character(key: str) -> dict[str, str | int] | None:
    """The first character that no header can carry, mostly a look-alike of another script: ``letter``, its ``name``
    in Unicode, and its ``place`` counted from 1."""
    for place, letter in enumerate(key, 1):
        if not letter.isascii() or not letter.isprintable():
            return {"letter": letter, "name": unicodedata.name(letter, f"U+{ord(letter):04X}"), "place": place}
    return None


def _unquoted(text: str) -> str:
    return text.strip(QUOTES + " \t\r\n")
