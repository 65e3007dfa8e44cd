"""What there is to speak of unasked, from what is known: birthdays, what was planned for a day, the first meeting of a
day. Pure.

Days in plans are read by the rules of reminders (``agent.when``), from the moment at which the words were said.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final

from neko.agent.when import month_and_day, read_when
from neko.types.memory import USER, Fact

_NEW_DAY: Final = timedelta(hours=5)
"""Who is seen after less than this of silence was never away, whatever the date says."""
_PLANNED: Final = frozenset(("plan", "promise", "goal"))
_LONGEST: Final = 300
_BIRTHDAYS: Final = frozenset(
    (
        *("birthday", "birthdate", "birth date", "birth day", "date of birth", "dob", "geburtstag", "geburtsdatum"),
        *("生日", "出生日期", "出生年月日", "誕生日", "お誕生日", "生年月日", "생일", "생년월일"),
    )
)
"""What a field of a profile or a card is called that has a birthday."""
_IS: Final = re.compile(r"^(?:(?:['’]s|is|ist)\b|[はが是]|[은는이](?= ))\s*")
"""What is left before what is planned in "Tomorrow is my exam"."""


class Kind(Enum):
    """What an occasion is; the more pressing first. From ``SCREEN`` on a model judges whether it is worth a word."""

    BIRTHDAY = "birthday"
    HER_BIRTHDAY = "her_birthday"
    TODAY = "today"
    TOMORROW = "tomorrow"
    HOW_WAS_IT = "how_was_it"
    HELLO = "hello"
    SCREEN = "screen"
    WINDOW = "window"
    NEWS = "news"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Occasion:
    """``key`` is the same for the same thing on the same day; ``text`` what it is about, in the words of its source;
    ``link`` where there is more of it; ``source`` who says so; ``image`` a JPEG of what is seen."""

    kind: Kind
    key: str
    text: str = ""
    link: str = ""
    source: str = ""
    image: bytes = field(default=b"", repr=False)


def dated(facts: Sequence[Fact], now: datetime) -> list[Occasion]:
    """What the calendar of the talk has for this day, the most pressing first. ``now`` is local naive time."""
    found = [one for fact in facts if (one := _of_fact(fact, now.date()))]
    order = list(Kind)
    return sorted(found, key=lambda one: order.index(one.kind))


def birthdays(user: Mapping[str, str], character: Mapping[str, str], now: datetime) -> list[Occasion]:
    """Whose birthday it is by the fields of the user's profile and those of the character's card."""
    return [
        Occasion(kind, f"{kind.value}:{now.year}")
        for kind, fields in ((Kind.BIRTHDAY, user), (Kind.HER_BIRTHDAY, character))
        if any(
            _is_birthday(name) and _is_kept(month_and_day(value[:_LONGEST]), now.date())
            for name, value in fields.items()
        )
    ]


def _is_birthday(name: str) -> bool:
    return " ".join(re.split(r"[\s_-]+", name.casefold())).strip() in _BIRTHDAYS


def hello(last: datetime | None, now: datetime) -> Occasion | None:
    """It is the first time on this day that the two meet; ``last`` is when something was said before, if ever."""
    if last is None or last.date() >= now.date() or now - last < _NEW_DAY:
        return None
    return Occasion(Kind.HELLO, f"hello:{now.date()}")


def _of_fact(fact: Fact, today: date) -> Occasion | None:
    value = fact.value[:_LONGEST]
    if fact.attribute == "birthday":
        is_today = fact.subject == USER and fact.valid_from.date() != today and _is_kept(month_and_day(value), today)
        return Occasion(Kind.BIRTHDAY, f"birthday:{today.year}") if is_today else None
    if fact.attribute not in _PLANNED or fact.subject != USER:
        return None
    read = read_when(value.lower(), fact.valid_from)
    day = read.when.due.date() if read.when and not read.when.every else None
    kind = {-1: Kind.HOW_WAS_IT, 0: Kind.TODAY, 1: Kind.TOMORROW}.get((day - today).days) if day else None
    if kind is None or fact.valid_from.date() == today:  # they have just said so
        return None
    return Occasion(kind, f"{kind.value}:{fact.id}:{today}", _without_its_time(value, read.rest))


def _without_its_time(value: str, rest: str) -> str:
    """What is planned, as it was written; ``rest`` is that in small letters, without the words of its time."""
    rest = _IS.sub("", rest.strip())
    at = value.lower().find(rest)
    return value[at : at + len(rest)] if at >= 0 and len(rest) > 1 else value


def _is_kept(day: tuple[int, int] | None, today: date) -> bool:
    """Whether a day of the year, as month and day, is kept today: one of leap years a day before in others."""
    return day == (today.month, today.day) or (
        day == (2, 29) and not isleap(today.year) and (today.month, today.day) == (2, 28)
    )
