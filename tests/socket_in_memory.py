"""WebSockets in memory: a ``net.WebSocket`` at the one end, a server's ``ServerConnection`` at the other.

Messages take their time and keep their order. What was sent before a close arrives; what is on its way when the
connection breaks does not. Whoever sends to a peer that reads slowly waits, as with a socket.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import cycle
from typing import Any, Final

from websockets.exceptions import ConnectionClosed
from websockets.frames import Close

from neko.net import Network, WebSocketClosedError

MOST_UNREAD: Final = 16
"""Messages that a peer has not read, beyond which who sends waits."""


class _Way:
    """One direction. ``delays``: seconds that its messages take, in turn."""

    def __init__(self, delays: Sequence[float]) -> None:
        self._delays = cycle(delays or (0.0,))
        self._unread: deque[tuple[float, str | bytes | Close | None]] = deque()
        self._moved = asyncio.Event()
        self.over = False

    async def put(self, message: str | bytes) -> None:
        while len(self._unread) >= MOST_UNREAD and not self.over:
            await self._move()
        if self.over:
            raise ConnectionClosed(None, None)
        self._add(message)

    def end(self, close: Close | None) -> None:
        """Nothing comes after this; without a ``Close`` nothing that is on its way does either."""
        if not self.over:
            self.over = True
            if close is None:
                self._unread.clear()
            self._add(close)

    async def take(self) -> str | bytes:
        """Raises ``ConnectionClosed`` at the end."""
        while True:
            if not self._unread:
                await self._move()
                continue
            at, message = self._unread[0]
            if (left_s := at - asyncio.get_running_loop().time()) > 0:
                await asyncio.sleep(left_s)
            elif isinstance(message, str | bytes):
                self._unread.popleft()
                self._tell()
                return message
            else:
                raise ConnectionClosed(message, None)

    def _add(self, message: str | bytes | Close | None) -> None:
        before = self._unread[-1][0] if self._unread else 0.0
        at = asyncio.get_running_loop().time() + next(self._delays)
        self._unread.append((max(at, before), message))
        self._tell()

    async def _move(self) -> None:
        await self._moved.wait()

    def _tell(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class ClientEnd:
    """What of ``net.WebSocket`` a realtime connection uses."""

    def __init__(self, out: _Way, back: _Way) -> None:
        self._out = out
        self._back = back

    async def send_text(self, message: bytes) -> None:
        try:
            await self._out.put(message)
        except ConnectionClosed as error:
            raise _closed(error) from error

    async def receive_text(self) -> bytes:
        try:
            message = await self._back.take()
        except ConnectionClosed as error:
            raise _closed(error) from error
        return message.encode() if isinstance(message, str) else message

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        self._out.end(Close(code, reason))
        self._back.end(None)


class ServerEnd:
    """What of a ``ServerConnection`` the scripted providers use. ``read_s``: how long it takes over each message."""

    def __init__(self, out: _Way, back: _Way, read_s: float) -> None:
        self._out = out
        self._back = back
        self._read_s = read_s
        self._over = asyncio.Event()
        self.transport = self
        self.broke = False
        """It was ended from this side."""

    async def send(self, message: str | bytes) -> None:
        """To a peer that has closed it goes nowhere, so that what the peer sent before is still read."""
        if self.broke or not self._out.over:
            await self._out.put(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.broke = True
        self._out.end(Close(code, reason))
        self._back.end(None)

    def abort(self) -> None:
        """Of its transport."""
        self.broke = True
        self._out.end(None)
        self._back.end(None)

    async def wait_closed(self) -> None:
        await self._over.wait()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        try:
            while True:
                message = await self._back.take()
                if self._read_s:
                    await asyncio.sleep(self._read_s)
                yield message
        except ConnectionClosed as error:
            if error.rcvd is None:
                raise
        finally:
            self._over.set()


def in_memory(delays: Sequence[float] = (), read_s: float = 0.0) -> tuple[ClientEnd, ServerEnd]:
    """Both ends of a connection."""
    to_server, to_client = _Way(delays), _Way(delays)
    return ClientEnd(to_server, to_client), ServerEnd(to_client, to_server, read_s)


class NetworkInMemory(Network):
    """``connect`` opens what is asked for at an address, or raises."""

    def __init__(self, connect: Callable[[str], Awaitable[ClientEnd]]) -> None:
        super().__init__()
        self._connect = connect

    async def websocket(self, purpose: str, url: str, **_: Any) -> Any:
        return await self._connect(url)


def _closed(error: ConnectionClosed) -> WebSocketClosedError:
    received = error.rcvd
    return WebSocketClosedError(received.code, received.reason) if received else WebSocketClosedError(1006, "")
