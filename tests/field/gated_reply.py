"""A reply that comes word by word as the test lets it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tests.field.hostile_provider import DONE, Raw, chunk, deltas, event

WORDS = ("The ", "sea ", "is ", "wide.")
WHOLE = "The sea is wide."
END_OF_STREAM = len(WORDS)


@dataclass
class GatedReply:
    """A stream of ``WORDS`` that lets through what the test allows: ``open(n)`` the first ``n`` words."""

    allowed: int = 0
    sent: int = 0
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    def answer(self) -> Raw:
        return Raw([*deltas(*WORDS), event(chunk({}, "stop")), DONE], before=self._before)

    async def open(self, count: int) -> None:
        async with self._moved:
            self.allowed = max(self.allowed, count)
            self._moved.notify_all()

    async def _before(self, piece: int) -> None:
        async with self._moved:
            self.sent = piece
            self._moved.notify_all()
            await self._moved.wait_for(lambda: piece < self.allowed)

    async def until_sent(self, count: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self.sent >= count)
