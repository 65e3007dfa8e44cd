"""Where the rooms that never import each other meet: three topics, each with its own promise.

``session`` tells everyone who listens and loses what nobody hears; ``analyze`` hands work to one
consumer and has it acknowledged; ``agent`` is delivered in order and waits for its listener.
Messages are JSON objects with an ``event_type``; every listener gets a copy of its own, taken
at the moment of publishing. Publishing never blocks. Queues are bounded and count what they
lose. Everything here belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import Any, Final

from neko.tasks import TaskOwner

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Handler = Callable[[Message], Awaitable[None] | None]

CAPACITY: Final = 1000
TERMINAL: Final = frozenset(("completed", "failed", "cancelled"))


class BusMessageError(TypeError):
    """What was published is not a JSON object with an ``event_type``; a defect of the publisher."""


class DeliveryCounters:
    """What was lost, and which handlers failed, by place."""

    def __init__(self) -> None:
        self.drops: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()

    async def run(self, place: str, handler: Handler, message: Message) -> None:
        """Call a handler; a failure is logged and counted, and ends there."""
        try:
            waiting = handler(message)
            if waiting is not None:
                await waiting
        except Exception:
            self.failures[place] += 1
            logger.exception("the handler of %s failed on %s", place, message.get("event_type"))


class Subscription:
    """A handler's place on the bus until ``close``."""

    def __init__(self, leave: Callable[[], None], *tasks: asyncio.Task[None]) -> None:
        self._leave = leave
        self._tasks = tasks

    def close(self) -> None:
        """Hear nothing more, at once; a call that is running is cancelled. Idempotent."""
        self._leave()
        for task in self._tasks:
            task.cancel()


class _Mailbox:
    """A bounded queue of encoded messages with one reader."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, encoded: str) -> bool:
        if len(self._waiting) >= CAPACITY:
            return False
        self._waiting.append(encoded)
        self._filled.set()
        self._emptied.clear()
        return True

    async def emptied(self) -> None:
        await self._emptied.wait()

    async def first(self) -> Message:
        """The oldest message, which stays until ``remove_first``."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        message: Message = json.loads(self._waiting[0])
        return message

    def remove_first(self) -> None:
        self._waiting.popleft()
        if not self._waiting:
            self._emptied.set()

    def clear(self) -> None:
        self._waiting.clear()
        self._emptied.set()


class Topic:
    """Fan-out: every subscriber hears every message, unless it is 1000 messages behind."""

    def __init__(self, name: str, owner: TaskOwner, ledger: DeliveryCounters) -> None:
        self._name = name
        self._owner = owner
        self._ledger = ledger
        self._mailboxes: dict[str, _Mailbox] = {}

    def publish(self, message: Mapping[str, Any]) -> bool:
        """True, also when nobody listens; false only after the bus was closed.

        Raises ``BusMessageError`` at once for what is not a JSON message.
        """
        encoded = _encode(message)
        if self._owner.closed:
            self._ledger.drops[self._name] += 1
            return False
        if not self._mailboxes:
            self._ledger.drops[self._name] += 1
        for name, mailbox in self._mailboxes.items():
            if not mailbox.put(encoded):
                self._ledger.drops[f"{self._name}:{name}"] += 1
        return True

    def subscribe(self, handler: Handler, name: str) -> Subscription:
        """Hear everything published from now on, one message after the other.

        Raises ``ValueError`` when the name is taken, ``RuntimeError`` on a closed bus.
        """
        if name in self._mailboxes:
            raise ValueError(f"{self._name} already has a subscriber called {name}")
        mailbox = _Mailbox()
        place = f"{self._name}:{name}"
        task = self._owner.spawn(_deliver(mailbox, handler, place, self._ledger), name=place)
        self._mailboxes[name] = mailbox
        return Subscription(lambda: self._forget(name, mailbox), task)

    def _forget(self, name: str, mailbox: _Mailbox) -> None:
        if self._mailboxes.get(name) is mailbox:
            del self._mailboxes[name]


