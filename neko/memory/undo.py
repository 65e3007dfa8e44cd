"""What changes made by hand took away, to be put back: kept in memory only, and for a short while."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from neko.errors import NekoError
from neko.memory.facts import Earlier
from neko.memory.line_codec import Row

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

KEPT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Removed:
    """Rows of a log, with the pictures and the facts that went with them."""

    rows: Sequence[Row]
    pictures: Sequence[bytes]
    facts: Earlier


class Undo(Generic[K, T]):
    """The loop's thread only."""

    def __init__(self) -> None:
        self._kept: dict[K, tuple[T, asyncio.TimerHandle]] = {}

    def keep(self, key: K, removed: T) -> None:
        """In place of what was kept under this key before."""
        self.take(key)
        timer = asyncio.get_running_loop().call_later(KEPT_S, self.take, key)
        self._kept[key] = removed, timer

    def take(self, key: K) -> T | None:
        """What was kept; it is kept no more."""
        removed, timer = self._kept.pop(key, (None, None))
        if timer:
            timer.cancel()
        return removed

    @contextmanager
    def taken(self, key: K) -> Iterator[T | None]:
        """What was kept, to be put back inside; it is kept no more unless that fails."""
        removed = self.take(key)
        try:
            yield removed
        except NekoError:
            if removed is not None and key not in self._kept:
                self.keep(key, removed)
            raise

    def clear(self) -> None:
        for key in list(self._kept):
            self.take(key)
