"""Questions about days: weekdays, dates, days until, ages. What cannot be told for certain is declined.

Each language lists how a day is named (``days``) and how it is asked for (``asks``); see ``assets/offline``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final, Self

from neko.sessions.models.builtin.numerals import number
from neko.sessions.models.builtin.phrasebook import Phrasebook
from neko.sessions.models.builtin.wording import Wording
from neko.settings import ASSETS

_ISO: Final = re.compile(r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)")
_UNCLEAR: Final = re.compile(r"(?<![\d/.])(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?!\d)")
_LONGEST: Final = 200
_MOST_DAYS: Final = 400_000
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Day:
    """A day that a text names. ``repeats``: every year has one, none was named. ``rest`` is the text without it."""

    date: date
    repeats: bool
    rest: str
    feast: str = ""

    def moved(self, years: int) -> Self:
        """The same day some years later. Raises ``ValueError`` for a feast in a year that is not listed."""
        if self.feast in lunar_feasts():
            return type(self)(_feast(self.feast, self.date.year + years), self.repeats, self.rest, self.feast)
        day = self.date.replace(day=28) if (self.date.month, self.date.day) == (2, 29) else self.date
        return type(self)(day.replace(year=day.year + years), self.repeats, self.rest)


def answer(book: Phrasebook, text: str, wording: Wording) -> str | None:
    """The answer to a question about a day; None when ``text`` asks for none, or for one out of somebody's life."""
    calendar, now = book.calendar, wording.clock()
    asked = next((name for name, pattern in calendar.asks.items() if pattern.search(text)), None)
    if asked is None or len(text) > _LONGEST:
        return None
    text = _evened(book, text)
    if asked == "age":
        return age(book, text, wording)
    if asked in ("weekday", "date") and (unclear := _UNCLEAR.search(text)):
        return _two_readings(book, unclear, wording)
    try:
        day = find(book, text, now.date())
    except (ValueError, OverflowError):
        return wording.say(book, "day_none")
    rest = day.rest if day else text
    for asks in (asked, "weekday", "date"):
        rest = calendar.asks[asks].sub(" ", rest)
    rest = calendar.filler.sub(" ", rest)
    if book.matches("personal", rest) or book.matches("you", rest):
        return None
    if re.search(r"\w", rest) or (day is None and asked in ("until", "since")):
        return wording.say(book, "day_unknown")
    try:
        return _told(book, asked, day or Day(now.date(), False, ""), wording, now)
    except ValueError:
        return wording.say(book, "day_unknown")


def _told(book: Phrasebook, asked: str, day: Day, wording: Wording, now: datetime) -> str:
    today = now.date()
    if asked in ("until", "since"):
        if day.repeats and asked == "until" and day.date < today:
            day = day.moved(1)
        elif day.repeats and asked == "since" and day.date > today:
            day = day.moved(-1)
        days, ago = (day.date - today).days, (today - day.date).days
        name = "days_today" if days == 0 else "days_until" if days > 0 else "days_since"
        return wording.say(book, name, days=max(days, ago), date=_full(book, day.date))
    if day.date == today:
        return wording.say(book, asked)
    if day.feast and day.date < today:
        day = day.moved(1)
    name = "day_was" if day.date < today else "day_is"
    return wording.say(book, name, date=_full(book, day.date), weekday=book.weekdays[day.date.weekday()])


def age(book: Phrasebook, text: str, wording: Wording) -> str | None:
    """How old somebody is whose birthday, or year of birth, ``text`` tells; None when it asks for no age."""
    today = wording.clock().date()
    if len(text) > _LONGEST or not book.calendar.asks["age"].search(text):
        return None
    try:
        day = find(book, text, today)
    except (ValueError, OverflowError):
        return wording.say(book, "day_none")
    if day and not day.repeats and day.date < today and day.date.year < today.year:
        years = today.year - day.date.year - ((today.month, today.day) < (day.date.month, day.date.day))
        return wording.say(book, "age", age=years)
    year = book.calendar.born.search(text)
    if year is None or not 0 <= (older := today.year - int(year["year"])) <= 130:
        return None
    return wording.say(book, "age_about", age=older, younger=max(older - 1, 0))


