"""Numbers written in Chinese characters, as in Chinese and Japanese, below one hundred million."""

from __future__ import annotations

import re
from typing import Final

_NUMERAL: Final = re.compile(r"(?:[零〇一二两兩三四五六七八九十千万萬](?!下)|百(?!分之))+")
_DIGITS: Final = dict(zip("零〇一二三四五六七八九", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)) | {
    "两": 2,
    "兩": 2,
}
_PLACES: Final = {"十": 10, "百": 100, "千": 1000}
_MYRIAD: Final = 10_000


def with_digits(text: str) -> str:
    """``text`` with every numeral in digits; "算一下" has none."""
    return _NUMERAL.sub(lambda match: str(number(match[0])), text)


def number(written: str) -> int:
    """A number written in digits or in Chinese characters."""
    if written.isdecimal():
        return int(written)
    myriads = total = digit = 0
    for character in written:
        if character in _DIGITS:
            digit = _DIGITS[character]
        elif character in _PLACES:
            total, digit = total + (digit or 1) * _PLACES[character], 0
        else:
            myriads, total, digit = (total + digit or 1) * _MYRIAD, 0, 0
    return myriads + total + digit
