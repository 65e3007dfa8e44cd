"""How a language names days and asks for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Calendar:
    """How one language names days and asks for them; the order of ``asks`` is that in which they are tried."""

    asks: Mapping[str, re.Pattern[str]]
    shift: re.Pattern[str]
    """So many hours or minutes from now, or ago: ``n``, ``hours``, ``ago``."""
    even: list[tuple[re.Pattern[str], str]]
    days: list[re.Pattern[str]]
    feasts: list[tuple[re.Pattern[str], str]]
    away: list[tuple[re.Pattern[str], int]]
    weekday: Mapping[str, re.Pattern[str]]
    weeks_are_counted: bool
    next_year: re.Pattern[str]
    born: re.Pattern[str]
    filler: re.Pattern[str]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            asks={name: re.compile(pattern) for name, pattern in data["asks"].items()},
            shift=re.compile(data["shift"]),
            even=[(re.compile(pattern), written) for pattern, written in data["even"]],
            days=[re.compile(pattern) for pattern in data["days"]],
            feasts=[(re.compile(pattern), day) for pattern, day in data["feasts"]],
            away=[(re.compile(pattern), days) for pattern, days in data["away"]],
            weekday={which: re.compile(pattern) for which, pattern in data["weekday"].items()},
            weeks_are_counted=data["weeks_are_counted"],
            next_year=re.compile(data["next_year"]),
            born=re.compile(data["born"]),
            filler=re.compile(data["filler"]),
        )
