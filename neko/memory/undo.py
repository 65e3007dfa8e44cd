"""The last deletion of each character that may be undone: kept in memory only, and for a short while."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from neko.memory.line_codec import Row

KEPT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Removed:
    """Rows of a log, with the pictures that went with them."""

    rows: Sequence[Row]
    pictures: Sequence[bytes]


class Undo:
    """Of one memory. The loop's thread only."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[Removed, asyncio.TimerHandle]] = {}

    def keep(self, character: str, removed: Removed) -> None:
        """In place of what was kept before."""
        self.take(character)
        timer = asyncio.get_running_loop().call_later(KEPT_S, self.take, character)
        self._last[character] = removed, timer

    def take(self, character: str) -> Removed | None:
        """What was kept; it is kept no more."""
        removed, timer = self._last.pop(character, (None, None))
        if timer:
            timer.cancel()
        return removed

    def clear(self) -> None:
        for character in list(self._last):
            self.take(character)
