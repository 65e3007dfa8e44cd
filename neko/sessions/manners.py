"""When she may speak of her own accord: seldom, when it suits, and no more once nobody answers. Pure.

All moments are local wall times without a zone; a day is one on that clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Final

LEAST_SILENCE: Final = timedelta(seconds=30)
"""Since the user last said something (``contract/sessions.md`` §11)."""
MOST_UNANSWERED: Final = 2
"""After so many without an answer she waits until the user says something."""
_KEPT: Final = 60
"""What was spoken of, newest last: enough for two months of one a day."""

Quiet = tuple[time, time]
"""From, to; over midnight where the second is earlier."""


class Verdict(Enum):
    """May she speak now, and if not, why."""

    NOW = "now"
    OFF = "off"
    PRIVATE = "private"
    AWAY = "away"
    BUSY = "busy"
    IN_CALL = "in_call"
    TALKING = "talking"
    QUIET_HOURS = "quiet_hours"
    SPENT = "spent"
    UNANSWERED = "unanswered"
    TOO_SOON = "too_soon"


@dataclass(frozen=True, slots=True)
class Manners:
    """What the user allows. ``every``: the least time between two; ``per_day``: how many on one day."""

    on: bool
    every: timedelta
    per_day: int
    quiet: Quiet | None


@dataclass(frozen=True, slots=True)
class Presence:
    """``is_here``: a page is open and in sight; ``is_busy``: somebody speaks, or a reply is under way; ``spoke``: when
    the user last said something, None if that is not known; ``is_private``: nothing of the talk is kept, or the user
    wants to be neither heard nor seen."""

    is_here: bool
    is_busy: bool = False
    in_call: bool = False
    is_private: bool = False
    spoke: datetime | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What she has said of her own accord. ``about`` are the keys of what it was about, the newest last."""

    day: date | None = None
    spoken: int = 0
    last: datetime | None = None
    unanswered: int = 0
    about: tuple[str, ...] = ()

    def spoke(self, key: str, now: datetime) -> Record:
        """She has just done so."""
        spoken = self.spoken + 1 if self.day == now.date() else 1
        return Record(now.date(), spoken, now, self.unanswered + 1, (*self.about, key)[-_KEPT:])

    def answered(self) -> Record:
        """The user has said something."""
        return replace(self, unanswered=0) if self.unanswered else self

    def spoken_on(self, day: date) -> int:
        return self.spoken if self.day == day else 0


def judge(manners: Manners, presence: Presence, record: Record, now: datetime) -> Verdict:
    """May she speak now?"""
    if not manners.on:
        return Verdict.OFF
    return _suits(presence, now) or _is_allowed(manners, record, now) or Verdict.NOW


def _suits(presence: Presence, now: datetime) -> Verdict | None:
    if presence.is_private:
        return Verdict.PRIVATE
    if not presence.is_here:
        return Verdict.AWAY
    if presence.in_call:
        return Verdict.IN_CALL
    if presence.is_busy:
        return Verdict.BUSY
    if presence.spoke is not None and timedelta() <= now - presence.spoke < LEAST_SILENCE:
        return Verdict.TALKING
    return None


def _is_allowed(manners: Manners, record: Record, now: datetime) -> Verdict | None:
    if manners.quiet and is_within(manners.quiet, now.time()):
        return Verdict.QUIET_HOURS
    if record.spoken_on(now.date()) >= manners.per_day:
        return Verdict.SPENT
    if record.unanswered >= MOST_UNANSWERED:
        return Verdict.UNANSWERED
    pause = manners.every * (1 + record.unanswered)
    if record.last is not None and timedelta() <= now - record.last < pause:
        return Verdict.TOO_SOON
    return None


def is_within(quiet: Quiet, at: time) -> bool:
    """Is it that time of the day?"""
    begin, end = quiet
    return begin <= at < end if begin <= end else at >= begin or at < end


def read_quiet(text: str) -> Quiet | None:
    """Hours as in "22:00-8:00"; None for what is none. Raises ``ValueError`` for what cannot be read."""
    if text.strip().lower() in ("", "none"):
        return None
    found = re.fullmatch(r"\s*(\d{1,2})(?:[:.](\d\d))?\s*[-–—~]\s*(\d{1,2})(?:[:.](\d\d))?\s*", text)
    if found is None:
        raise ValueError(text)
    first, first_minute, last, last_minute = (int(part or 0) for part in found.groups())
    begin, end = time(first % 24 if first == 24 else first, first_minute), time(last % 24, last_minute)
    return None if begin == end else (begin, end)
