"""Connections as clients abuse them: gone in the middle, never done, never reading, too many, too large."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import resource
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from neko.serve import HttpServer, connection, listen, protocol, server
from neko.tasks import TaskOwner
from neko.web import pace
from tests.conftest import RunningServer

HOST = "127.0.0.1"
SOON_S = 10.0
"""For what happens at once, on a busy machine."""
HELLO = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def _hello(request: Request) -> Response:
    return JSONResponse({"host": request.headers.get("host"), "path": request.url.path, "query": request.url.query})


async def _much(_request: Request) -> Response:
    return Response(bytes(8 * 1024 * 1024))


async def _length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _refuse(_request: Request) -> Response:
    return PlainTextResponse("no", 415)


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text if len(text) < 100 else str(len(text)))


HEARD: list[str] = []
LISTEN_ON = asyncio.Event()


async def _listen(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        HEARD.append(text)
        await LISTEN_ON.wait()


async def _farewell(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close(4001, "another page")


APP = Starlette(
    routes=[
        Route("/hello", _hello),
        Route("/much", _much),
        Route("/length", _length, methods=["POST"]),
        Route("/refuse", _refuse, methods=["POST"]),
        WebSocketRoute("/ws", _echo),
        WebSocketRoute("/listen", _listen),
        WebSocketRoute("/bye", _farewell),
    ]
)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not condition():  # noqa: ASYNC110  # what is waited for is not ours to signal
            await asyncio.sleep(0.01)


class Serving:
    """The server under test. ``tasks`` are those that its connections have."""

    def __init__(self, http: HttpServer, port: int) -> None:
        self.http = http
        self.port = port
        self._before = asyncio.all_tasks()

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.port)

    async def get(self, path: str = "/hello") -> bytes:
        """A whole exchange on a connection of its own."""
        reader, writer = await self.dial()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), SOON_S)
        writer.close()
        return answer

    async def all_gone(self) -> None:
        """Wait until no connection has a task any more."""
        await _until(
            lambda: not self.http.connections and not asyncio.all_tasks() - self._before - {asyncio.current_task()}
        )


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    with listen(HOST, 0) as listener:
        http = HttpServer(APP, listener)
        async with TaskOwner("test") as owner:
            running = owner.spawn(http.run(), name="http")
            await asyncio.sleep(0)
            yield Serving(http, listener.port)
            await http.stop()
            await http.cut()
            assert not running.done()


def _masked(payload: bytes, *, opcode: int = 1, length: int | None = None) -> bytes:
    """A frame of a client with the mask 0, which changes nothing; ``length`` is what it announces."""
    size = len(payload) if length is None else length
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


def _after_the_handshake(sent: bytes) -> list[bytes]:
    """The parts of what a client sends: it waits for the answer to its handshake before its first frame."""
    whole = UPGRADE + b"\r\n"
    return [whole, sent.removeprefix(whole)] if sent.startswith(whole) else [sent]


# ── gone in the middle ──────────────────────────────────────────────────────────────────

LEAVING = {
    "before a word": b"",
    "in the first line": b"GET /hel",
    "in the headers": HELLO[:-10],
    "after a request": HELLO,
    "after many requests": HELLO * 50,
    "in a body": b"POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc",
    "in a chunked body": b"POST /length HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "in a long answer": HELLO.replace(b"hello", b"much"),
    "in a handshake": UPGRADE,
    "in a WebSocket": UPGRADE + b"\r\n",
    "in a frame": UPGRADE + b"\r\n" + _masked(b'{"act', length=1000),
    "in nonsense": b"\x16\x03\x01\x02\x00\x01" * 20,
}


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("sent", LEAVING.values(), ids=LEAVING.keys())
async def test_a_client_that_leaves_costs_nothing_and_is_no_error(
    serving: Serving, caplog: pytest.LogCaptureFixture, sent: bytes, reset: bool
) -> None:
    for _ in range(5):
        reader, writer = await serving.dial()
        for part in _after_the_handshake(sent):
            writer.write(part)
            await writer.drain()
            if part.endswith(b"\r\n\r\n"):
                await reader.read(1)
        if reset:
            writer.transport.abort()
        else:
            writer.close()
    await serving.all_gone()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert b"HTTP/1.1 200" in await serving.get()


async def test_who_leaves_in_the_middle_of_a_body_of_the_real_app_is_no_error(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    port = int(server.url.rpartition(":")[2])
    for path in ("/api/language", "/api/config/core_api", "/api/emotion/analysis"):
        _, writer = await asyncio.open_connection(HOST, port)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
        )
        writer.write(head.encode() + b'{"language"')
        await writer.drain()
        writer.close()
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"200" in await asyncio.wait_for(reader.read(), SOON_S)
    writer.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_answer_before_the_body_has_come_ends_the_connection_and_says_so(serving: Serving) -> None:
    reader, writer = await serving.dial()
    writer.write(b"POST /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n" + bytes(1000))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON_S)
    assert head.startswith(b"HTTP/1.1 415 ")
    assert b"connection: close\r\n" in head.lower()
    for _ in range(39):  # a client that reads no answer before it has sent all
        writer.write(bytes(100_000))
        await writer.drain()
    assert await asyncio.wait_for(reader.read(), SOON_S) == b"no"
    writer.close()
    await serving.all_gone()


async def test_a_client_goes_on_after_refused_uploads(serving: Serving) -> None:
    async with httpx2.AsyncClient(base_url=f"http://{HOST}:{serving.port}", trust_env=False, timeout=SOON_S) as http:
        for size in (0, 1, 1000, 100_000, 3_000_000) * 8:
            assert (await http.post("/refuse", content=bytes(size))).status_code == 415
            assert (await http.post("/length", content=bytes(size))).text == str(size)
            assert "connection" not in (await http.get("/hello")).headers


async def test_who_closes_only_its_own_side_gets_its_answer(serving: Serving) -> None:
    reader, writer = await serving.dial()
    writer.write(b"POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), SOON_S)
    writer.close()
    assert answer.endswith(b"\r\n\r\n5") or answer.rstrip().endswith(b"5")
    await serving.all_gone()


@pytest.mark.parametrize(
    "sent",
    [
        HELLO[:-5],
        b"POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nfive.",
        b"POST /length HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfive.\r\n",
    ],
    ids=["half a head", "half a body", "no last chunk"],
)
async def test_who_closes_its_own_side_in_the_middle_of_a_request_is_told_so(serving: Serving, sent: bytes) -> None:
    reader, writer = await serving.dial()
    writer.write(sent)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), SOON_S)
    assert answer.startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_what_came_before_a_reset_is_taken(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app takes nothing of the second half before the connection is known to be lost."""
    monkeypatch.setattr(protocol, "LARGEST_WAITING", 1000)
    HEARD.clear()
    LISTEN_ON.clear()
    reader, writer = await serving.dial()
    writer.write(UPGRADE.replace(b"/ws", b"/listen") + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    lines = [str(number) for number in range(100)]
    writer.write(b"".join(_masked(line.encode()) for line in lines[:50]))
    await _until(lambda: bool(HEARD))
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.write(b"".join(_masked(line.encode()) for line in lines[50:]))
    writer.transport.abort()
    await _until(lambda: all(one and one.lost for one in serving.http.connections.values()))
    LISTEN_ON.set()
    await serving.all_gone()
    assert lines == HEARD


# ── never done, never reading ───────────────────────────────────────────────────────────

UNFINISHED = {
    "no request": b"",
    "half a request": HELLO[:-5],
    "a second, half": HELLO + HELLO[:-5],
    "nothing after a request": HELLO,
    "half a frame": UPGRADE + b"\r\n" + _masked(b'{"action":', length=100_000),
    "a message in parts without an end": UPGRADE + b"\r\n" + b"\x01\x85\0\0\0\0hello",
}


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED.keys())
async def test_what_is_never_finished_is_given_up(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "KEEP_ALIVE_TIMEOUT_S", 0.2)
    monkeypatch.setattr(connection, "LINGER_SILENCE_S", 0.1)
    monkeypatch.setattr(pace, "GRACE_S", 0.2)
    reader, writer = await serving.dial()
    for part in _after_the_handshake(sent):
        writer.write(part)
        await writer.drain()
        if part.startswith(UPGRADE):
            await reader.readuntil(b"\r\n\r\n")
    await asyncio.wait_for(reader.read(), SOON_S)
    await serving.all_gone()
    writer.close()


