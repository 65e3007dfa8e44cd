"""Where the packages that never import each other meet: three queues, each with its own promise.

``session`` is a fan-out of facts and loses what nobody hears; ``analyze`` hands work to one
consumer and has it acknowledged; ``agent`` is delivered in order and waits for its handler.
Messages are JSON objects with an ``event_type``; every handler gets a copy of its own, taken
at the moment of publishing. Publishing never blocks. Queues are bounded and count what they
lose. Everything here belongs to one event loop.
"""

from __future__ import annotations

from neko.bus.delivery import (
    CAPACITY,
    BusMessageError,
    DeliveryCounters,
    Encoded,
    Handler,
    Message,
    Subscription,
    decode,
    encode,
)
from neko.bus.ordered_queue import OrderedQueue
from neko.bus.topic import Topic
from neko.bus.work_queue import WorkQueue
from neko.tasks import TaskOwner

__all__ = [
    "CAPACITY",
    "Bus",
    "BusMessageError",
    "Encoded",
    "Handler",
    "Message",
    "OrderedQueue",
    "Subscription",
    "Topic",
    "WorkQueue",
    "decode",
    "encode",
]


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