class WorkQueue:
    """Requests for one consumer, acknowledged on receipt and worked on one after the other."""

    def __init__(self, name: str, owner: TaskOwner, ledger: DeliveryCounters) -> None:
        self._name = name
        self._owner = owner
        self._ledger = ledger
        self._inbox: _Mailbox | None = None
        self._waiters: dict[str, set[asyncio.Future[bool]]] = {}
        self._seen = _Recent()

    async def request(self, message: Mapping[str, Any], ack_timeout: float = 0.5, retries: int = 1) -> bool:
        """Hand over work; true once it is acknowledged, which says received, not done.

        A missing ``event_id`` is added; it stays the same in every attempt. False at once when
        there is no consumer or it is 1000 requests behind, else after ``retries + 1`` attempts of
        ``ack_timeout`` seconds each. Raises ``BusMessageError`` for what is not a JSON message.
        """
        _check(message)
        event_id = str(message.get("event_id") or uuid.uuid4().hex)
        encoded = _encode({**message, "event_id": event_id})
        acked: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(event_id, set())
        waiters.add(acked)
        try:
            for _ in range(retries + 1):
                if self._inbox is None:
                    break
                if self._inbox.put(encoded):
                    await asyncio.wait((acked,), timeout=ack_timeout)
                if acked.done():
                    break
        finally:
            waiters.discard(acked)
            if not waiters:
                self._waiters.pop(event_id, None)
        delivered = acked.done() and acked.result()
        if not delivered:
            self._ledger.drops[self._name] += 1
        return delivered

    def ack(self, event_id: str) -> None:
        """Acknowledge a request; an unknown or already acknowledged id is ignored."""
        self._answer(self._waiters.get(event_id, set()), True)

    def consume(self, handler: Handler) -> Subscription:
        """Work on requests, one at a time; each is acknowledged before work on it begins.

        A request that was seen before is acknowledged and not worked on again: it is known by its
        ``event_id``, and by its ``lanlan_name`` and ``turn_id`` where it names a turn.
        Raises ``RuntimeError`` when there is a consumer already, or on a closed bus.
        """
        backlog = _Mailbox()

        def accept(message: Message) -> None:
            keys = _work_keys(message)
            if not self._seen.any_of(keys):
                if not backlog.put(_encode(message)):
                    return
                self._seen.add(keys)
            self.ack(message["event_id"])

        reception = self.receive(accept)
        work = self._owner.spawn(_deliver(backlog, handler, self._name, self._ledger), name=self._name)

        def leave() -> None:
            self._ledger.drops[self._name] += len(backlog)
            backlog.clear()
            reception.close()

        return Subscription(leave, work)

    def receive(self, receiver: Handler) -> Subscription:
        """Hear the bare requests, repetitions included, and call ``ack`` for them yourself.

        For a consumer that lives elsewhere and is reached by other means. Raises ``RuntimeError``
        when there is a consumer already, or on a closed bus.
        """
        if self._inbox is not None:
            raise RuntimeError(f"{self._name} already has its consumer")
        inbox = _Mailbox()
        task = self._owner.spawn(
            _deliver(inbox, receiver, f"{self._name}:reception", self._ledger), name=f"{self._name}:reception"
        )
        self._inbox = inbox
        return Subscription(lambda: self._leave(inbox), task)

    def refuse_all(self) -> None:
        """Let the consumer go and every request, waiting or to come, return false."""
        self._inbox = None
        for waiters in self._waiters.values():
            self._answer(waiters, False)

    def _leave(self, inbox: _Mailbox) -> None:
        if self._inbox is inbox:
            self.refuse_all()

    @staticmethod
    def _answer(waiters: set[asyncio.Future[bool]], answer: bool) -> None:
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(answer)


