"""Where the packages that never import each other meet: three queues, each with its own promise.

``session`` is a fan-out of facts and loses what nobody hears; ``analyze`` hands work to one
consumer and has it acknowledged; ``agent`` is delivered in order and waits for its handler.
Messages are JSON objects with an ``event_type``; every handler gets a copy of its own, taken
at the moment of publishing. Publishing never blocks. Queues are bounded and count what they
lose. Everything here belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NewType

from neko.tasks import TaskOwner, is_cancelled

logger = logging.getLogger(__name__)

# ── delivery ────────────────────────────────────────────────────────────────────


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
        except (Exception, asyncio.CancelledError) as error:
            if not isinstance(error, Exception) and is_cancelled():
                raise
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


# ── fan-out ─────────────────────────────────────────────────────────────────────


class Topic:
    """Every subscriber gets every message in order, unless it is 1000 messages behind: the newest are lost then."""

    def __init__(self, name: str, owner: TaskOwner, counters: DeliveryCounters) -> None:
        self._name = name
        self._owner = owner
        self._counters = counters
        self._queues: dict[str, asyncio.Queue[Encoded]] = {}
        self._wanted: dict[str, frozenset[str]] = {}

    def publish(self, message: Mapping[str, Any]) -> bool:
        """True, also when nobody listens; false only after the bus was closed.

        Raises ``BusMessageError`` at once for what is no message, or not JSON when somebody would get it.
        """
        check(message)
        kind = message["event_type"]
        readers = [name for name in self._queues if not (wanted := self._wanted[name]) or kind in wanted]
        if self._queues and not readers and not self._owner.closed:
            return True
        encoded = encode(message)
        if self._owner.closed:
            self._counters.drops[self._name] += 1
            return False
        if not self._queues:
            self._counters.drops[self._name] += 1
        for name in readers:
            if not offer(self._queues[name], encoded):
                self._counters.drops[f"{self._name}:{name}"] += 1
        return True

    def subscribe(self, handler: Handler, name: str, *, only: Iterable[str] = ()) -> Subscription:
        """Get everything published from now on, one message after the other; ``only`` these event types, if any.

        Raises ``ValueError`` when the name is taken, ``RuntimeError`` on a closed bus.
        """
        if name in self._queues:
            raise ValueError(f"{self._name} already has a subscriber called {name}")
        queue: asyncio.Queue[Encoded] = asyncio.Queue(CAPACITY)
        place = f"{self._name}:{name}"
        task = self._owner.spawn(deliver(queue, handler, place, self._counters), name=place)
        self._queues[name] = queue
        self._wanted[name] = frozenset(only)
        return Subscription(lambda: self._forget(name), task)

    def waiting(self) -> dict[str, int]:
        """Messages not handed over yet, by ``<topic>:<subscriber>``."""
        return {f"{self._name}:{name}": queue.qsize() for name, queue in self._queues.items()}

    def _forget(self, name: str) -> None:
        del self._queues[name]
        del self._wanted[name]


# ── requests for one consumer ───────────────────────────────────────────────────


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


# ── messages in order ───────────────────────────────────────────────────────────


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

    @property
    def is_full(self) -> bool:
        """The next message would be refused."""
        return self._queue.full()

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

    async def settled(self, timeout_s: float) -> None:
        """Wait until all that was published has been handled, if somebody handles it."""
        if self._attached:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._queue.join()

    async def drain(self, timeout_s: float) -> None:
        """Take nothing more and wait until all has been handled; what is left then is dropped."""
        self._closed = True
        if self.waiting()[self._name]:
            await self.settled(timeout_s)
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


# ── the bus ─────────────────────────────────────────────────────────────────


class Bus:
    """The three queues of one Neko. Handlers run as tasks of the bus; a failing one harms nobody."""

    def __init__(self) -> None:
        self._owner = TaskOwner("bus")
        self._counters = DeliveryCounters()
        self.session = Topic("session", self._owner, self._counters)
        self.analyze = WorkQueue("analyze", self._owner, self._counters)
        self.agent = OrderedQueue("agent", self._owner, self._counters)

    def snapshot(self) -> dict[str, dict[str, int]]:
        """Counts by place since the start, and the present lengths of the queues.

        ``drops``: messages that met a full queue, were unheard, refused or left over at the end;
        ``failures``: handler calls that raised; ``waiting``: messages not handled yet.
        """
        return {
            "drops": dict(self._counters.drops),
            "failures": dict(self._counters.failures),
            "waiting": self.session.waiting() | self.analyze.waiting() | self.agent.waiting(),
        }

    async def aclose(self, timeout_s: float = 2.0) -> None:
        """Deliver what waits on ``agent``, at most ``timeout_s`` seconds long, then end; idempotent."""
        await self.agent.drain(timeout_s)
        self.analyze.close()
        await self._owner.aclose(timeout_s)
