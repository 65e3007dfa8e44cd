"""Opened from another machine in the house: where she is, and the token in the address."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from neko.serve.listener import listen, network_url_of
from tests.conftest import RunningServer
from tests.serve.process import spawn

TOKEN = "p+q/r=s t&u%2Bv~wxyz"
TYPED = TOKEN.replace("%", "%25").replace("&", "%26").replace(" ", "%20")


@pytest.fixture
def settings_changes() -> dict[str, Any]:
    return {"host": "0.0.0.0", "token": TOKEN}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (quote(TOKEN, safe=""), 303),
        (TYPED, 303),
        (quote(TOKEN, safe=" ").replace(" ", "+"), 303),
        (TYPED.replace("+", "%20"), 401),
        (TYPED[:-1], 401),
        ("", 401),
    ],
    ids=["E5-quoted", "E5-typed-plus", "E5-form", "E5-other-blank", "E5-cut", "E5-none"],
)
async def test_a_token_is_taken_as_it_is_typed(server: RunningServer, address: str, status: int) -> None:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        answer = await http.get(f"/?theme=dark&token={address}")
        assert answer.status_code == status
        if status == 303:
            assert answer.headers["location"].endswith("/?theme=dark")
            assert TOKEN not in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("host", "named"), [("0.0.0.0", True), ("127.0.0.1", False), ("localhost", False)], ids=lambda value: f"E5-{value}"
)
def test_who_listens_everywhere_says_where_other_devices_find_her(host: str, named: bool) -> None:
    with listen(host, 0) as listener:
        url = network_url_of(listener, host)
        if named and url is None:
            pytest.skip("this machine is in no network")
        assert (url is not None) is named
        if url:
            address, port = url.removeprefix("http://").rsplit(":", 1)
            assert not ip_address(address.strip("[]")).is_loopback
            assert not ip_address(address.strip("[]")).is_unspecified
            assert int(port) == listener.port
            socket.create_connection((address.strip("[]"), listener.port), 5).close()


async def test_E5_the_start_line_names_the_network_address_and_not_the_token(data_dir: Path) -> None:
    with listen("0.0.0.0", 0) as listener:
        if network_url_of(listener, "0.0.0.0") is None:
            pytest.skip("this machine is in no network")
    process = await spawn("--port", "0", "--host", "0.0.0.0", "--data-dir", str(data_dir), NEKO_TOKEN=TOKEN)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            here = (await process.stdout.readline()).decode()
            there = (await process.stdout.readline()).decode()
    finally:
        process.terminate()
        await process.communicate()
    port = urlsplit(here.split()[3]).port
    assert there.startswith("On your other devices: http://"), there
    assert f":{port}/?token=" in there
    assert TOKEN not in here + there
