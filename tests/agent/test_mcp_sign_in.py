"""Signing in to an MCP server: a real one (the SDK's), over a real socket; a client plays the user's browser."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from neko.agent.mcp.server import Server, ServerState
from neko.agent.mcp.servers import McpServers
from neko.agent.mcp.sign_in import SIGN_INS_FILE, SignIns
from neko.net import Network
from neko.storage import write_json
from neko.tool_errors import ToolServerError
from tests.agent.test_mcp_servers import TIMEOUT_S, call, free_port, until
from tests.http_service import HttpService
from tests.scripted_provider import Connection, Request
from tests.scripted_sign_in import People, signed_in_server

BACK = "http://127.0.0.1:48911/api/mcp/signed_in"


@asynccontextmanager
async def servers_of(folder: Path, people: People) -> AsyncIterator[McpServers]:
    servers = McpServers(folder / "mcp.json", Network(), {})
    servers.load()
    try:
        if not servers.entries:
            await servers.put("it", {"url": f"{people.url}/mcp"})
        else:
            servers.start()
        yield servers
    finally:
        await servers.aclose()


async def of(servers: McpServers) -> Server:
    found = servers.server("it")
    assert found
    await found.settled(TIMEOUT_S)
    return found


async def visit(address: str) -> dict[str, str]:
    """Open an address as a browser does, up to the way back: what that is called with."""
    async with httpx2.AsyncClient() as browser:
        answer = await browser.get(address)
    assert answer.headers["location"].startswith(BACK)
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def sign_in(servers: McpServers) -> None:
    back = await visit(await servers.sign_in("it", BACK))
    assert servers.came_back(back["state"], back["code"], back.get("iss"), "") == "it"
    before = servers.server("it")
    async with asyncio.timeout(TIMEOUT_S):
        while servers.server("it") in (before, None):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_who_has_signed_in_is_let_in_also_after_a_restart_until_they_sign_out(tmp_path: Path) -> None:
    async with signed_in_server(await free_port()) as people:
        async with servers_of(tmp_path, people) as servers:
            found = await of(servers)
            assert found.error
            assert found.error.code == "tool_server_sign_in"
            assert not people.clients, "nobody is registered before the user wants to sign in"
            await sign_in(servers)
            await until(await of(servers), ServerState.READY)
            assert await call(await of(servers), "hello") == "welcome"
            kept = tmp_path / SIGN_INS_FILE
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        async with servers_of(tmp_path, people) as servers:
            assert await call(await of(servers), "hello") == "welcome"
            await servers.sign_out("it")
            assert (await of(servers)).state is ServerState.FAILED
            assert json.loads(kept.read_text()) == {}


async def test_a_token_is_renewed_also_after_a_restart_and_a_sign_in_that_has_run_out_is_told(tmp_path: Path) -> None:
    async with signed_in_server(await free_port()) as people:
        async with servers_of(tmp_path, people) as servers:
            await sign_in(servers)
            await until(await of(servers), ServerState.READY)
        kept = json.loads((tmp_path / SIGN_INS_FILE).read_text())
        kept[f"{people.url}/mcp"]["ends"] = 1
        (tmp_path / SIGN_INS_FILE).write_text(json.dumps(kept))
        async with servers_of(tmp_path, people) as servers:
            assert await call(await of(servers), "hello") == "welcome"
            assert people.refreshed == 1
            people.shut()
            await servers.restart("it")
            found = await of(servers)
            assert found.error
            assert found.error.code == "tool_server_sign_in"


async def test_what_two_servers_give_at_the_same_time_is_both_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written_slowly(path: Path, document: object) -> None:
        time.sleep(0.02)
        write_json(path, document)

    monkeypatch.setattr("neko.agent.mcp.sign_in.write_json", written_slowly)
    sign_ins, addresses = SignIns(tmp_path / SIGN_INS_FILE), ["https://one.example/mcp", "https://two.example/mcp"]
    await asyncio.gather(*(sign_ins.keep(address, tokens={"access_token": address}) for address in addresses))
    again = SignIns(tmp_path / SIGN_INS_FILE)
    again.load()
    assert [[one.has(address) for address in addresses] for one in (sign_ins, again)] == [[True] * 2] * 2


async def test_who_says_no_there_is_not_let_in_and_a_wrong_way_back_leads_nowhere(tmp_path: Path) -> None:
    async with signed_in_server(await free_port()) as people, servers_of(tmp_path, people) as servers:
        address = await servers.sign_in("it", BACK)
        back = await visit(address)
        assert servers.came_back("another", back["code"], None, "") is None
        assert servers.came_back(back["state"], "", None, "access_denied") == "it"
        assert servers.came_back(back["state"], back["code"], None, "") is None, "once"
        found = await of(servers)
        assert found.state is ServerState.FAILED
        assert not servers.signed_in("it")


async def test_a_server_that_asks_for_none_says_so(tmp_path: Path) -> None:
    async with signed_in_server(await free_port()) as people, servers_of(tmp_path, people) as servers:
        await servers.put("open", {"url": f"{people.url}/nothing"})
        with pytest.raises(ToolServerError):
            await servers.sign_in("open", BACK)


@pytest.mark.parametrize("told", ["header", "metadata"])
async def test_a_server_from_elsewhere_leads_a_sign_in_to_nothing_in_the_users_network(
    tmp_path: Path, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is behind a proxy, which answers for it."""

    async def near(_service: HttpService, connection: Connection, _request: Request) -> None:
        connection.answer(404, b"")

    async with HttpService(near) as own:
        about = {"resource": "http://tools.example/mcp", "authorization_servers": [f"{own.url}/"]}

        async def lead(_service: HttpService, connection: Connection, request: Request) -> None:
            if "oauth-protected-resource" in request.path and told == "metadata":
                connection.answer(200, json.dumps(about).encode())
            else:
                header = {"www-authenticate": f'Bearer resource_metadata="{own.url}/about"'} if told == "header" else {}
                connection.answer(401, b"", header)

        async with HttpService(lead) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            servers = McpServers(tmp_path / "mcp.json", Network(), {})
            servers.load()
            try:
                await servers.put("it", {"url": "http://tools.example/mcp"})
                with pytest.raises(ToolServerError) as refused:
                    await servers.sign_in("it", BACK)
            finally:
                await servers.aclose()
    assert refused.value.code == "tool_server_leads_near"
    assert refused.value.params["host"] == "127.0.0.1"
    assert proxy.requests
    assert not own.requests
