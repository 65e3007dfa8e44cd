"""The memory seam: what a character remembers (``tests/seams/memory.py``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from neko.types.lines import Line, NewLine, Role, Stored


@dataclass(frozen=True, slots=True)
class Recalled:
    """A remembered line with its relevance (higher is better; comparable within one search)."""

    line: Line
    score: float


@dataclass(frozen=True, slots=True)
class RecentEntry:
    """One entry of the recent window. ``role`` system is the memo of what came before."""

    role: Role
    text: str


Summarise = Callable[[str], Awaitable[str]]
"""Text in, summary out; raises ``NekoError`` when no summary could be had."""


class Memory(Protocol):
    """What a character remembers. Every method may raise ``MemoryStoreError``."""

    async def store(self, character: str, line: NewLine) -> Stored:
        """Commit one line; when this returns the line survives ``kill -9``."""
        ...

    async def lines(
        self, character: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> list[Line]:
        """A page of the log in time order, without replaced lines.

        ``before``/``after`` are exclusive ids. Without ``after`` the *last* ``limit`` lines
        (older than ``before``); with ``after`` the *first* ``limit`` lines newer than it.
        """
        ...

    async def recent(self, character: str) -> list[RecentEntry]:
        """The recent window: at most one memo (first), then the last lines, oldest first."""
        ...

    async def search(self, character: str, query: str, *, limit: int = 5, before: int | None = None) -> list[Recalled]:
        """Lines that speak of what ``query`` speaks of, best first; only ids below ``before``."""
        ...

    async def compress(self, character: str, summarise: Summarise | None) -> bool:
        """Fold the oldest part of the recent window into the memo; false when nothing was done."""
        ...

    async def review(self, character: str, correct: Summarise | None) -> bool:
        """Let a model tidy the recent window; false when nothing was changed."""
        ...
