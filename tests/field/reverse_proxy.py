"""A reverse proxy that shows a server below a path, on real sockets: HTTP and WebSockets alike."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

from neko.tasks import TaskOwner
from tests.page.running_neko import ENDED

_CONNECTION = re.compile(rb"\r\nconnection: *[^\r]*", re.IGNORECASE)
_HOST = re.compile(rb"\r\nhost: *[^\r]*", re.IGNORECASE)


@asynccontextmanager
async def reverse_proxy(port: int, prefix: str, *, strips: bool, keeps_host: bool) -> AsyncIterator[str]:
    """Show the server of ``port`` below ``prefix``; yields the address, without a slash at its end.

    ``strips``: the server sees paths without the prefix. ``keeps_host``: it sees the ``Host`` that the browser sent.
    A connection serves one request, or one WebSocket.
    """

    def forwarded(head: bytes) -> bytes | None:
        method, path, rest = head.split(b" ", 2)
        if not path.startswith(prefix.encode() + b"/"):
            return None
        if strips:
            path = path.removeprefix(prefix.encode())
        if b"upgrade: websocket" not in rest.lower():
            rest = _CONNECTION.sub(b"", rest).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        if not keeps_host:
            rest = _HOST.sub(b"\r\nHost: 127.0.0.1:%d" % port, rest)
        return b" ".join([method, path, rest])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            head = forwarded(await reader.readuntil(b"\r\n\r\n"))
            if head is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            upstream, to_server = await asyncio.open_connection("127.0.0.1", port)
            with closing(to_server):
                to_server.write(head)
                ways = {
                    owner.spawn(_pump(reader, to_server), name="up"),
                    owner.spawn(_pump(upstream, writer), name="down"),
                }
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        owner.spawn(serve(reader, writer), name="connection")

    async with TaskOwner("proxy") as owner:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{prefix}"
        ENDED.discard(address)
        yield address
        ENDED.add(address)
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
