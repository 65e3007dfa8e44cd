"""The one way out: who may open a connection, where to, and what is counted."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from neko.app import Neko
from neko.audio.engines.openai_speech import OpenAISpeech
from neko.errors import LocalOnlyError, ProxyError, SpeechError
from neko.i18n import describe
from neko.language import LANGUAGES
from neko.llm.discovery import find_local_servers
from neko.llm.model_catalogue import list_models
from neko.net import Network, WebSocketClosedError, WebSocketRefusedError
from neko.providers import ModelEndpoint
from neko.sessions.events import Status
from neko.sessions.models.chat import ChatSession
from neko.settings import Settings
from neko.tasks import TaskOwner
from neko.types.model_session import ReplyDone, SessionSetup, UserMessage
from neko.types.speech import Utterance
from tests.scripted_provider import ScriptedProvider

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "neko"
ELSEWHERE = "http://192.0.2.1/v1"
"""An address that is nobody's (RFC 5737)."""

# ── nothing else opens a connection ─────────────────────────────────────────────────────

GATE = PACKAGE / "net.py"
ALLOWED = {
    "neko/serve/listener.py imports socket",
    "neko/serve/server.py imports socket",
    "neko/serve/listener.py calls getaddrinfo",
    "neko/web/allowed_hosts.py imports socket",
    "neko/settings/loopback.py imports socket",
    "neko/llm/small_model/server.py imports socket",
    "neko/proxies.py imports urllib.request",
    "neko/llm/provider_errors.py imports socket",
    "neko/llm/client.py imports openai",
    "neko/llm/client.py calls AsyncOpenAI over http_client",
    "neko/llm/client.py calls httpx2.Request",
}
"""The listening socket, to which connections come in; this machine's own name; whether an
address is this machine's; a port that is free; the proxies that
the system names; the exception for an unknown host; and the ``openai`` client, which
is made over a client of the gate's."""

CLIENT_MODULES = {
    "aiohttp", "ftplib", "http.client", "httpcore", "httpcore2", "httpx", "httpx_ws", "imaplib", "openai", "poplib",
    "requests", "smtplib", "socket", "urllib.request", "urllib3", "websocket", "websockets", "xmlrpc.client",
}  # fmt: skip
CONNECTING_CALLS = {
    "create_connection", "create_datagram_endpoint", "create_unix_connection", "getaddrinfo", "open_connection",
    "open_unix_connection", "sock_connect", "urlopen",
}  # fmt: skip


