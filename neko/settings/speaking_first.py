"""The settings that say when she may speak of her own accord (``registry`` has them all)."""

from __future__ import annotations

from typing import Any, Final

from neko.settings.setting import NAMES, SWITCH, TEXT, Place, Setting, whole_between

PROACTIVE: Final[Setting[bool]] = Setting(
    "proactive.on",
    SWITCH,
    False,
    "let her speak of her own accord",
    Place.NEKO_SECTION,
    ("NEKO_PROACTIVE",),
)
PROACTIVE_EVERY_MIN: Final[Setting[int]] = Setting(
    "proactive.every_min",
    whole_between(5, 480),
    30,
    "minutes between two such times, at least",
    Place.NEKO_SECTION,
)
PROACTIVE_PER_DAY: Final[Setting[int]] = Setting(
    "proactive.per_day",
    whole_between(1, 96),
    6,
    "how often she does so on one day, at most",
    Place.NEKO_SECTION,
)
PROACTIVE_QUIET: Final[Setting[str]] = Setting(
    "proactive.quiet",
    TEXT,
    "22:00-08:00",
    "hours in which she never does, `none` for no such hours",
    Place.NEKO_SECTION,
)
PROACTIVE_SOURCES: Final[Setting[tuple[str, ...]]] = Setting(
    "proactive.sources",
    NAMES,
    ("memory",),
    "what she may speak of then: `memory`, `screen` (while it is shared), `window` (the front one's title), `news`",
    Place.NEKO_SECTION,
)
PROACTIVE_FEEDS: Final[Setting[tuple[str, ...]]] = Setting(
    "proactive.feeds",
    NAMES,
    (),
    "addresses of the RSS and Atom feeds that are her news",
    Place.NEKO_SECTION,
)

SPEAKING_FIRST: Final[tuple[Setting[Any], ...]] = (
    PROACTIVE,
    PROACTIVE_EVERY_MIN,
    PROACTIVE_PER_DAY,
    PROACTIVE_QUIET,
    PROACTIVE_SOURCES,
    PROACTIVE_FEEDS,
)
