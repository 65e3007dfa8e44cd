"""Numbers written in Chinese characters, as in Chinese and Japanese, below one thousand."""

from __future__ import annotations

import re
from typing import Final

_NUMERAL: Final = re.compile(r"(?:[零〇一二两兩三四五六七八九十]|百(?!分之))+")
_DIGITS: Final = dict(zip("零〇一二三四五六七八九", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)) | {
    "两": 2,
    "兩": 2,
}


def with_digits(text: str) -> str:
    """``text`` with every numeral in digits."""
    return _NUMERAL.sub(lambda match: str(number(match[0])), text)


def number(written: str) -> int:
    """A number written in digits or in Chinese characters."""
    if written.isdecimal():
        return int(written)
    total = digit = 0
    for character in written:
        if character in _DIGITS:
            digit = _DIGITS[character]
        else:
            total += (digit or 1) * (100 if character == "百" else 10)
            digit = 0
    return total + digit