class OrderedQueue:
    """Everything in order to one handler; up to 1000 messages wait for it to be attached.

    The terminal ``task_update`` of a task comes before its ``task_result``: a result published
    first waits for it, at most ``PATIENCE`` seconds.
    """

    PATIENCE: Final = 1.0

    def __init__(self, name: str, owner: TaskOwner, ledger: DeliveryCounters) -> None:
        self._name = name
        self._owner = owner
        self._ledger = ledger
        self._mailbox = _Mailbox()
        self._attached = False
        self._closed = False
        self._running: OrderedDict[str, None] = OrderedDict()
        self._held: dict[str, tuple[asyncio.TimerHandle, list[str]]] = {}

    def publish(self, message: Mapping[str, Any]) -> bool:
        """False when 1000 messages wait already, or after the bus began to close.

        Raises ``BusMessageError`` at once for what is not a JSON message.
        """
        encoded = _encode(message)
        waiting = len(self._mailbox) + sum(len(results) for _, results in self._held.values())
        if self._closed or waiting >= CAPACITY:
            self._ledger.drops[self._name] += 1
            return False
        task_id = message.get("task_id")
        if message["event_type"] == "task_result" and task_id in self._running:
            self._hold(str(task_id), encoded)
            return True
        self._mailbox.put(encoded)
        if message["event_type"] == "task_update":
            self._follow(message.get("task"))
        return True

    def attach(self, handler: Handler) -> Subscription:
        """Be given what waits and all that follows. After ``close`` messages wait again; the one
        that was being handled comes again.

        Raises ``RuntimeError`` when there is a handler already, or on a closed bus.
        """
        if self._attached:
            raise RuntimeError(f"{self._name} already has its handler")
        task = self._owner.spawn(self._deliver_whole(handler), name=self._name)
        self._attached = True
        here = [True]

        def leave() -> None:
            if here:
                here.clear()
                self._attached = False

        return Subscription(leave, task)

    async def drain(self, timeout: float) -> None:
        """Take nothing more and wait until all has been handled; what is left then is dropped."""
        self._closed = True
        for task_id in list(self._held):
            self._release(task_id)
        if self._attached:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._mailbox.emptied()
        if left := len(self._mailbox):
            self._ledger.drops[self._name] += left
            self._mailbox.clear()
            logger.warning("%d messages on %s were not delivered before the end", left, self._name)

    async def _deliver_whole(self, handler: Handler) -> None:
        while True:
            message = await self._mailbox.first()
            await self._ledger.run(self._name, handler, message)
            self._mailbox.remove_first()

    def _follow(self, task: object) -> None:
        """Keep in mind which tasks are running, the last 1000 of them."""
        if not isinstance(task, Mapping):
            return
        task_id = str(task.get("id"))
        if task.get("status") in TERMINAL:
            self._running.pop(task_id, None)
            self._release(task_id)
        else:
            self._running[task_id] = None
            if len(self._running) > CAPACITY:
                self._running.popitem(last=False)

    def _hold(self, task_id: str, encoded: str) -> None:
        if task_id in self._held:
            self._held[task_id][1].append(encoded)
            return
        timer = asyncio.get_running_loop().call_later(self.PATIENCE, self._release, task_id)
        self._held[task_id] = (timer, [encoded])

    def _release(self, task_id: str) -> None:
        if task_id not in self._held:
            return
        timer, results = self._held.pop(task_id)
        timer.cancel()
        for encoded in results:
            self._mailbox.put(encoded)


class Bus:
    """The three topics of one Neko. Handlers run as tasks of the bus; a failing one harms nobody."""

    def __init__(self) -> None:
        self._owner = TaskOwner("bus")
        self._ledger = DeliveryCounters()
        self.session = Topic("session", self._owner, self._ledger)
        self.analyze = WorkQueue("analyze", self._owner, self._ledger)
        self.agent = OrderedQueue("agent", self._owner, self._ledger)

    def drops(self) -> dict[str, int]:
        """Messages lost, by topic: full, unheard, refused or left over at the end."""
        return dict(self._ledger.drops)

    def failures(self) -> dict[str, int]:
        """Handler calls that raised, by topic and subscriber."""
        return dict(self._ledger.failures)

    async def aclose(self, timeout: float = 2.0) -> None:
        """Deliver what waits on ``agent``, at most ``timeout`` seconds long, then end; idempotent."""
        await self.agent.drain(timeout)
        self.analyze.refuse_all()
        await self._owner.aclose(timeout)


class _Recent:
    """The last 1000 things seen."""

    def __init__(self) -> None:
        self._keys: OrderedDict[Hashable, None] = OrderedDict()

    def any_of(self, keys: Iterable[Hashable]) -> bool:
        return any(key in self._keys for key in keys)

    def add(self, keys: Iterable[Hashable]) -> None:
        for key in keys:
            self._keys[key] = None
        while len(self._keys) > CAPACITY:
            self._keys.popitem(last=False)


def _work_keys(message: Message) -> list[Hashable]:
    keys: list[Hashable] = [("event", str(message["event_id"]))]
    if message.get("turn_id"):
        keys.append(("turn", str(message.get("lanlan_name")), str(message["turn_id"])))
    return keys


async def _deliver(mailbox: _Mailbox, handler: Handler, place: str, ledger: DeliveryCounters) -> None:
    while True:
        message = await mailbox.first()
        mailbox.remove_first()
        await ledger.run(place, handler, message)


def _check(message: Mapping[str, Any]) -> None:
    if not isinstance(message, Mapping) or not isinstance(message.get("event_type"), str):
        raise BusMessageError("a bus message is an object with an event_type")


def _encode(message: Mapping[str, Any]) -> str:
    _check(message)
    try:
        return json.dumps(dict(message), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BusMessageError(f"a {message['event_type']} message is not JSON: {error}") from error
