"""A scripted HTTP server of speech on a real loopback socket, for any protocol, as ``SocketService`` for WebSockets."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.scripted_provider import Connection, Request, ScriptedProvider, tone
from tests.socket_service import PIECE_S, WRONG, Fault

Talk = Callable[["HttpService", Connection, Request], Awaitable[None]]


class HttpService(ScriptedProvider):
    """``talk`` answers a request; it calls ``speak`` for the one that wants sound."""

    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self.faults: deque[Fault | None] = deque()
        self.always: Fault | None = None
        self.texts: list[str] = []
        self.voices: list[str] = []
        self.stalls_after: int | None = None
        self.spoken = asyncio.Event()
        self._talk = talk

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, connection: Connection, request: Request) -> None:
        self.requests.append(request)
        await self._talk(self, connection, request)

    async def speak(
        self,
        connection: Connection,
        text: str,
        pack: Callable[[bytes], bytes],
        *,
        kind: str,
        rate: int = 24_000,
        head: bytes = b"",
        tail: bytes = b"",
    ) -> None:
        """Say ``text`` as tones, a piece for ten characters."""
        fault = self.faults.popleft() if self.faults else self.always
        self.texts.append(text)
        self.spoken.set()
        if fault == "gone":
            connection.drop()
            return
        if fault == "slow":
            await asyncio.Event().wait()
        if fault in ("refused", "error"):
            body = {"error": {"message": "scripted: no such voice or key sk-secret"}}
            connection.answer(401 if fault == "refused" else 400, json.dumps(body).encode())
            return
        connection.begin("text/html" if fault == "nonsense" else kind)
        if fault == "nonsense":
            connection.chunk(b"<html>what?</html>\n\n")
            connection.end()
            return
        if head and fault != "wrong":
            connection.chunk(head)
        if fault == "wrong":
            connection.chunk(pack(WRONG))
        pcm = tone(PIECE_S, rate=rate)
        for number in range(0 if fault in ("silence", "wrong") else 2 + len(text) // 10):
            if fault == "cut" and number == 2:
                connection.drop()
                return
            if number == (2 if fault == "stall" else self.stalls_after):
                await asyncio.Event().wait()
            connection.chunk(pack(pcm))
            await asyncio.sleep(0)
        if tail:
            connection.chunk(tail)
        connection.end()


def query(request: Request) -> dict[str, str]:
    """The parameters of its address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"
