"""What the built-in model says and listens for, by language (``assets/offline``)."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from neko.language import LANGUAGES
from neko.late_patterns import late_pattern
from neko.sessions.models.builtin.calendar_words import Calendar
from neko.sessions.models.builtin.facts import Fact
from neko.sessions.models.builtin.names import Naming
from neko.sessions.models.builtin.small_talk import Talk
from neko.settings import ASSETS

_CJK = late_pattern(r"[\u3040-\u30ff\u3400-\u9fff]+")
_WORD = late_pattern(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Sums:
    """How sums are put into words: what frames them, whole phrases ("half of"), words for signs, words for numbers."""

    rewrites: Sequence[tuple[re.Pattern[str], str]]
    frame: Sequence[re.Pattern[str]]
    operators: Sequence[tuple[re.Pattern[str], str]]
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """One language of the built-in model. ``places`` are names that CLDR has not; ``joints`` divide two questions;
    ``same`` are words of one meaning; ``space`` stands between sentences."""

    language: str
    triggers: Mapping[str, Sequence[re.Pattern[str]]]
    naming: Naming
    phrases: Mapping[str, Sequence[str]]
    sums: Sums
    weekdays: Sequence[str]
    months: Sequence[str]
    dates: Mapping[str, str]
    quotes: tuple[str, str]
    stop_words: frozenset[str]
    same: Mapping[str, tuple[str, ...]]
    calendar: Calendar
    places: Mapping[str, str]
    games: Mapping[str, Any]
    facts: Sequence[Fact]
    talks: Sequence[Talk]
    joints: re.Pattern[str]
    space: str

    def matches(self, intent: str, text: str) -> bool:
        """True when ``text`` (lower case) says this."""
        return self.match(intent, text) is not None

    def match(self, intent: str, text: str) -> re.Match[str] | None:
        """Where ``text`` (lower case) says this."""
        found = (pattern.search(text) for pattern in self.triggers[intent])
        return next((match for match in found if match), None)

    def date(self, form: str, when: datetime) -> str:
        """A date in one of the forms of the language."""
        return self.dates[form].format(
            weekday=self.weekdays[when.weekday()], day=when.day, month=self.months[when.month - 1], year=when.year
        )

    def when(self, then: datetime, now: datetime) -> str:
        """When something was said, as seen from now."""
        days = (now.date() - then.date()).days
        if days == 0:
            return self.dates["today"]
        if days == 1:
            return self.dates["yesterday"]
        return self.date("on" if then.year == now.year else "on_year", then)

    def key_words(self, text: str) -> set[str]:
        """The words that carry meaning; of scripts without spaces, pairs of characters."""
        text = plain(text)
        stems = {_stem(word) for word in _WORD.findall(_CJK.sub(" ", text)) if word not in self.stop_words}
        words = {self.same.get(stem, (stem,))[0] for stem in stems}
        for run in _CJK.findall(text):
            meaningful = "".join(" " if character in self.stop_words else character for character in run)
            for part in meaningful.split():
                words.update(part[i : i + 2] for i in range(max(1, len(part) - 1)))
        return words

    def shared(self, wanted: set[str], text: str) -> set[str]:
        """Those of the key words ``wanted`` that ``text`` has, too, or has another word for."""
        there, text = self.key_words(text), plain(text)
        return {word for word in wanted if word in there or (_CJK.match(word) and self._has(word, text))}

    def _has(self, word: str, text: str) -> bool:
        return any(other in text for other in self.same.get(word, (word,)))


def plain(text: str) -> str:
    """Full-width forms, case and apostrophes evened out."""
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'").strip()


_JAMO = late_pattern(r"[\u3131-\u3163]")


def _pattern(written: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern for ``plain`` text, where the single letters of Korean slang have another form."""
    return re.compile(_JAMO.sub(lambda jamo: unicodedata.normalize("NFKC", jamo[0]), written), flags)


@cache
def phrasebook(language: str) -> Phrasebook:
    """The phrases of a language; its file is read at the first call (not on the loop thread)."""
    data: dict[str, Any] = json.loads((ASSETS / "offline" / f"{language}.json").read_text(encoding="utf-8"))
    sums, names = data["sums"], data["names"]
    stop_words = data["stop_words"]
    return Phrasebook(
        language=language,
        triggers={name: [_pattern(p) for p in patterns] for name, patterns in data["triggers"].items()},
        naming=Naming(
            told=[re.compile(p, re.IGNORECASE) for p in names["told"]],
            against=re.compile(names["against"], re.IGNORECASE),
            not_names=frozenset(names["not_names"].split()),
            others=re.compile(names["others"]) if "others" in names else None,
        ),
        phrases=data["phrases"],
        sums=Sums(
            rewrites=[(re.compile(p), in_signs) for p, in_signs in sums["rewrites"]],
            frame=[re.compile(p) for p in sums["frame"]],
            operators=[(re.compile(p), sign) for p, sign in sums["operators"]],
            numbers=sums["numbers"],
        ),
        weekdays=data["weekdays"],
        months=data["months"],
        dates=data["dates"],
        quotes=(data["quotes"][0], data["quotes"][1]),
        stop_words=frozenset(stop_words.split() if " " in stop_words else stop_words),
        same={word: tuple(words.split()) for words in data["same"] for word in words.split()},
        calendar=Calendar.of(data["calendar"]),
        places=data["places"],
        games=data["games"],
        facts=[Fact.of(fact) for fact in data["facts"].values()],
        talks=[Talk.of(name, talk) for name, talk in data["talks"].items()],
        joints=re.compile(data["joints"]),
        space=data["space"],
    )


def namings() -> list[Naming]:
    """Of every language: a user may give a name in another than the one of the talk."""
    return [phrasebook(language).naming for language in LANGUAGES]


def _stem(word: str) -> str:
    """English endings fall away, so that "called" meets "calls" and "live" meets "lives"."""
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.isascii() and word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