@pytest.mark.parametrize(
    "start",
    [
        UPGRADE + b"\r\n" + _masked(b"", length=100_000),
        b"POST /api/language HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 900\r\n\r\n",
    ],
    ids=["frame", "body"],
)
async def test_a_byte_now_and_then_wins_no_time(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(pace, "GRACE_S", 0.3)
    monkeypatch.setattr(connection, "LINGER_SILENCE_S", 0.1)
    reader, writer = await asyncio.open_connection(HOST, int(server.url.rpartition(":")[2]))
    for part in _after_the_handshake(start):
        writer.write(part.replace(b"/ws ", b"/ws/Mio "))
        if part.startswith(UPGRADE):
            await reader.readuntil(b"\r\n\r\n")

    async def drip() -> None:
        while True:
            writer.write(b"a")
            await asyncio.sleep(0.02)

    async with TaskOwner("drip") as owner:
        owner.spawn(drip(), name="drip")
        await asyncio.wait_for(reader.read(), SOON_S)
    writer.transport.abort()


async def test_a_frame_before_the_answer_to_the_handshake_is_refused(serving: Serving) -> None:
    for _ in range(5):
        reader, writer = await serving.dial()
        writer.write(UPGRADE + b"\r\n" + _masked(b"hello"))
        assert (await asyncio.wait_for(reader.read(), SOON_S)).startswith(b"HTTP/1.1 ")
        writer.close()
    await serving.all_gone()


async def test_an_idle_socket_is_left_alone(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "KEEP_ALIVE_TIMEOUT_S", 0.05)
    monkeypatch.setattr(pace, "GRACE_S", 0.05)
    async with connect(f"ws://{HOST}:{serving.port}/ws", proxy=None) as page:
        await page.send("a")
        assert await page.recv() == "a"
        assert (await serving.get()).endswith(b"}")
        reader, writer = await serving.dial()
        assert await asyncio.wait_for(reader.read(), SOON_S) == b""
        writer.close()
        await page.send("b")
        assert await page.recv() == "b"


@asynccontextmanager
async def _deaf(serving: Serving, sent: bytes) -> AsyncIterator[socket.socket]:
    """A client with a small buffer that reads nothing."""
    loop = asyncio.get_running_loop()
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.setblocking(False)
        await loop.sock_connect(raw, (HOST, serving.port))
        await loop.sock_sendall(raw, sent)
        yield raw


async def test_a_client_that_never_reads_is_cut_in_the_middle_of_an_answer(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "STALLED_TIMEOUT_S", 0.2)
    monkeypatch.setattr(connection, "SLOWEST", 1 << 40)
    async with _deaf(serving, HELLO.replace(b"hello", b"much")):
        await serving.all_gone()
    assert b"HTTP/1.1 200" in await serving.get()


async def test_a_close_that_nobody_takes_ends_the_connection_all_the_same(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LINGER_SILENCE_S", 0.1)
    async with _deaf(serving, UPGRADE.replace(b"/ws", b"/bye") + b"\r\n"):
        await serving.all_gone()


async def test_a_close_with_its_code_reaches_a_client_that_is_still_sending(serving: Serving) -> None:
    async with connect(f"ws://{HOST}:{serving.port}/bye", proxy=None) as page:
        with suppress(ConnectionClosed):
            for _ in range(1000):
                await page.send("x" * 10_000)
        await page.wait_closed()
        assert (page.close_code, page.close_reason) == (4001, "another page")


# ── too many ────────────────────────────────────────────────────────────────────────────


@contextmanager
def _descriptors(spare: int) -> Iterator[None]:
    """No more than ``spare`` descriptors can be opened meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.dup(0) for _ in range(spare)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(taken) + 1, hard))
    with suppress(OSError):
        while True:
            taken.append(os.dup(0))
    for _ in range(spare):
        os.close(taken.pop())
    try:
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_without_a_free_descriptor_clients_wait_in_quiet_and_are_answered_then(
    serving: Serving, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "RETRY_S", 0.02)
    tries = 0
    accept = asyncio.get_running_loop().sock_accept

    async def counted(listener: socket.socket) -> Any:
        nonlocal tries
        tries += 1
        return await accept(listener)

    clients = [socket.socket() for _ in range(20)]
    for client in clients:
        client.setblocking(False)
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "sock_accept", counted)
    with _descriptors(8):
        for client in clients:
            await loop.sock_connect(client, (HOST, serving.port))
            await loop.sock_sendall(client, HELLO)
        await _until(lambda: bool(caplog.records))
        began, before = loop.time(), tries
        await _until(lambda: tries >= before + 5)
        assert loop.time() - began >= 4 * server.RETRY_S
    for client in clients:
        async with asyncio.timeout(SOON_S):
            assert (await loop.sock_recv(client, 12)) == b"HTTP/1.1 200"
        client.close()
    assert len(caplog.records) == 1
    await serving.all_gone()


async def test_when_all_places_are_taken_the_idle_ones_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 8)
    with listen(HOST, 0) as listener:
        http = HttpServer(APP, listener)
        async with TaskOwner("test") as owner:
            owner.spawn(http.run(), name="http")
            here = Serving(http, listener.port)
            async with connect(f"ws://{HOST}:{listener.port}/ws", proxy=None) as page:
                idle = [await here.dial() for _ in range(30)]
                assert b"HTTP/1.1 200" in await here.get()
                await page.send("still here")
                assert await page.recv() == "still here"
                assert len(http.connections) <= 8
                for _, writer in idle:
                    writer.close()
            await http.stop()


async def test_a_thousand_visits_without_a_goodbye_leave_nothing(serving: Serving) -> None:
    for _ in range(20):
        visits = [await serving.dial() for _ in range(50)]
        for _, writer in visits:
            writer.write(HELLO)
        for reader, writer in visits:
            await asyncio.wait_for(reader.readuntil(b"}"), SOON_S)
            writer.close()
    await serving.all_gone()


# ── what is spoken ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        ("http://localhost/hello", "localhost", "/hello"),
        ("http://localhost:48911/hello?a=b&c", "localhost:48911", "/hello"),
        ("HTTP://LOCALHOST/hello", "LOCALHOST", "/hello"),
        ("https://localhost/hello", "localhost", "/hello"),
        ("http://elsewhere.example/hello", "elsewhere.example", "/hello"),
    ],
)
async def test_a_request_may_name_its_whole_address_and_that_decides_the_host(
    serving: Serving, target: str, host: str, path: str
) -> None:
    reader, writer = await serving.dial()
    writer.write(f"GET {target} HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), SOON_S)
    writer.close()
    seen = json.loads(answer[answer.index(b"{") : answer.rindex(b"}") + 1])
    assert (seen["host"], seen["path"]) == (host, path)


@pytest.mark.parametrize("target", ["http://evil.example/health", "http://user@127.0.0.1/health", "http:///health"])
async def test_the_guard_judges_the_host_of_the_whole_address(server: RunningServer, target: str) -> None:
    reader, writer = await asyncio.open_connection(HOST, int(server.url.rpartition(":")[2]))
    writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert (await asyncio.wait_for(reader.read(), SOON_S)).split()[1] == b"403"
    writer.close()


async def test_http_2_in_clear_text_is_not_spoken(serving: Serving) -> None:
    reader, writer = await serving.dial()
    offer = b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    writer.write(HELLO[:-2] + offer)
    answer = await asyncio.wait_for(reader.read(), SOON_S)
    assert answer.startswith(b"HTTP/1.1 200")
    writer.close()
    reader, writer = await serving.dial()
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
    assert (await asyncio.wait_for(reader.read(), SOON_S)).startswith(b"HTTP/1.1 4")
    writer.close()
    await serving.all_gone()


async def test_no_extension_of_web_sockets_is_agreed_to(serving: Serving) -> None:
    async with connect(f"ws://{HOST}:{serving.port}/ws", proxy=None, compression="deflate") as page:
        assert page.response is not None
        assert "sec-websocket-extensions" not in page.response.headers
        await page.send("a" * 10_000)
        assert await page.recv() == "10000"


@pytest.mark.loop_watchdog
@pytest.mark.parametrize("parts", [1, 40], ids=["whole", "in parts"])
async def test_a_message_that_is_too_large_closes_the_socket_with_1009(serving: Serving, parts: int) -> None:
    def frame(number: int) -> bytes:
        made = bytearray(_masked(b"x" * ((server.LARGEST_MESSAGE + 1_000_000) // parts)))
        made[0] = (0x80 if number == parts - 1 else 0) | (1 if number == 0 else 0)
        return bytes(made)

    frames = await asyncio.to_thread(lambda: list(map(frame, range(parts))))
    loop = asyncio.get_running_loop()
    with socket.socket() as raw:
        raw.setblocking(False)
        await loop.sock_connect(raw, (HOST, serving.port))
        await loop.sock_sendall(raw, UPGRADE + b"\r\n")
        assert (await loop.sock_recv(raw, 65536)).startswith(b"HTTP/1.1 101")
        for one in frames:
            await loop.sock_sendall(raw, one)
        seen = b""
        async with asyncio.timeout(SOON_S):
            while data := await loop.sock_recv(raw, 65536):
                seen += data
    assert seen[:4] == b"\x88\x02" + (1009).to_bytes(2, "big")
    await serving.all_gone()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\xff\x80\0\0\0\0", 1002),
        (b"\x81\x05hello", 1002),
        (_masked(b"\xff\xfe"), 1007),
        (_masked(b"\x03", opcode=8), 1002),
    ],
    ids=["reserved bits", "no mask", "no UTF-8", "half a code"],
)
async def test_what_is_no_frame_closes_the_socket_with_a_code(serving: Serving, frame: bytes, code: int) -> None:
    reader, writer = await serving.dial()
    writer.write(UPGRADE + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    writer.write(frame)
    answer = await asyncio.wait_for(reader.read(), SOON_S)
    writer.close()
    assert answer[:1] == b"\x88"
    assert int.from_bytes(answer[2:4], "big") == code
    await serving.all_gone()


@pytest.mark.parametrize("steps", range(1, 8))
async def test_a_connection_that_comes_in_as_the_server_ends_is_closed(steps: int) -> None:
    """After any number of steps of the loop; one that is lost would be told as unclosed, which fails the test."""
    loop = asyncio.get_running_loop()

    def end_after(left: int) -> None:
        loop.call_soon(running.cancel if left == 0 else partial(end_after, left - 1))

    with listen(HOST, 0) as listener:
        running = asyncio.create_task(HttpServer(APP, listener).run())
        await asyncio.sleep(0.01)
        with socket.create_connection((HOST, listener.port)) as visitor:
            end_after(steps)
            await asyncio.wait([running])
            gc.collect()
            listener.close()
            visitor.setblocking(False)
            async with asyncio.timeout(SOON_S):
                with suppress(ConnectionError):
                    assert await loop.sock_recv(visitor, 1) == b""
