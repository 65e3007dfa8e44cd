"""What files would bring to the memory of one character, or have brought."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from neko.types.lines import UNKNOWN_TIME

Tell = Callable[[int], None]
"""Gets how many more lines have been looked at, or stored."""


def tell_nobody(_: int) -> None:
    return None


@dataclass(slots=True)
class Share:
    """What would go to, or has gone to, the memory of ``character``; ``named`` is what its files call it, "" for
    nothing. ``known`` lines are there already. Of exports: ``versions`` are earlier ones of replies, which do not
    count as lines, ``pictures`` those that come, and ``missing_pictures`` those that lines name and that are neither
    in the file nor here. Moments are local naive."""

    named: str
    character: str
    lines: int = 0
    known: int = 0
    versions: int = 0
    summaries: int = 0
    settings: int = 0
    facts: int = 0
    pictures: int = 0
    missing_pictures: int = 0
    first: datetime | None = None
    last: datetime | None = None
    number: int = 0
    """Of the import in the list of changes, once it has begun."""

    @property
    def new(self) -> int:
        return self.lines - self.known

    @property
    def brings_anything(self) -> bool:
        return bool(self.lines or self.summaries or self.settings or self.facts or self.versions or self.pictures)

    def saw(self, moments: Sequence[datetime]) -> None:
        """Lines were said at these moments, where anybody knows."""
        known = [at for at in (*moments, self.first, self.last) if at and at != UNKNOWN_TIME]
        self.first, self.last = min(known, default=None), max(known, default=None)
