"""Fan-out of facts: everybody who subscribes gets them, nobody is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from neko.bus.delivery import CAPACITY, DeliveryCounters, Encoded, Handler, Subscription, deliver, encode, offer
from neko.tasks import TaskOwner


class Topic:
    """Every subscriber gets every message in order, unless it is 1000 messages behind: the newest are lost then."""

    def __init__(self, name: str, owner: TaskOwner, counters: DeliveryCounters) -> None:
        self._name = name
        self._owner = owner
        self._counters = counters
        self._queues: dict[str, asyncio.Queue[Encoded]] = {}

    def publish(self, message: Mapping[str, Any]) -> bool:
        """True, also when nobody listens; false only after the bus was closed.

        Raises ``BusMessageError`` at once for what is not a JSON message.
        """
        encoded = encode(message)
        if self._owner.closed:
            self._counters.drops[self._name] += 1
            return False
        if not self._queues:
            self._counters.drops[self._name] += 1
        for subscriber, queue in self._queues.items():
            if not offer(queue, encoded):
                self._counters.drops[f"{self._name}:{subscriber}"] += 1
        return True

    def subscribe(self, handler: Handler, name: str) -> Subscription:
        """Get everything published from now on, one message after the other.

        Raises ``ValueError`` when the name is taken, ``RuntimeError`` on a closed bus.
        """
        if name in self._queues:
            raise ValueError(f"{self._name} already has a subscriber called {name}")
        queue: asyncio.Queue[Encoded] = asyncio.Queue(CAPACITY)
        place = f"{self._name}:{name}"
        task = self._owner.spawn(deliver(queue, handler, place, self._counters), name=place)
        self._queues[name] = queue
        return Subscription(lambda: self._forget(name), task)

    def waiting(self) -> dict[str, int]:
        """Messages not handed over yet, by ``<topic>:<subscriber>``."""
        return {f"{self._name}:{name}": queue.qsize() for name, queue in self._queues.items()}

    def _forget(self, name: str) -> None:
        del self._queues[name]
