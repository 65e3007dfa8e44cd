"""The loop's side of the sockets: messages to send and messages that came, across the two threads."""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from neko.agent.remote.address import Address, Channel, Counts, Peers, prepared
from neko.agent.remote.sockets import Outside, Sockets
from neko.bus import CAPACITY, Message
from neko.bus_errors import RemoteBusError
from neko.tasks import in_thread
from neko.well_formed import dump_json

if TYPE_CHECKING:
    import zmq

logger = logging.getLogger(__name__)

BATCHES: Final = 4
"""What the loop may have still to handle; then ZeroMQ holds what comes, and the other side waits."""
_END_S: Final = 3.0


class Link:
    """``start``, then ``send`` and ``receive``; ``aclose`` ends it. ``on_fault`` is told what keeps it from working,
    and None when it works; ``on_peers`` who is there: both on the loop."""

    def __init__(
        self,
        address: Address,
        on_fault: Callable[[RemoteBusError | None], None],
        on_peers: Callable[[Peers], None],
    ) -> None:
        self.counts = Counts()
        self._address = address
        self._on_fault = on_fault
        self._on_peers = on_peers
        self._out: dict[Channel, deque[bytes]] = {channel: deque() for channel in Channel}
        self._in: asyncio.Queue[tuple[Channel, list[Message]]] = asyncio.Queue()
        self._room = threading.Semaphore(BATCHES)
        self._ends = threading.Event()
        self._woken = threading.Event()
        self._waker: zmq.Socket[bytes] | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Raises ``RemoteBusError``: pyzmq is missing, keys cannot be read, or all would be in the clear elsewhere."""
        curve = await in_thread(prepared, self._address)
        zmq = importlib.import_module("zmq")
        context = self._context = zmq.Context()
        self._waker, wake = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        wake.bind("inproc://wake")
        self._waker.connect("inproc://wake")
        loop = asyncio.get_running_loop()
        outside = Outside(
            waiting=self._out,
            room=self._room,
            ends=self._ends,
            woken=self._woken,
            counts=self.counts,
            came=lambda channel, batch: _on_loop(loop, self._in.put_nowait, (channel, batch)),
            fault=lambda error: _on_loop(loop, self._on_fault, error),
            peers=lambda peers: _on_loop(loop, self._on_peers, peers),
        )
        sockets = Sockets(self._address, curve, context, wake, outside)
        self._thread = threading.Thread(target=sockets.run, name="neko-zmq", daemon=True)
        self._thread.start()

    def send(self, channel: Channel, message: Mapping[str, Any]) -> bool:
        """Never waits; False when a thousand wait already, or when there is no link."""
        waiting = self._out[channel]
        if self._thread is None or len(waiting) >= CAPACITY:
            self.counts.drops[channel.value] += 1
            return False
        waiting.append(dump_json(dict(message)))
        self._wake()
        return True

    def is_full(self, channel: Channel) -> bool:
        """The next message would be lost."""
        return len(self._out[channel]) >= CAPACITY

    async def receive(self) -> tuple[Channel, list[Message]]:
        """What came next; to be followed by ``handled``."""
        return await self._in.get()

    def handled(self) -> None:
        """There is room for more."""
        self._room.release()
        self._wake()

    async def aclose(self) -> None:
        """Send what waits, for a second at most, and close the sockets; idempotent."""
        thread, self._thread = self._thread, None
        if thread is None or self._waker is None or self._context is None:
            return
        self._ends.set()
        self._wake()
        await in_thread(thread.join, _END_S)
        if thread.is_alive():
            logger.error("the ZeroMQ sockets did not close within %.0f s", _END_S)
            return
        self._waker.close()
        await in_thread(self._context.term)

    def _wake(self) -> None:
        if self._waker is not None and not self._woken.is_set():
            self._woken.set()
            with suppress(OSError):
                self._waker.send(b"", 1)  # NOBLOCK


def _on_loop(loop: asyncio.AbstractEventLoop, callback: Callable[[Any], object], argument: Any) -> None:
    with suppress(RuntimeError):  # the loop is gone
        loop.call_soon_threadsafe(callback, argument)