def _offences(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            if node.module == "httpx2":
                yield "takes names out of httpx2"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in CONNECTING_CALLS:
                yield f"calls {node.func.attr}"
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "httpx2":
                yield f"calls httpx2.{node.func.attr}"
            if node.func.attr == "import_module" and node.args and isinstance(node.args[0], ast.Constant):
                names = [str(node.args[0].value)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("OpenAI"):
            given = {keyword.arg for keyword in node.keywords}
            yield f"calls {node.func.id}" + (" over http_client" if "http_client" in given else "")
        for name in names:
            for module in CLIENT_MODULES:
                if name == module or name.startswith(f"{module}."):
                    yield f"imports {module}"


def test_nothing_but_the_gate_can_open_a_connection() -> None:
    """``httpx2`` may be imported elsewhere for its exceptions and types; calling it there is an offence."""
    offences = [
        f"{path.relative_to(ROOT)} {offence}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != GATE
        for offence in _offences(path)
    ]
    assert set(offences) == ALLOWED


def test_the_check_sees_what_opens_connections() -> None:
    assert {offence.split()[0] for offence in _offences(GATE)} == {"imports", "calls"}


TURN = """
import asyncio, json, sys
from pathlib import Path
addresses = []
def hook(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        addresses.append("%s:%s" % arguments[1][:2])
sys.addaudithook(hook)
from neko.application import Neko
from neko.settings import Settings
async def main(folder, base_url):
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-test", "NEKO_OPENAI_BASE_URL": base_url, "LANG": "en"}
    async with Neko(Settings(data_dir=Path(folder), environ=environ)) as neko:
        name = neko.conversations.fallback_character()
        events = [type(event).__name__ async for event in neko.chat(name, "hello")]
        print(json.dumps({"addresses": addresses, "events": events, **neko.network.snapshot()}))
asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_turn_connects_to_the_provider_through_the_gate_and_to_nobody_else(data_dir: Path) -> None:
    async with ScriptedProvider() as provider:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", TURN, str(data_dir), provider.base_url, cwd=ROOT, stdout=subprocess.PIPE
        )
        async with asyncio.timeout(30):
            output, _ = await child.communicate()
        place = f"127.0.0.1:{provider.port}"
    answer = json.loads(output)
    assert "TurnEnd" in answer["events"]
    assert set(answer["addresses"]) == {place}
    assert {entry["host"] for entry in answer["hosts"]} == {place}
    assert sum(entry["connections"] for entry in answer["hosts"]) == len(answer["addresses"])


# ── what is counted ─────────────────────────────────────────────────────────────────────


async def test_requests_connections_and_bytes_are_counted_by_purpose_and_host() -> None:
    network = Network()
    async with ScriptedProvider() as provider:
        async with await network.http_client("test", provider.base_url, connect_timeout_s=2) as http:
            first = await http.get(f"{provider.base_url}/models")
            await http.post(f"{provider.base_url}/nowhere", content=b"12345")
        await list_models(network, provider.base_url, "key")
        place = f"127.0.0.1:{provider.port}"
    size, refusal = len(first.content), len('{"error":{"message":"no such path"}}')
    assert network.snapshot() == {
        "local_only": False,
        "hosts": [
            _entry("test", place, requests=2, connections=1, bytes_out=5, bytes_in=size + refusal),
            _entry("model list", place, requests=1, connections=1, bytes_in=size),
        ],
    }


def _entry(purpose: str, host: str, **counts: int) -> dict[str, object]:
    zeros = {"requests": 0, "connections": 0, "refused": 0, "bytes_out": 0, "bytes_in": 0}
    return {"purpose": purpose, "host": host, **zeros, **counts}


async def test_a_connection_that_fails_is_a_request_without_a_connection(free_port: int) -> None:
    network = Network()
    async with await network.http_client("test", f"http://127.0.0.1:{free_port}", connect_timeout_s=2) as http:
        with pytest.raises(httpx2.ConnectError):
            await http.get(f"http://127.0.0.1:{free_port}/")
    assert network.snapshot()["hosts"] == [_entry("test", f"127.0.0.1:{free_port}", requests=1)]


async def test_a_visitor_of_many_hosts_does_not_fill_the_memory() -> None:
    network = Network(local_only=True)
    async with await network.http_client("test", ELSEWHERE, connect_timeout_s=1) as http:
        for number in range(600):
            with pytest.raises(LocalOnlyError):
                await http.get(f"http://host-{number}.invalid/")
    hosts = network.snapshot()["hosts"]
    assert len(hosts) <= 300
    assert sum(entry["refused"] for entry in hosts) == 600


# ── local only ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def redirecting() -> AsyncIterator[str]:
    """A server on this machine that sends every visitor to another one."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {ELSEWHERE}\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_another_machine_is_refused_before_anything_is_sent() -> None:
    network = Network(local_only=True)
    async with await network.http_client("test", ELSEWHERE, connect_timeout_s=0.5) as http:
        with pytest.raises(LocalOnlyError) as caught:
            await http.get(ELSEWHERE)
    assert caught.value.params["host"] == "192.0.2.1"
    assert network.snapshot() == {"local_only": True, "hosts": [_entry("test", "192.0.2.1", refused=1)]}


async def test_a_redirect_to_another_machine_is_refused(redirecting: str) -> None:
    network = Network(local_only=True)
    url = f"http://{redirecting}/"
    async with await network.http_client("test", url, connect_timeout_s=0.5, follow_redirects=True) as http:
        with pytest.raises(LocalOnlyError):
            await http.get(url)


async def test_a_websocket_to_another_machine_is_refused() -> None:
    with pytest.raises(LocalOnlyError):
        await Network(local_only=True).websocket("test", "wss://192.0.2.1/")


async def test_a_websocket_follows_no_redirect(redirecting: str) -> None:
    with pytest.raises(WebSocketRefusedError) as caught:
        await Network(local_only=True).websocket("test", f"ws://{redirecting}/", open_timeout_s=2)
    assert caught.value.status == HTTPStatus.FOUND


async def test_a_probe_of_another_machine_is_refused() -> None:
    with pytest.raises(LocalOnlyError):
        await Network(local_only=True).is_listening("test", "192.0.2.1", 80, 0.5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_this_machine_is_never_refused(host: str) -> None:
    network = Network(local_only=True)
    async with ScriptedProvider() as provider:
        assert await list_models(network, f"http://{host}:{provider.port}/v1", "") == ["scripted-1"]
        assert [s.models for s in await find_local_servers(network, {}, ports=[("x", provider.port)])] == [
            ("scripted-1",)
        ]


async def test_a_reply_from_another_machine_fails_with_the_reason(data_dir: Path) -> None:
    async with TaskOwner("test") as owner:
        endpoint = ModelEndpoint("conversation", "custom", "Far", ELSEWHERE, "m", "key")
        session = ChatSession(endpoint, None, owner=owner, network=Network(local_only=True))
        await session.open(SessionSetup("Mio", "Sam", "", "en"))
        await session.send(UserMessage("r", "hello"))
        async with asyncio.timeout(15):
            end = [event async for event in _until_done(session)][-1]
        await session.aclose()
    assert isinstance(end.error, LocalOnlyError)


async def _until_done(session: ChatSession) -> AsyncIterator[ReplyDone]:
    async for event in session.events():
        if isinstance(event, ReplyDone):
            yield event
            return


async def test_a_voice_on_another_machine_fails_with_the_reason() -> None:
    engine = OpenAISpeech(ModelEndpoint("tts_default", "custom", "Far", ELSEWHERE, "m", ""), Network(local_only=True))
    with pytest.raises(LocalOnlyError):
        await anext(engine.synthesise(Utterance("hello", "en"), bytes))
    await engine.aclose()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_refusal_has_a_sentence_that_names_the_host(language: str) -> None:
    assert "api.example.com" in describe(LocalOnlyError("", host="api.example.com"), language).text


# ── proxies ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """The first line of each request that comes to the proxy of the environment; it refuses all."""
    requests: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        requests.append(head.decode().splitlines()[0])
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, address)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with server:
        yield requests


async def test_a_voice_on_this_machine_is_not_asked_through_the_proxy(proxy: list[str]) -> None:
    async with ScriptedProvider() as provider:
        engine = OpenAISpeech(ModelEndpoint("tts_default", "custom", "Near", provider.base_url, "m", ""), Network())
        sound = [piece async for piece in engine.synthesise(Utterance("hello", "en"), bytes)]
        await engine.aclose()
    assert b"".join(sound)
    assert proxy == []


async def test_everything_else_on_this_machine_is_not_asked_through_the_proxy(proxy: list[str]) -> None:
    network = Network()
    async with ScriptedProvider() as provider, serve(_echo, "127.0.0.1", 0) as server:
        await list_models(network, provider.base_url, "")
        await find_local_servers(network, {}, ports=[("x", provider.port)])
        async with await network.websocket("test", _url(server)) as socket:
            await socket.send("hello")
            assert await socket.receive() == "hello"
    assert proxy == []


async def test_other_machines_are_asked_through_the_proxy(proxy: list[str]) -> None:
    engine = OpenAISpeech(ModelEndpoint("tts_default", "custom", "Far", ELSEWHERE, "m", ""), Network())
    with pytest.raises(SpeechError):
        await anext(engine.synthesise(Utterance("hello", "en"), bytes))
    await engine.aclose()
    with pytest.raises(ProxyError, match="502"):
        await Network().websocket("test", "ws://192.0.2.1/", open_timeout_s=2)
    assert proxy == ["POST http://192.0.2.1/v1/audio/speech HTTP/1.1", "CONNECT 192.0.2.1:80 HTTP/1.1"]


# ── WebSockets, against a real server ───────────────────────────────────────────────────


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def _url(server: Server) -> str:
    return f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"


async def test_messages_of_both_kinds_pass_and_are_counted() -> None:
    network = Network()
    async with serve(_echo, "127.0.0.1", 0) as server, await network.websocket("test", _url(server)) as socket:
        for message in ("grüß", b"\x00\x01" * 40_000):
            await socket.send(message)
            assert await socket.receive() == message
        [entry] = network.snapshot()["hosts"]
    assert (entry["connections"], entry["bytes_out"], entry["bytes_in"]) == (1, 80_006, 80_006)


async def test_headers_and_subprotocol_reach_the_server() -> None:
    async def tell(connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        await connection.send(f"{request.headers['Authorization']} {connection.subprotocol}")

    async with serve(tell, "127.0.0.1", 0, subprotocols=["realtime"]) as server:  # type: ignore[list-item]
        url, headers = _url(server), {"Authorization": "Bearer key"}
        async with await Network().websocket("test", url, headers=headers, subprotocols=["realtime"]) as socket:
            assert await socket.receive() == "Bearer key realtime"


async def test_a_proper_close_ends_the_messages() -> None:
    async def say_and_leave(connection: ServerConnection) -> None:
        await connection.send("bye")

    async with serve(say_and_leave, "127.0.0.1", 0) as server, await Network().websocket("t", _url(server)) as socket:
        assert [message async for message in socket] == ["bye"]


async def test_a_close_with_a_reason_is_told() -> None:
    async def expire(connection: ServerConnection) -> None:
        await connection.close(4000, "session expired")

    async with serve(expire, "127.0.0.1", 0) as server, await Network().websocket("t", _url(server)) as socket:
        with pytest.raises(WebSocketClosedError) as caught:
            [message async for message in socket]
        with pytest.raises(WebSocketClosedError):
            await socket.send("still there?")
    assert (caught.value.code, caught.value.reason) == (4000, "session expired")


async def test_a_connection_that_breaks_is_told() -> None:
    async def vanish(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with serve(vanish, "127.0.0.1", 0) as server, await Network().websocket("t", _url(server)) as socket:
        with pytest.raises(WebSocketClosedError) as caught:
            await socket.receive()
    assert caught.value.code == 1006


async def test_a_refusal_tells_its_status() -> None:
    def refuse(_connection: ServerConnection, _request: Request) -> Response:
        return Response(401, "Unauthorized", Headers(), b"no")

    async with serve(_echo, "127.0.0.1", 0, process_request=refuse) as server:
        with pytest.raises(WebSocketRefusedError) as caught:
            await Network().websocket("test", _url(server))
    assert caught.value.status == HTTPStatus.UNAUTHORIZED


async def test_a_server_that_is_not_there_refuses_without_a_status(free_port: int) -> None:
    with pytest.raises(WebSocketRefusedError) as caught:
        await Network().websocket("test", f"ws://127.0.0.1:{free_port}/")
    assert caught.value.status == 0


async def test_pings_are_answered_while_messages_wait_unread() -> None:
    answered = asyncio.Event()

    async def check(connection: ServerConnection) -> None:
        for number in range(3):
            await connection.send(f"{number}")
        await (await connection.ping())
        answered.set()
        await connection.wait_closed()

    async with serve(check, "127.0.0.1", 0) as server, await Network().websocket("t", _url(server)) as socket:
        async with asyncio.timeout(15):
            await answered.wait()
        assert [await socket.receive() for _ in range(3)] == ["0", "1", "2"]


async def test_a_message_beyond_the_limit_closes_the_connection() -> None:
    async def shout(connection: ServerConnection) -> None:
        await connection.send("x" * 2000)
        await connection.wait_closed()

    async with (
        serve(shout, "127.0.0.1", 0) as server,
        await Network().websocket("t", _url(server), largest_message=1000) as socket,
    ):
        with pytest.raises(WebSocketClosedError) as caught:
            await socket.receive()
    assert (caught.value.code, caught.value.reason) == (1009, ""), "those would be our words, not the peer's"


async def test_a_peer_that_answers_no_ping_is_gone() -> None:
    given_up = asyncio.Event()

    async def go_dark(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await given_up.wait()
        connection.transport.resume_reading()  # sees that nobody is there any more, instead of waiting for a timeout

    async with (
        serve(go_dark, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server,
        await Network().websocket("t", _url(server), ping_every_s=0.05, pong_timeout_s=0.1) as socket,
        asyncio.timeout(15),
    ):
        with pytest.raises(WebSocketClosedError) as caught:
            await socket.receive()
        given_up.set()
    assert caught.value.reason == ""


async def test_switching_to_local_only_stops_an_open_websocket_to_elsewhere() -> None:
    network = Network()
    async with serve(_echo, "0.0.0.0", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        url = f"ws://0.0.0.0:{port}/"  # reaches this machine, but is no loopback address
        async with await network.websocket("test", url) as socket:
            await socket.send("before")
            assert await socket.receive() == "before"
            network.local_only = True
            with pytest.raises(LocalOnlyError):
                await socket.send("after")


# ── the setting ─────────────────────────────────────────────────────────────────────────


async def test_local_only_is_a_setting_that_holds_at_once(data_dir: Path) -> None:
    async with Neko(Settings(data_dir=data_dir, environ={}, find_local_servers=False)) as neko:
        assert not neko.network.local_only
        await neko.config.change({"neko": {"network": {"local_only": True}}})
        assert neko.network.local_only
        assert neko.metrics.snapshot()["network"] == {"local_only": True, "hosts": []}


async def test_the_environment_decides_local_only(data_dir: Path) -> None:
    environ = {
        "NEKO_LOCAL_ONLY": "1",
        "NEKO_ASSIST_API_KEY_OPENAI": "sk-test",
        "NEKO_OPENAI_BASE_URL": ELSEWHERE,
        "LANG": "en",
    }
    async with Neko(Settings(data_dir=data_dir, environ=environ, find_local_servers=False)) as neko:
        statuses = [event async for event in neko.chat(neko.characters.names[0], "hello") if isinstance(event, Status)]
    assert [status.code for status in statuses] == ["local_only"]
