"""The WebSocket of one realtime session: events as JSON, out in order through a bounded queue, in to one handler."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import uuid4

from neko.net import Network, WebSocket, WebSocketClosedError
from neko.tasks import TaskOwner
from neko.well_formed import dump_json, load_json

logger = logging.getLogger(__name__)

PURPOSE: Final = "realtime"
LARGEST_MESSAGE: Final = 16 * 1024 * 1024
MOST_WAITING_BYTES: Final = 256 * 1024
"""Sound beyond this waits with who sends it: four seconds at 24 kHz, in base64."""
MOST_WAITING: Final = 512
"""Messages of any kind; more means that the provider takes nothing any more."""
PING_EVERY_S: Final = 5.0
PONG_TIMEOUT_S: Final = 10.0
"""Whoever speaks into a network that has gone dark learns it within the two."""
_CLOSE_TIMEOUT_S: Final = 1.5

OnEvent = Callable[[Mapping[str, Any]], Awaitable[None] | None]
"""Gets each event of the provider; what it returns is waited for before the next is read."""
Decode = Callable[[bytes], Mapping[str, Any] | None]
"""A message as an event; None for what is none."""
OnEnd = Callable[[Exception], None]
"""Told once that the connection is over: by the peer, by a fault, or because it takes nothing any more."""


class RealtimeConnection:
    """``send`` and ``send_sound`` never wait; ``room`` does, for who has much to send."""

    def __init__(
        self,
        socket: WebSocket,
        owner: TaskOwner,
        name: str,
        on_event: OnEvent,
        on_end: OnEnd,
        decode: Decode,
    ) -> None:
        self._socket = socket
        self._decode = decode
        self._on_event = on_event
        self._on_end = on_end
        self._ended = False
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._prefix = f"event_{uuid4().hex[:12]}_"
        self._count = 0
        self._tasks = (
            owner.spawn(self._write(), name=f"send to {name}"),
            owner.spawn(self._read(), name=f"hear {name}"),
        )

    @classmethod
    async def open(
        cls,
        network: Network,
        url: str,
        headers: Mapping[str, str],
        *,
        owner: TaskOwner,
        name: str,
        on_event: OnEvent,
        on_end: OnEnd,
        timeout_s: float,
        decode: Decode | None = None,
    ) -> RealtimeConnection:
        """Raises what ``Network.websocket`` raises."""
        socket = await network.websocket(
            PURPOSE,
            url,
            headers=headers,
            open_timeout_s=timeout_s,
            largest_message=LARGEST_MESSAGE,
            ping_every_s=PING_EVERY_S,
            pong_timeout_s=PONG_TIMEOUT_S,
        )
        return cls(socket, owner, name, on_event, on_end, decode or _event)

    def send(self, kind: str, **fields: Any) -> str:
        """Queue an event; returns its id, which is never used twice."""
        event_id = self._next_id()
        self.put(dump_json({"event_id": event_id, "type": kind, **fields}))
        return event_id

    def send_sound(self, pcm: bytes) -> None:
        """Queue a piece of the microphone's sound: the hot path, so its JSON is put together by hand."""
        self.put(
            b'{"event_id":"%b","type":"input_audio_buffer.append","audio":"%b"}'
            % (self._next_id().encode(), b64encode(pcm))
        )

    async def room(self) -> None:
        """Wait until sound may be sent again."""
        await self._emptied.wait()

    async def aclose(self) -> None:
        """Send what waits, unless the connection is over, say goodbye and end; idempotent. Nothing is told to
        ``on_end``."""
        is_over, self._ended = self._ended, True
        self._emptied.set()
        writes, _ = self._tasks
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                if not is_over:
                    self._filled.set()
                    await asyncio.wait([writes])
                await self._socket.aclose()
        except (TimeoutError, OSError) as error:
            logger.debug("a realtime session was not closed in order: %s", type(error).__name__)
        finally:
            for task in others:
                task.cancel()
        await asyncio.wait(others, timeout=1.0)

    def _next_id(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count}"

    def put(self, message: bytes) -> None:
        """Queue a message that is JSON already."""
        if self._ended:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._end(ConnectionError("it takes nothing any more"))
            return
        self._waiting.append(message)
        self._bytes += len(message)
        if self._bytes > MOST_WAITING_BYTES:
            self._emptied.clear()
        self._filled.set()

    def _end(self, error: Exception) -> None:
        if not self._ended:
            self._ended = True
            self._emptied.set()
            self._on_end(error)

    async def _write(self) -> None:
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                while self._waiting:
                    message = self._waiting.popleft()
                    self._bytes -= len(message)
                    await self._socket.send_text(message)
                    if self._bytes <= MOST_WAITING_BYTES // 2:
                        self._emptied.set()
                if self._ended:
                    return
        except WebSocketClosedError as error:
            await asyncio.wait([self._tasks[1]], timeout=_CLOSE_TIMEOUT_S)  # who reads knows why
            self._end(error)
        except Exception as error:
            self._end(error)

    async def _read(self) -> None:
        try:
            while True:
                event = self._decode(await self._socket.receive_text())
                if event is None:
                    continue
                wait = self._on_event(event)
                if wait is not None:
                    await wait
        except Exception as error:
            if not isinstance(error, ConnectionError):
                logger.exception("a realtime session broke off")
            self._end(error)


def _event(raw: bytes) -> Mapping[str, Any] | None:
    """An event; None for what is none, such as ``[DONE]`` of gateways that think they stream text."""
    try:
        event = load_json(raw)
    except (ValueError, RecursionError):
        logger.debug("a realtime message of %d bytes is no event", len(raw))
        return None
    return event if isinstance(event, dict) and isinstance(event.get("type"), str) else None
