"""Takes what is left of a request's body once it has been answered, before the answer is declared complete.

Hypercorn 0.18 hands the body over through a queue of ten pieces. An application that answers without
reading (a refused origin, a file too large) leaves that queue full; Hypercorn then waits for room in it
for ever, and the connection is neither used again nor closed. Reading on also lets the client see the
answer before the connection ends.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DISCARD_TIMEOUT_S = 2.0
"""How long a client may send nothing of a body that nobody wants; while it sends, the queue must be emptied."""


class DiscardUnreadBody:
    """ASGI middleware, to stand in front of everything that answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        ended = False

        async def watched() -> Message:
            nonlocal ended
            message = await receive()
            ended = ended or message["type"] == "http.disconnect" or not message.get("more_body")
            return message

        async def sent(message: Message) -> None:
            if message["type"] != "http.response.body" or message.get("more_body") or ended:
                await send(message)
                return
            await send({**message, "more_body": True})
            with suppress(TimeoutError):
                while not ended:
                    async with asyncio.timeout(DISCARD_TIMEOUT_S):
                        await watched()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, watched, sent)


def _has_body(headers: Headers) -> bool:
    return "content-length" in headers or "transfer-encoding" in headers
