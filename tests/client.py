"""A page without a page: speaks the socket's wire the way a browser does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

from websockets.asyncio.client import ClientConnection, connect

Frame = dict[str, Any]
TIMEOUT_S = 60.0
"""Long enough for a busy machine: it ends what would wait for ever."""


class Client:
    """``frames`` is everything received so far; a binary frame is ``{"type": "binary", "data": bytes}``."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []

    async def send(self, action: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"action": action, **fields}))

    async def say(self, text: str, **fields: Any) -> None:
        await self.send("stream_data", input_type="text", data=text, **fields)

    async def next(self) -> Frame:
        async with asyncio.timeout(TIMEOUT_S):
            received = await self.connection.recv()
        frame = {"type": "binary", "data": received} if isinstance(received, bytes) else json.loads(received)
        self.frames.append(frame)
        return frame

    async def until(self, wanted: str | Callable[[Frame], bool]) -> list[Frame]:
        """Receive up to and including the wanted type (or the frame that fits); what came meanwhile."""
        fits = (lambda frame: frame["type"] == wanted) if isinstance(wanted, str) else wanted
        seen: list[Frame] = []
        while not seen or not fits(seen[-1]):
            seen.append(await self.next())
        return seen

    async def reply(self) -> tuple[str, list[Frame]]:
        """Receive to the end of the turn: the text of the reply and every frame."""
        seen = await self.until(is_turn_end)
        return text_of(seen), seen

    async def quiet(self) -> list[Frame]:
        """Everything that comes before the answer to a ping: what is on its way now."""
        await self.send("ping")
        return (await self.until("pong"))[:-1]

    async def closed(self) -> tuple[int | None, str]:
        """Wait for the server to close; its code and reason."""
        async with asyncio.timeout(TIMEOUT_S):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason or ""


def is_turn_end(frame: Frame) -> bool:
    return bool(frame["type"] == "system" and frame["data"] == "turn end")


def text_of(frames: list[Frame]) -> str:
    return "".join(frame["text"] for frame in frames if frame["type"] == "gemini_response")


def types_of(frames: list[Frame]) -> list[str]:
    return [frame["type"] for frame in frames]


@asynccontextmanager
async def client(
    ws_url: str,
    character: str,
    *,
    greeted: bool = True,
    knows_takeover: bool = True,
    language: str | None = None,
    region: str | None = None,
) -> AsyncIterator[Client]:
    """Connect to ``ws_url``/ws/``character``; with ``greeted`` the hello has been received.

    ``knows_takeover``: as our own page does; without it, as N.E.K.O.'s. ``language``: what the browser asks for.
    ``region``: where our own page says its reader is.
    """
    says = {"neko_close_codes": "4001" if knows_takeover else None, "neko_region": region}
    query = urlencode({name: value for name, value in says.items() if value is not None})
    url = f"{ws_url}/ws/{quote(character)}" + (f"?{query}" if query else "")
    headers = {"Accept-Language": language} if language else None
    async with connect(url, max_size=None, max_queue=None, additional_headers=headers) as connection:
        page = Client(connection)
        if greeted:
            await page.until("neko_hello")
        yield page
