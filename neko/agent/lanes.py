"""Who may act when: so many tasks of each character at a time, and one in the world with what there is one of.

A task that waits for the mouse, or stands still, keeps nobody waiting: it gives its place in the lane away meanwhile.
So nobody holds a place while they wait for a hand, and no two tasks can wait for each other.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Final

from neko.types.hands import HandName

WIDTH: Final = 2
"""Tasks of one character that are done at the same time."""


class Lanes:
    """Places are given in the order in which they are asked for."""

    def __init__(self, width: int = WIDTH) -> None:
        self._lanes: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(width))
        self._hands: defaultdict[HandName, asyncio.Lock] = defaultdict(asyncio.Lock)

    def place(self, character: str) -> Place:
        """For one task; it holds nothing yet."""
        return Place(self._lanes[character], self._hands)


class Place:
    """What one task holds of the lanes."""

    def __init__(self, lane: asyncio.Semaphore, hands: defaultdict[HandName, asyncio.Lock]) -> None:
        self._lane = lane
        self._locks = hands
        self._is_in = False
        self._wanted: set[HandName] = set()
        self._held: set[HandName] = set()

    def must_wait_for(self, hand: HandName) -> bool:
        """Another task has this hand."""
        return hand not in self._held and self._locks[hand].locked()

    async def enter(self) -> None:
        """Wait for everything that it had when it left, the first time for the lane only."""
        for hand in sorted(self._wanted - self._held):
            await self._locks[hand].acquire()
            self._held.add(hand)
        if not self._is_in:
            await self._lane.acquire()
            self._is_in = True

    async def take(self, hand: HandName) -> None:
        """Wait for an exclusive hand; it stays this task's until it is given back."""
        self._wanted.add(hand)
        if self.must_wait_for(hand):
            self.leave()
        await self.enter()

    def give_back(self, hand: HandName) -> None:
        """Let others have this one; idempotent."""
        self._wanted.discard(hand)
        if hand in self._held:
            self._held.discard(hand)
            self._locks[hand].release()

    def leave(self) -> None:
        """Let others in; idempotent."""
        for hand in self._held:
            self._locks[hand].release()
        self._held.clear()
        if self._is_in:
            self._is_in = False
            self._lane.release()
