"""Messages in order for one handler, which may come later and may be replaced by another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from neko.bus.delivery import CAPACITY, DeliveryCounters, Encoded, Handler, Subscription, decode, encode, offer
from neko.tasks import TaskOwner

logger = logging.getLogger(__name__)


class OrderedQueue:
    """Everything in order to one handler; up to 1000 messages wait for it, the next ones are refused."""

    def __init__(self, name: str, owner: TaskOwner, counters: DeliveryCounters) -> None:
        self._name = name
        self._owner = owner
        self._counters = counters
        self._queue: asyncio.Queue[Encoded] = asyncio.Queue(CAPACITY)
        self._in_hand: Encoded | None = None
        self._attached = False
        self._closed = False

    def publish(self, message: Mapping[str, Any]) -> bool:
        """False when 1000 messages wait already, or after the bus began to close.

        Raises ``BusMessageError`` at once for what is not a JSON message.
        """
        encoded = encode(message)
        accepted = not self._closed and offer(self._queue, encoded)
        if not accepted:
            self._counters.drops[self._name] += 1
        return accepted

    def attach(self, handler: Handler) -> Subscription:
        """Be handed what waits and all that follows. After ``close`` messages wait again; the one
        that was being handled comes again.

        Raises ``RuntimeError`` when there is a handler already, or on a closed bus.
        """
        if self._attached:
            raise RuntimeError(f"{self._name} already has its handler")
        task = self._owner.spawn(self._deliver(handler), name=self._name)
        self._attached = True
        return Subscription(self._detach, task)

    def waiting(self) -> dict[str, int]:
        """Messages not handled yet, by queue; the one in hand counts."""
        return {self._name: self._queue.qsize() + (self._in_hand is not None)}

    async def drain(self, timeout_s: float) -> None:
        """Take nothing more and wait until all has been handled; what is left then is dropped."""
        self._closed = True
        if self._attached and self.waiting()[self._name]:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._queue.join()
        if left := self.waiting()[self._name]:
            self._counters.drops[self._name] += left
            self._in_hand = None
            while not self._queue.empty():
                self._queue.get_nowait()
            logger.warning("%d messages on %s were not delivered before the end", left, self._name)

    def _detach(self) -> None:
        self._attached = False

    async def _deliver(self, handler: Handler) -> None:
        """A message stays in hand until its handler has returned, whoever the handler is by then."""
        while True:
            if self._in_hand is None:
                self._in_hand = await self._queue.get()
            await self._counters.run(self._name, handler, decode(self._in_hand))
            self._in_hand = None
            self._queue.task_done()
