"""``websocket.md`` §9.1: what a page asks for while it loads."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import RunningServer

CALLS = [
    "/",
    "/Mio",
    "/api/config/page_config",
    "/api/config/steam_language",
    "/api/config/user_language",
    "/api/agent/flags",
    "/static/locales/en.json",
    "/api/model/vrm/config",
    "/api/characters",
    "/api/characters/",
    "/api/config/preferences",
    "/api/agent/state",
    "/health",
    "/openapi.json",
]


async def get(server: RunningServer, path: str) -> tuple[int, bytes]:
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.contract("ws-9.1")
@pytest.mark.parametrize("path", CALLS)
async def test_everything_a_page_loads_is_answered(server: RunningServer, path: str) -> None:
    assert (await get(server, path))[0] == 200


@pytest.mark.contract("ws-9.1")
async def test_page_config_does_not_wait_for_a_busy_disk_or_memory(server: RunningServer) -> None:
    async with asyncio.timeout(1):
        answers = await asyncio.gather(*(get(server, "/api/config/page_config") for _ in range(20)))
    assert all(status == 200 and b'"success":true' in body.replace(b" ", b"") for status, body in answers)
