"""What the queues of the bus share: the form of a message, how one is handed over, what is counted."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NewType

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Handler = Callable[[Message], Awaitable[None] | None]
Encoded = NewType("Encoded", str)
"""A message as it was at the moment of publishing; every handler gets a copy decoded from it."""

CAPACITY: Final = 1000
"""Messages that one queue holds."""


class BusMessageError(TypeError):
    """What was published is not a JSON object with an ``event_type``; a defect of the publisher."""


class DeliveryCounters:
    """What was lost, and which handlers failed, by place: a queue's name, or ``<queue>:<subscriber>``."""

    def __init__(self) -> None:
        self.drops: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()

    async def run(self, place: str, handler: Handler, message: Message) -> None:
        """Call a handler; a failure is logged and counted, and ends there."""
        try:
            pending = handler(message)
            if pending is not None:
                await pending
        except Exception:
            self.failures[place] += 1
            logger.exception("the handler of %s failed on %s", place, message.get("event_type"))


class Subscription:
    """A handler's place on the bus until ``close``."""

    def __init__(self, leave: Callable[[], None], task: asyncio.Task[None]) -> None:
        self._leave = leave
        self._task = task
        self._closed = False

    def close(self) -> None:
        """Get nothing more, at once; a call that is running is cancelled. Idempotent."""
        if not self._closed:
            self._closed = True
            self._leave()
            self._task.cancel()


def check(message: Mapping[str, Any]) -> None:
    """Raise ``BusMessageError`` for what is not an object with an ``event_type``."""
    if not isinstance(message, Mapping) or not isinstance(message.get("event_type"), str):
        raise BusMessageError("a bus message is an object with an event_type")


def encode(message: Mapping[str, Any]) -> Encoded:
    """Raises ``BusMessageError`` for what is not a JSON message."""
    check(message)
    try:
        return Encoded(json.dumps(dict(message), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise BusMessageError(f"a {message['event_type']} message is not JSON: {error}") from error


def decode(encoded: Encoded) -> Message:
    message: Message = json.loads(encoded)
    return message


def offer(queue: asyncio.Queue[Encoded], encoded: Encoded) -> bool:
    """Put a message into a queue; false when it is full."""
    if queue.full():
        return False
    queue.put_nowait(encoded)
    return True


async def deliver(queue: asyncio.Queue[Encoded], handler: Handler, place: str, counters: DeliveryCounters) -> None:
    """Hand over message after message, for as long as the task runs."""
    while True:
        await counters.run(place, handler, decode(await queue.get()))
