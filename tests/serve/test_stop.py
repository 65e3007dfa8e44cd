"""Stopping: everything saved, everyone told, gone within three seconds, whatever the clients do."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.client import Client
from tests.serve.process import TIMEOUT_S, Running, running

CHARACTER = "Mio"
ENOUGH = 3.0

each_signal = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])


@asynccontextmanager
async def page(neko: Running) -> AsyncIterator[Client]:
    async with connect(f"ws://127.0.0.1:{neko.port}/ws/{quote(CHARACTER)}", max_queue=None) as connection:
        yield Client(connection)


async def closing_of(client: Client) -> tuple[int | None, str | None]:
    """Read until the server closes: its code and reason."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                await client.connection.recv()
    return client.connection.close_code, client.connection.close_reason


@asynccontextmanager
async def client_that_never_reads(neko: Running) -> AsyncIterator[None]:
    """Asks for so many answers that they fill every buffer, reads none, and never says goodbye."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    with raw:
        await loop.sock_connect(raw, ("127.0.0.1", neko.port))
        await loop.sock_sendall(raw, _handshake(neko.port))
        async with asyncio.timeout(TIMEOUT_S):
            assert (await loop.sock_recv(raw, 12)) == b"HTTP/1.1 101"
        sending = asyncio.create_task(loop.sock_sendall(raw, _frame(b'{"action":"ping"}') * 200_000))
        await asyncio.wait({sending}, timeout=0.5)
        yield
        sending.cancel()
        await asyncio.wait({sending})


def _handshake(port: int) -> bytes:
    return (
        f"GET /ws/{quote(CHARACTER)} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def _frame(payload: bytes) -> bytes:
    """A masked text frame with the mask 0, which changes nothing."""
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


@each_signal
async def test_an_open_page_is_told_and_the_exit_is_clean(data_dir: Path, number: int) -> None:
    async with running(data_dir) as neko, page(neko) as client:
        closing = asyncio.create_task(closing_of(client))
        outcome = await neko.stop(number)
        code, reason = await closing
    assert (outcome.code, code, reason) == (0, 1001, "server stopping")
    assert outcome.seconds < ENOUGH
    assert "Traceback" not in outcome.err


@each_signal
@pytest.mark.few(1)
async def test_a_client_that_never_reads_keeps_nobody_up(data_dir: Path, number: int) -> None:
    async with running(data_dir) as neko, client_that_never_reads(neko):
        outcome = await neko.stop(number)
    assert outcome.code == 0
    assert outcome.seconds < ENOUGH
    assert "Traceback" not in outcome.err


async def test_a_connection_that_was_only_opened_keeps_nobody_up(data_dir: Path) -> None:
    async with running(data_dir) as neko:
        with socket.create_connection(("127.0.0.1", neko.port)):
            outcome = await neko.stop()
    assert outcome.code == 0
    assert outcome.seconds < ENOUGH


async def test_what_was_said_before_the_signal_is_there_after_the_next_start(data_dir: Path) -> None:
    async with running(data_dir) as neko, page(neko) as client:
        await client.say("My sister is called Hana.", client_id="line-1")
        await client.until("neko_line")
        outcome = await neko.stop()
        assert outcome.code == 0
        assert "Traceback" not in outcome.err
    async with running(data_dir) as neko, page(neko) as client:
        await client.say("What is my sister called?")
        text, _ = await client.reply()
        await neko.stop()
    assert "Hana" in text


async def test_who_has_heard_her_voice_reads_nothing_of_libraries_at_the_end(data_dir: Path) -> None:
    async with running(data_dir) as neko, page(neko) as client:
        await client.say("Tell me a story.")
        await client.until("audio_chunk")
        outcome = await neko.stop()
    assert "leaked" not in outcome.err


async def test_a_second_signal_ends_it_at_once(data_dir: Path) -> None:
    async with running(data_dir) as neko, client_that_never_reads(neko):
        neko.process.send_signal(signal.SIGINT)
        await neko.logged("stopping")
        began = time.monotonic()
        neko.process.send_signal(signal.SIGINT)
        outcome = await neko.ended(began)
    assert outcome.code == -signal.SIGINT
    assert outcome.seconds < 1.0


async def test_the_port_is_free_again_at_once(data_dir: Path) -> None:
    async with running(data_dir) as neko, page(neko) as client:
        closing = asyncio.create_task(closing_of(client))
        await neko.stop()
        await closing
        port = str(neko.port)
    async with running(data_dir, "--port", port) as neko:
        assert neko.port == int(port)
        assert (await neko.stop()).code == 0
