"""What time it is elsewhere. Names of cities and countries in all languages are those of CLDR, by ``babel``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from neko.sessions.models.builtin.numerals import number
from neko.sessions.models.builtin.phrasebook import Phrasebook, phrasebook, plain
from neko.sessions.models.builtin.wording import Wording

_MOST_NAMES: Final = 2
_LOCALES: Final = {"zh-CN": "zh_Hans_CN", "zh-TW": "zh_Hant_TW"}
_BY_LETTERS: Final = re.compile(r"[a-z]")


def answer(book: Phrasebook, text: str, wording: Wording, *, asked: bool = False) -> str | None:
    """The time here or at a place that ``text`` names; None unless the time is ``asked`` for."""
    between = book.matches("time_difference", text)
    if not asked and not between and not book.matches("time", text):
        return None
    now = wording.clock()
    shift = book.calendar.shift.search(text)
    if shift and not between:
        return _then(book, shift, now, wording)
    found = places(book, text)
    if between:
        return (
            _difference(book, found, now, wording) if len(found) == _MOST_NAMES else wording.say(book, "place_unknown")
        )
    if found:
        place, zone = found[0]
        there = now.astimezone(ZoneInfo(zone))
        weekday = book.weekdays[there.weekday()]
        return wording.say(book, "time_there", place=_shown(place), there=f"{there:%H:%M}", weekday=weekday)
    rest = book.calendar.filler.sub(" ", text)
    for pattern in book.triggers["time"]:
        rest = pattern.sub(" ", rest)
    if re.search(r"\w", rest):
        return (
            None
            if asked or book.matches("personal", rest) or book.matches("you", rest)
            else wording.say(book, "place_unknown")
        )
    return None if asked else wording.say(book, "time")


def _then(book: Phrasebook, shift: re.Match[str], now: datetime, wording: Wording) -> str | None:
    """The time so many hours or minutes from now, here or at a place that is named beside it."""
    rest = shift.string[: shift.start()] + " " + shift.string[shift.end() :]
    found = places(book, rest)
    for name, _ in found:
        rest = rest.replace(name, " ")
    for pattern in (*book.triggers["time"], book.calendar.filler):
        rest = pattern.sub(" ", rest)
    if len(found) > 1 or re.search(r"\w", rest):
        return wording.say(book, "place_unknown")
    written = shift["n"]
    count = book.sums.numbers.get(written) or (1 if written in ("a", "an") else number(written))
    away = timedelta(**{"hours" if shift["hours"] else "minutes": -count if shift["ago"] else count})
    place, zone = found[0] if found else ("", "")
    then = (now.astimezone() + away).astimezone(ZoneInfo(zone) if zone else now.tzinfo)
    blanks = {"then": f"{then:%H:%M}", "weekday": book.weekdays[then.weekday()]}
    return wording.say(book, "time_then_there" if zone else "time_then", place=_shown(place), **blanks)


def only_a_place(book: Phrasebook, text: str) -> bool:
    """True when ``text`` names a place and nothing else, as a second question does: "and in Paris?"."""
    found = places(book, text)
    rest = text.replace(found[0][0], " ", 1) if found else text
    return bool(found) and not re.search(r"\w", book.calendar.filler.sub(" ", rest))


def places(book: Phrasebook, text: str) -> list[tuple[str, str]]:
    """At most two places that ``text`` names, as written there, each with its time zone."""
    pattern, zones = _names(book.language)
    return [(name, zones[name]) for name in pattern.findall(text)][:_MOST_NAMES]


def _difference(book: Phrasebook, found: list[tuple[str, str]], now: datetime, wording: Wording) -> str:
    (one, first), (other, second) = found
    apart = (now.astimezone(ZoneInfo(second)).utcoffset(), now.astimezone(ZoneInfo(first)).utcoffset())
    hours = abs(sum(sign * part.total_seconds() for sign, part in zip((1, -1), apart, strict=True) if part)) / 3600
    return wording.say(book, "hours_apart", place=_shown(one), other=_shown(other), hours=f"{hours:g}")


def _shown(place: str) -> str:
    return place.upper() if place in ("la", "uk", "usa", "us") else place.title() if place.isascii() else place


@cache
def _names(language: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of all names, the longest first, and the zone of each. A country with several zones has no one time."""
    from babel import Locale
    from babel.core import get_global

    locale = Locale.parse(_LOCALES.get(language, language), sep="_")
    zones: dict[str, str] = {}
    for territory, its in get_global("territory_zones").items():
        name = locale.territories.get(territory)
        if name and len(its) == 1:
            zones[plain(name)] = its[0]
    for zone, names in locale.time_zones.items():
        city = names.get("city") or (zone.rpartition("/")[2].replace("_", " ") if language == "en" else None)
        if city and "/" in zone and not zone.startswith("Etc/"):
            zones[plain(city)] = zone
    if language == "en":
        for zone in get_global("zone_territories"):
            zones.setdefault(plain(zone.rpartition("/")[2].replace("_", " ")), zone)
    zones.update(phrasebook(language).places)
    zones = {name: zone for name, zone in zones.items() if len(name) > 1}
    written = sorted(zones, key=lambda name: -len(name))
    bounded = (rf"\b{re.escape(name)}\b" if _BY_LETTERS.search(name) else re.escape(name) for name in written)
    return re.compile("|".join(bounded)), zones
