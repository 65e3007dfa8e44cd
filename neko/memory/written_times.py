"""Moments as people and programs write them, beside ISO 8601: "1:56 pm on 8 May, 2023", "May 8, 2023 1:56pm",
2023年5月8日 下午1:56, RFC 2822.

Only what can be read in one way: of 03/04/2023 nobody knows which is the month. ``dateutil`` and ``dateparser`` take
that, and "May", for some day.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from neko.memory.time_expressions import MONTHS

_LONGEST: Final = 100
_CLOCK: Final = re.compile(
    r"(?P<before>上午|下午|午前|午後|午后|오전|오후)?\s*(?<!\d)(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?(?::(?P<second>\d\d))?"
    r"\s*(?P<after>[ap]\.?m\b\.?)?",
    re.IGNORECASE,
)
_LATE: Final = frozenset({"下午", "午後", "午后", "오후", "pm"})
_OFFSET: Final = re.compile(r"(?:GMT|UTC?|[+-]\d{4})(?: \(\w+\))?$")
_PART: Final = re.compile(r"\d+(?=st|nd|rd|th|\b|_)|[^\W\d_]+", re.IGNORECASE)
_SAID_BESIDE: Final = re.compile(
    r"(?:on|at|of|the|st|nd|rd|th|(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?)", re.IGNORECASE
)
_SIGNS: Final = re.compile(r"[年月日년월일]")


def read(text: str) -> datetime | None:
    """The moment, naive where no offset is told; None for what is none. A day alone is its beginning."""
    text = " ".join(text[: _LONGEST + 1].split())
    if len(text) > _LONGEST:
        return None
    with suppress(ValueError, OverflowError):
        if _OFFSET.search(text):
            return parsedate_to_datetime(text)
        clocks = [one for one in _CLOCK.finditer(text) if one["minute"] or one["before"] or one["after"]]
        if len(clocks) > 1:
            return None
        hour, minute, second = _clock(clocks[0]) if clocks else (0, 0, 0)
        rest = f"{text[: clocks[0].start()]} {text[clocks[0].end() :]}" if clocks else text
        day = _day(rest)
        return datetime(*day, hour, minute, second) if day else None
    return None


def _clock(match: re.Match[str]) -> tuple[int, int, int]:
    hour, half = int(match["hour"]), (match["before"] or match["after"] or "").replace(".", "").lower()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half in _LATE else 0)
    return hour, int(match["minute"] or 0), int(match["second"] or 0)


def _day(text: str) -> tuple[int, int, int] | None:
    """Year, month and day: the year has four digits, and stands first where the month is no word."""
    parts = [part for part in _PART.findall(_SIGNS.sub(" ", text)) if not _SAID_BESIDE.fullmatch(part)]
    words = [part for part in parts if not part.isdigit()]
    numbers = [int(part) for part in parts if part.isdigit()]
    if len(parts) != 3 or len(words) > 1:
        return None
    if words:
        month = MONTHS.get(words[0].lower())
        first, last = numbers
        day, year = (first, last) if last > 31 else (last, first)
        return (year, month % 12 + 1, day) if month is not None and year > 999 else None
    year, month, day = numbers
    return (year, month, day) if year > 999 else None
