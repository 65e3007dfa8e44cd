"""Requests for one consumer: acknowledged on receipt, repeated when they are not, worked on once."""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from neko.bus.delivery import (
    CAPACITY,
    DeliveryCounters,
    Encoded,
    Handler,
    Message,
    Subscription,
    check,
    decode,
    deliver,
    encode,
    offer,
)
from neko.tasks import TaskOwner

Keys = Callable[[Message], Iterable[Hashable]]


def no_keys(_message: Message) -> Iterable[Hashable]:
    """A request is known by its ``event_id`` alone."""
    return ()


class WorkQueue:
    """Up to 1000 acknowledged requests wait for the one consumer; the next ones are refused."""

    def __init__(self, name: str, owner: TaskOwner, counters: DeliveryCounters) -> None:
        self._name = name
        self._owner = owner
        self._counters = counters
        self._pending: set[_Pending] = set()
        self._recent = _RecentKeys()
        self._consumer: _Consumer | None = None

    async def request(self, message: Mapping[str, Any], ack_timeout_s: float = 0.5, retries: int = 1) -> bool:
        """Hand over work; true once it is acknowledged, which says received, not done.

        A missing ``event_id`` is added; it stays the same in every attempt. False at once when
        there is no consumer or it is 1000 requests behind, else after ``retries + 1`` attempts of
        ``ack_timeout_s`` seconds each. Raises ``BusMessageError`` for what is not a JSON message.
        """
        check(message)
        event_id = str(message.get("event_id") or uuid.uuid4().hex)
        encoded = encode({**message, "event_id": event_id})
        with self._awaiting(event_id) as acked:
            for _ in range(retries + 1):
                if acked.done() or self._consumer is None or not self._consumer.accept(encoded):
                    break
                await asyncio.wait((acked,), timeout=ack_timeout_s)
            delivered = acked.done() and acked.result()
        if not delivered:
            self._counters.drops[self._name] += 1
        return delivered

    def ack(self, event_id: str) -> None:
        """Acknowledge a request; an unknown or already acknowledged id is ignored."""
        for pending in self._pending:
            if pending.event_id == event_id:
                pending.answer(True)

    def consume(self, handler: Handler, keys: Keys = no_keys) -> Subscription:
        """Work on requests, one at a time; each is acknowledged before work on it begins.

        A request that was seen before is acknowledged and not worked on again: it is known by its
        ``event_id`` and by what ``keys(request)`` gives, any one of them (the last 1000 are kept).
        Raises ``RuntimeError`` when there is a consumer already, or on a closed bus.
        """
        backlog: asyncio.Queue[Encoded] = asyncio.Queue(CAPACITY)

        def accept(encoded: Encoded) -> bool:
            request = decode(encoded)
            event_id = request["event_id"]
            identity = [("event_id", event_id), *keys(request)]
            if not self._recent.has_any(identity):
                if not offer(backlog, encoded):
                    return False
                self._recent.add(identity)
            self.ack(event_id)
            return True

        return self._attach(_Consumer(accept, backlog, acknowledged=True), handler)

    def receive(self, receiver: Handler) -> Subscription:
        """Get the bare requests, repetitions included, and call ``ack`` for them yourself.

        For a consumer that lives elsewhere and is reached by other means. Raises ``RuntimeError``
        when there is a consumer already, or on a closed bus.
        """
        inbox: asyncio.Queue[Encoded] = asyncio.Queue(CAPACITY)
        return self._attach(_Consumer(lambda encoded: offer(inbox, encoded), inbox, acknowledged=False), receiver)

    def waiting(self) -> dict[str, int]:
        """Requests not handed over yet, by queue."""
        return {self._name: self._consumer.queue.qsize() if self._consumer else 0}

    def close(self) -> None:
        """Let the consumer go and every request, waiting or to come, return false.

        Acknowledged requests that nobody has begun to work on are counted as lost.
        """
        consumer, self._consumer = self._consumer, None
        if consumer and consumer.acknowledged and (left := consumer.queue.qsize()):
            self._counters.drops[self._name] += left
        for pending in self._pending:
            pending.answer(False)

    def _attach(self, consumer: _Consumer, handler: Handler) -> Subscription:
        if self._consumer is not None:
            raise RuntimeError(f"{self._name} already has its consumer")
        task = self._owner.spawn(deliver(consumer.queue, handler, self._name, self._counters), name=self._name)
        self._consumer = consumer
        return Subscription(self.close, task)

    @contextmanager
    def _awaiting(self, event_id: str) -> Iterator[asyncio.Future[bool]]:
        pending = _Pending(event_id, asyncio.get_running_loop().create_future())
        self._pending.add(pending)
        try:
            yield pending.acked
        finally:
            self._pending.discard(pending)


@dataclass(frozen=True, slots=True)
class _Consumer:
    """``accept`` takes a request or says false; ``acknowledged``: what waits in ``queue`` has been acknowledged."""

    accept: Callable[[Encoded], bool]
    queue: asyncio.Queue[Encoded]
    acknowledged: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Pending:
    """A request whose sender waits for the acknowledgement."""

    event_id: str
    acked: asyncio.Future[bool]

    def answer(self, received: bool) -> None:
        if not self.acked.done():
            self.acked.set_result(received)


class _RecentKeys:
    """The last 1000 keys seen."""

    def __init__(self) -> None:
        self._keys: OrderedDict[Hashable, None] = OrderedDict()

    def has_any(self, keys: Iterable[Hashable]) -> bool:
        return any(key in self._keys for key in keys)

    def add(self, keys: Iterable[Hashable]) -> None:
        for key in keys:
            self._keys[key] = None
        while len(self._keys) > CAPACITY:
            self._keys.popitem(last=False)
