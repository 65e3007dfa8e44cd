"""The three ZeroMQ sockets, in a thread that alone touches them.

A thread, because ZeroMQ for asyncio does not run on the loop that Windows has. Names, types and options are those of
the contract (``contract/bus.md`` §1), but that a peer which is gone is noticed, and frames have a largest size.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from neko.agent.remote.address import Address, Channel, Counts, Peers
from neko.agent.remote.keys import CurveKeys
from neko.bus import Message
from neko.bus_errors import RemoteBusError
from neko.well_formed import load_json

if TYPE_CHECKING:
    import zmq

logger = logging.getLogger(__name__)

LINGER_MS: Final = 1000
LARGEST: Final = 8 * 1024 * 1024
"""Bytes of one message; who sends a larger one is cut off."""
BATCH: Final = 256
"""Frames that go to the loop at once."""
BIND_AGAIN_MS: Final = 2000
DOMAIN: Final = "neko"
_HEARTBEAT_MS: Final = 5000
_TYPES: Final = {
    "main": {Channel.SESSION: "PUB", Channel.AGENT: "PULL", Channel.ANALYZE: "PUSH"},
    "agent": {Channel.SESSION: "SUB", Channel.AGENT: "PUSH", Channel.ANALYZE: "PULL"},
}
_RECEIVING: Final = ("PULL", "SUB")
_EVENTS: Final = (
    "EVENT_HANDSHAKE_SUCCEEDED",
    "EVENT_DISCONNECTED",
    "EVENT_HANDSHAKE_FAILED_NO_DETAIL",
    "EVENT_HANDSHAKE_FAILED_PROTOCOL",
    "EVENT_HANDSHAKE_FAILED_AUTH",
)


@dataclass(frozen=True, slots=True)
class Outside:
    """What the sockets share with the thread of the loop. ``waiting``: what is to be sent; ``room``: for batches that
    the loop has still to handle; ``woken``: the thread has been told to look. The last three are calls to the loop."""

    waiting: Mapping[Channel, deque[bytes]]
    room: threading.Semaphore
    ends: threading.Event
    woken: threading.Event
    counts: Counts
    came: Callable[[Channel, list[Message]], None]
    fault: Callable[[RemoteBusError | None], None]
    peers: Callable[[Peers], None]


class Sockets:
    """``run`` opens them, works until it is told to end, and closes them."""

    def __init__(
        self,
        address: Address,
        curve: CurveKeys | None,
        context: zmq.Context[zmq.Socket[bytes]],
        wake: zmq.Socket[bytes],
        outside: Outside,
    ) -> None:
        self._zmq = importlib.import_module("zmq")
        self._address = address
        self._curve = curve
        self._context = context
        self._wake = wake
        self._outside = outside
        self._sockets: dict[Channel, zmq.Socket[bytes]] = {}
        self._monitors: dict[Channel, zmq.Socket[bytes]] = {}
        self._peers: dict[Channel, int] = dict.fromkeys(Channel, 0)
        self._strangers: dict[Channel, int] = dict.fromkeys(Channel, 0)
        self._doorkeeper: _Doorkeeper | None = None
        self._stuck: set[Channel] = set()
        self._has_room = True

    def run(self) -> None:
        try:
            if self._curve is not None and self._address.role == "main":
                self._doorkeeper = _Doorkeeper(self._context, self._curve)
            while not self._outside.ends.is_set() and not self._open():
                self._close()
                self._wake.poll(BIND_AGAIN_MS)
                self._take_wake()
            while not self._outside.ends.is_set():
                self._step()
            self._send_waiting()
        except Exception:
            logger.exception("the ZeroMQ sockets failed")
            self._outside.fault(RemoteBusError("broken", "the sockets failed"))
        finally:
            self._close()
            if self._doorkeeper is not None:
                self._doorkeeper.close()
            self._wake.close(0)

    # ── opening and closing ───────────────────────────────────────────────────

    def _open(self) -> bool:
        """False when an address cannot be had; the fault says which."""
        for channel, kind in _TYPES[self._address.role].items():
            endpoint = self._address.endpoint(channel)
            socket = self._sockets[channel] = self._made(kind)
            self._monitors[channel] = socket.get_monitor_socket(sum(getattr(self._zmq, event) for event in _EVENTS))
            try:
                socket.bind(endpoint) if self._address.role == "main" else socket.connect(endpoint)
            except self._zmq.ZMQError as error:
                self._outside.fault(self._not_opened(channel, error))
                return False
        self._outside.fault(None)
        return True

    def _made(self, kind: str) -> zmq.Socket[bytes]:
        options = self._zmq
        socket: zmq.Socket[bytes] = self._context.socket(getattr(options, kind))
        socket.setsockopt(options.LINGER, LINGER_MS)
        socket.setsockopt(options.MAXMSGSIZE, LARGEST)
        socket.setsockopt(options.HEARTBEAT_IVL, _HEARTBEAT_MS)
        socket.setsockopt(options.IPV6, ":" in self._address.host)
        if kind == "SUB":
            socket.setsockopt(options.SUBSCRIBE, b"")
        if self._curve is not None:
            socket.curve_publickey, socket.curve_secretkey = self._curve.public, self._curve.secret
            if self._address.role == "main":
                socket.curve_server = True
                socket.zap_domain = DOMAIN.encode()
            else:
                socket.curve_serverkey = self._curve.main
        return socket

    def _not_opened(self, channel: Channel, error: zmq.ZMQError) -> RemoteBusError:
        port, host = self._address.ports[channel], self._address.host
        if error.errno == self._zmq.EADDRINUSE:
            return RemoteBusError("port", f"port {port} is in use", port=port)
        return RemoteBusError("address", f"{host}:{port}: {error}", host=host, port=port)

    def _close(self) -> None:
        for channel, socket in self._sockets.items():
            with suppress(self._zmq.ZMQError):
                socket.disable_monitor()
            self._monitors[channel].close(0)
            socket.close()
        self._sockets, self._monitors = {}, {}

    # ── working ───────────────────────────────────────────────────────────────

    def _step(self) -> None:
        """Wait for anything to happen, and see to it."""
        poller, incoming, outgoing = self._zmq.Poller(), self._zmq.POLLIN, self._zmq.POLLOUT
        poller.register(self._wake, incoming)
        for monitor in self._monitors.values():
            poller.register(monitor, incoming)
        if self._doorkeeper is not None:
            poller.register(self._doorkeeper.socket, incoming)
        receiving = {self._sockets[one]: one for one, kind in self._kinds.items() if kind in _RECEIVING}
        if self._has_room:
            for socket in receiving:
                poller.register(socket, incoming)
        for channel in self._stuck:
            poller.register(self._sockets[channel], outgoing)
        ready = dict(poller.poll())
        if self._wake in ready:
            self._take_wake()
        if self._doorkeeper is not None and self._doorkeeper.socket in ready:
            self._doorkeeper.answer()
        self._watch(ready)
        for socket, channel in receiving.items():
            if ready.get(socket, 0) & incoming:
                self._take(channel, socket)
        self._send_waiting()

    @property
    def _kinds(self) -> Mapping[Channel, str]:
        return _TYPES[self._address.role]

    def _take_wake(self) -> None:
        """What was wanted before the flag is cleared is seen to after it."""
        with suppress(self._zmq.Again):
            while True:
                self._wake.recv(self._zmq.NOBLOCK)
        self._outside.woken.clear()
        self._has_room = True

    def _take(self, channel: Channel, socket: zmq.Socket[bytes]) -> None:
        """Hand the loop what has come; without room it is left with ZeroMQ until the loop says that there is."""
        if not self._outside.room.acquire(blocking=False):
            self._has_room = False
            return
        batch: list[Message] = []
        with suppress(self._zmq.Again):
            for _ in range(BATCH):
                message = message_of(socket.recv_multipart(self._zmq.NOBLOCK))
                if message is None:
                    self._outside.counts.malformed[channel.value] += 1
                else:
                    batch.append(message)
        self._outside.counts.received[channel.value] += len(batch)
        self._outside.came(channel, batch)

    def _send_waiting(self) -> None:
        self._stuck.clear()
        for channel, waiting in self._outside.waiting.items():
            while waiting:
                if not self._send(channel, waiting[0]):
                    break
                waiting.popleft()

    def _send(self, channel: Channel, frame: bytes) -> bool:
        """False when the frame has to wait: that of an agent for its main. A main without an agent refuses requests."""
        socket = self._sockets.get(channel)
        if socket is None:
            self._outside.counts.drops[channel.value] += 1
            return True
        try:
            socket.send(frame, self._zmq.NOBLOCK)
        except self._zmq.Again:
            if self._address.role == "agent" and self._peers[channel]:
                self._stuck.add(channel)
                return False
            self._outside.counts.drops[channel.value] += 1
        else:
            self._outside.counts.sent[channel.value] += 1
        return True

    # ── who is there ──────────────────────────────────────────────────────────

    def _watch(self, ready: Mapping[Any, int]) -> None:
        changed = False
        for channel, monitor in self._monitors.items():
            if monitor not in ready:
                continue
            with suppress(self._zmq.Again):
                while True:
                    event = int.from_bytes(monitor.recv_multipart(self._zmq.NOBLOCK)[0][:2], "little")
                    changed |= self._noted(channel, event)
        if changed:
            self._outside.peers(dict(self._peers))

    def _noted(self, channel: Channel, event: int) -> bool:
        """Did the number of peers change? Who does not get through the handshake is disconnected, too."""
        zmq = self._zmq
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._peers[channel] += 1
            if self._address.role == "agent":
                self._outside.fault(None)
            return True
        if event == zmq.EVENT_DISCONNECTED:
            listed = self._strangers if self._strangers[channel] else self._peers
            listed[channel] = max(0, listed[channel] - 1)
            return listed is self._peers
        self._strangers[channel] += 1
        self._outside.counts.refused += 1
        if self._address.role == "agent" and event != zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            self._outside.fault(RemoteBusError("refused", "the main does not take the keys"))
        return False


class _Doorkeeper:
    """Lets in whose public key lies in the folder (ZAP, by pyzmq)."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], curve: CurveKeys) -> None:
        auth = importlib.import_module("zmq.auth")
        self._authenticator = auth.Authenticator(context)
        self._authenticator.start()
        self._authenticator.configure_curve(domain=DOMAIN, location=curve.folder)
        self._runner = asyncio.Runner()

    @property
    def socket(self) -> zmq.Socket[bytes]:
        found: zmq.Socket[bytes] = self._authenticator.zap_socket
        return found

    def answer(self) -> None:
        self._runner.run(self._authenticator.handle_zap_message(self.socket.recv_multipart()))

    def close(self) -> None:
        self._authenticator.stop()
        self._runner.close()


def message_of(frames: list[bytes]) -> Message | None:
    """One frame that is a JSON object with an ``event_type``; None for anything else."""
    if len(frames) != 1:
        return None
    try:
        value = load_json(frames[0])
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("event_type"), str):
        return None
    return value
