"""A bus handler for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from neko.bus import Message

DEADLINE_S = 15.0


class RecordingHandler:
    """Keeps what it receives, can be waited for, and stands still while ``blocked``."""

    def __init__(self, *, blocked: bool = False) -> None:
        self.received: list[Message] = []
        self._more = asyncio.Condition()
        self._released = asyncio.Event()
        if not blocked:
            self._released.set()

    async def __call__(self, message: Message) -> None:
        await self._released.wait()
        async with self._more:
            self.received.append(message)
            self._more.notify_all()

    def release(self) -> None:
        self._released.set()

    async def until(self, number: int) -> list[Any]:
        """Wait for this many messages; the ``n`` of each."""
        await self._wait_for(lambda: len(self.received) >= number)
        return [message.get("n") for message in self.received]

    async def until_fits(self, fits: Callable[[Message], bool]) -> None:
        """Wait for a message that fits."""
        await self._wait_for(lambda: any(map(fits, self.received)))

    async def _wait_for(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S), self._more:
            await self._more.wait_for(holds)