def _two_readings(book: Phrasebook, written: re.Match[str], wording: Wording) -> str:
    first, second, year = (int(part) for part in written.groups())
    days = []
    for month, day in {(first, second), (second, first)}:
        try:
            days.append(date(year, month, day))
        except ValueError:
            continue
    if not days:
        return wording.say(book, "day_none")
    if len(days) == 1:
        name = "day_was" if days[0] < wording.clock().date() else "day_is"
        return wording.say(book, name, date=_full(book, days[0]), weekday=book.weekdays[days[0].weekday()])
    one, other = sorted(days)
    return wording.say(book, "day_unclear", date=_full(book, one), other=_full(book, other))


def _full(book: Phrasebook, day: date) -> str:
    return book.date("full", datetime(day.year, day.month, day.day))


def _evened(book: Phrasebook, text: str) -> str:
    for pattern, written in book.calendar.even:
        text = pattern.sub(written, text)
    return text


def find(book: Phrasebook, text: str, today: date) -> Day | None:
    """The day that ``text`` names. Raises ``ValueError`` or ``OverflowError`` for one that does not exist."""
    calendar = book.calendar
    for pattern in (_ISO, *calendar.days):
        if match := pattern.search(text):
            return _written(book, match, today)
    for pattern, feast in calendar.feasts:
        if match := pattern.search(text):
            return Day(_feast(feast, today.year), True, _without(text, match), feast)
    for pattern, days in calendar.away:
        if match := pattern.search(text):
            count = number(match["n"]) if "n" in pattern.groupindex else 1
            if abs(days * count) > _MOST_DAYS:
                raise OverflowError
            return Day(today + timedelta(days=days * count), False, _without(text, match))
    return _by_weekday(book, text, today)


def _feast(feast: str, year: int) -> date:
    """``feast`` is "month-day", or the name of one that follows the moon."""
    month_day = feast if feast not in lunar_feasts() else lunar_feasts()[feast].get(str(year))
    if month_day is None:
        raise ValueError(f"{feast} of {year} is not listed")
    month, day = (int(part) for part in month_day.split("-"))
    return date(year, month, day)


@cache
def lunar_feasts() -> dict[str, dict[str, str]]:
    """Of each feast that follows the moon: its month and day in each year from 2024 to 2050.

    Those of China are by ``lunardate``, those of Korea by ``korean_lunar_calendar``; a table, since the first may not
    be distributed with Neko (GPL) and no more than these days is needed.
    """
    feasts: dict[str, dict[str, str]] = json.loads((ASSETS / "offline" / "lunar.json").read_text(encoding="utf-8"))
    return feasts


def _by_weekday(book: Phrasebook, text: str, today: date) -> Day | None:
    for which, pattern in book.calendar.weekday.items():
        if match := pattern.search(text):
            wanted = next(at for at, name in enumerate(book.weekdays) if plain_start(name) in match[0])
            monday = today - timedelta(days=today.weekday())
            if which == "coming":
                days = (wanted - today.weekday() - 1) % _WEEK + 1
            elif which == "last" and book.calendar.weeks_are_counted is False:
                days = -((today.weekday() - wanted - 1) % _WEEK + 1)
            else:
                weeks = {"last": -1, "next": 1}[which]
                days = (monday + timedelta(days=wanted + _WEEK * weeks) - today).days
            return Day(today + timedelta(days=days), False, _without(text, match))
    return None


def plain_start(weekday: str) -> str:
    """What is enough of a weekday's name to know it by."""
    return weekday.casefold()[:3]


def _written(book: Phrasebook, match: re.Match[str], today: date) -> Day:
    parts = match.groupdict()
    month = parts["month"]
    if not month.isdecimal():
        month = str(next(at for at, name in enumerate(book.months, 1) if name.casefold()[:3] == month[:3]))
    year = parts.get("year")
    rest = _without(match.string, match)
    if year:
        return Day(date(int(year), int(month), int(parts["day"])), False, rest)
    later = book.calendar.next_year.search(rest)
    rest = book.calendar.next_year.sub(" ", rest)
    return Day(date(today.year + bool(later), int(month), int(parts["day"])), not later, rest)


def _without(text: str, match: re.Match[str]) -> str:
    return text[: match.start()] + " " + text[match.end() :]
