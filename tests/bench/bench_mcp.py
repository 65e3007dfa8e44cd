"""A call of a tool of an MCP server, over the same call by the bare SDK: the same scripted server over stdio."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from neko.agent.mcp.servers import McpServers
from neko.net import Network
from neko.types.agent import Reply
from tests import scripted_mcp
from tests.bench.figures import median, ms, show

TIMES = 15
ROUNDS = 100


async def timed(call: Callable[[], Awaitable[object]]) -> list[float]:
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await call()
        times.append(time.perf_counter() - began)
    return times


async def cancel(_message: str, _schema: object, _url: str) -> Reply:
    return Reply("cancel")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        entry = scripted_mcp.entry(Path(folder) / "script.json", tools=[scripted_mcp.tool("look", "Looks.")])
        servers = McpServers(Path(folder) / "mcp.json", Network(), {})
        servers.load()
        await servers.put("it", entry)
        server = servers.server("it")
        assert server is not None
        await server.settled(30.0)
        bare: list[float] = []
        ours: list[float] = []
        arguments = {"text": "hello"}
        parameters = StdioServerParameters(command=entry["command"], args=entry["args"])
        async with stdio_client(parameters) as (reading, writing), ClientSession(reading, writing) as session:
            await session.initialize()
            for _ in range(ROUNDS):  # in turns, so that both have the same of a busy machine
                bare += await timed(lambda: session.call_tool("look", arguments))
                ours += await timed(lambda: server.call("look", arguments, cancel, lambda *_: None))
        floor, figure = median(bare), median(ours)
        show("a call of an MCP tool", ms(figure), ms(floor), figure / floor, "≤ 1.2×")
        await servers.aclose()


if __name__ == "__main__":
    asyncio.run(main())
