"""A service that is far away: a TCP proxy on loopback that hands everything on a while later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from neko.tasks import TaskOwner


@asynccontextmanager
async def far_away(port: int, one_way_s: float) -> AsyncIterator[int]:
    """The port at which the server of ``port`` seems to be ``one_way_s`` away in each direction.

    A connection is accepted at once, as if its handshake had no way to go.
    """

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(65_536):
                loop.call_later(one_way_s, writer.write, data)
        finally:
            loop.call_later(one_way_s, writer.close)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", port)
        owner.spawn(pump(reader, there[1]), name="to the service")
        owner.spawn(pump(there[0], writer), name="from the service")

    async with TaskOwner("far away") as owner:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        yield server.sockets[0].getsockname()[1]
        server.close()
