"""A scripted WebSocket server of speech on a real loopback socket, for any protocol.

What it says is up to ``talk``, a coroutine that gets each connection; ``faults`` are how a connection goes wrong
instead. ``connections`` counts those that are open, ``opened`` those that ever were.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Literal, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.scripted_provider import tone

Fault = Literal["refused", "slow", "cut", "nonsense", "silence", "error", "gone", "late", "wrong", "stall"]
"""``refused``: HTTP 401. ``slow``: nothing after the greeting. ``cut``: gone after two pieces. ``nonsense``: text that
means nothing. ``silence``: an answer without sound. ``error``: the protocol's own. ``gone``: closed before any answer.
``late``: the greeting never comes. ``wrong``: sound in a format that nobody asked for. ``stall``: nothing more after
two pieces."""
WRONG = b"\x1aE\xdf\xa3" + bytes(3000)
"""WebM."""
PIECE_S = 0.1


class SocketService:
    """See the module."""

    def __init__(self, talk: Callable[[Conversation], Awaitable[None]]) -> None:
        self.faults: deque[Fault | None] = deque()
        self.always: Fault | None = None
        self.opened = 0
        self.connections = 0
        self.texts: list[str] = []
        self.greetings: list[Any] = []
        self.requests: list[Request] = []
        self.changed = asyncio.Condition()
        self.stalls_after: int | None = None
        self._talk = talk
        self._server: Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> Self:
        self._server = await serve(
            self._serve, "127.0.0.1", port, process_request=self._admit, ping_interval=None, close_timeout=1
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def until(self, condition: Callable[[], bool], seconds: float = 15.0) -> None:
        """Wait for something that holds after a connection came, went, or said something."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(condition)

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def _admit(self, _connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if self.always == "refused" or (self.faults and self.faults[0] == "refused"):
            if self.faults:
                self.faults.popleft()
            body = b'{"error": {"message": "scripted: no such key sk-secret"}}'
            return Response(HTTPStatus.UNAUTHORIZED, "Unauthorized", Headers({"Content-Length": str(len(body))}), body)
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        fault = self.faults.popleft() if self.faults else self.always
        self.opened += 1
        self.connections += 1
        await self.tell()
        try:
            await self._talk(Conversation(self, connection, fault))
        except ConnectionClosed:
            pass
        finally:
            self.connections -= 1
            await self.tell()


class Conversation:
    """One connection as ``talk`` sees it."""

    def __init__(self, service: SocketService, connection: ServerConnection, fault: Fault | None) -> None:
        self.service = service
        self.fault = fault
        self._connection = connection

    async def receive(self) -> Any:
        """The next JSON message."""
        return json.loads(await self._connection.recv())

    async def send(self, message: Any) -> None:
        await self._connection.send(message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False))

    async def words(self) -> str:
        """The next message, which is text and no JSON."""
        return str(await self._connection.recv())

    async def send_words(self, words: str) -> None:
        await self._connection.send(words)

    async def greeted(self, greeting: Any) -> None:
        """Keep what the client opened with; with the fault ``late`` nothing follows it."""
        self.service.greetings.append(greeting)
        await self.service.tell()
        if self.fault == "late":
            await self._connection.wait_closed()
            raise ConnectionClosed(None, None)

    async def speak(
        self,
        text: str,
        pack: Callable[[bytes], Any],
        rate: int,
        error: Any = None,
        *,
        encode: Callable[[bytes], bytes] = bytes,
    ) -> bool:
        """Say ``text`` as tones, a piece for ten characters; False when a fault ended the connection.

        ``encode``: PCM to the protocol's sound, ``pack``: sound to its message. Without ``error`` the protocol tells
        one by closing.
        """
        self.service.texts.append(text)
        await self.service.tell()
        if self.fault == "gone":
            self._connection.transport.abort()
            return False
        if self.fault == "slow":
            await self._connection.wait_closed()
            return False
        if self.fault == "error":
            if error is None:
                await self._connection.close(1007, "scripted: no such voice")
            else:
                await self.send(error)
            await self._connection.wait_closed()
            return False
        if self.fault == "nonsense":
            await self._connection.send("<html>what?</html>")
            await self._connection.wait_closed()
            return False
        if self.fault == "wrong":
            await self.send(pack(WRONG))
            return True
        sound = encode(tone(PIECE_S, rate=rate))
        for number in range(0 if self.fault == "silence" else 2 + len(text) // 10):
            if self.fault == "cut" and number == 2:
                self._connection.transport.abort()
                return False
            if number == (2 if self.fault == "stall" else self.service.stalls_after):
                await self._connection.wait_closed()
                return False
            await self.send(pack(sound))
        return True
