"""Proxies in the environment: none stands between her and this machine, and one that fails is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from websockets.asyncio.server import serve

from neko import doctor
from neko.audio.engines.openai_speech import OpenAISpeech
from neko.errors import ProxyError, SocksSupportError
from neko.llm.discovery import find_local_servers
from neko.llm.model_catalogue import list_models
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.settings import Settings
from neko.types.speech import Utterance
from tests.field.hostile_provider import HostileProvider
from tests.field.talk import Talk

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
FAR = "speech.example.com"
FAR_URL = f"http://{FAR}/v1"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def use_proxy(monkeypatch: pytest.MonkeyPatch, address: str, *names: str) -> None:
    for name in names or ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, address)


def voice(base_url: str) -> OpenAISpeech:
    return OpenAISpeech(ModelEndpoint("tts_default", "custom", "Voices", base_url, "m", ""), Network())


async def speak(base_url: str) -> bytes:
    engine = voice(base_url)
    try:
        return b"".join([piece async for piece in engine.synthesise(Utterance("private words", "en"), bytes)])
    finally:
        await engine.aclose()


@dataclass
class SocksProxy:
    """Speaks SOCKS 5 (RFC 1928) and connects every name to ``port`` on this machine."""

    port: int
    asked: list[str] = field(default_factory=list)
    refuses: bool = False
    address: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(2))[1])
        writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        length = (await reader.readexactly(1))[0] if kind == 3 else 4
        name = await reader.readexactly(length)
        await reader.readexactly(2)
        self.asked.append(name.decode() if kind == 3 else ".".join(map(str, name)))
        writer.write(b"\x05" + (b"\x05" if self.refuses else b"\x00") + b"\x00\x01" + bytes(6))
        if self.refuses:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture
async def socks(hostile: HostileProvider, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SocksProxy]:
    """A SOCKS proxy for all, which takes every name for that of ``hostile``."""
    proxy = SocksProxy(hostile.port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    use_proxy(monkeypatch, f"socks5://{proxy.address}", "ALL_PROXY")
    yield proxy
    server.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0"])
async def test_D12_no_client_asks_this_machine_through_a_proxy(
    hostile: HostileProvider, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    async with HostileProvider() as proxy:
        use_proxy(monkeypatch, f"http://127.0.0.1:{proxy.port}")
        near = f"http://{host}:{hostile.port}/v1"
        assert await speak(near)
        assert await list_models(Network(), near, "")
        await find_local_servers(Network(), {}, ports=[("x", hostile.port)])
        async with serve(lambda connection: connection.send("hello"), "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with await Network().websocket("test", f"ws://127.0.0.1:{port}/") as socket:
                assert await socket.receive() == "hello"
        assert proxy.proxied == []


async def test_D12_a_talk_with_a_model_of_this_machine_passes_the_proxy_by(
    hostile: HostileProvider, monkeypatch: pytest.MonkeyPatch, talk: Talk
) -> None:
    async with HostileProvider() as proxy:
        use_proxy(monkeypatch, f"http://127.0.0.1:{proxy.port}")
        assert (await talk.say()).is_complete
        assert proxy.proxied == []


async def test_D13_socks_is_spoken_to_other_machines_and_not_to_this_one(
    socks: SocksProxy, hostile: HostileProvider
) -> None:
    assert await speak(hostile.base_url)
    assert socks.asked == []
    assert await speak(FAR_URL)
    assert socks.asked == [FAR]
    async with serve(lambda connection: connection.send("hello"), "127.0.0.1", 0) as server:
        socks.port = next(iter(server.sockets)).getsockname()[1]
        async with await Network().websocket("test", "ws://far.example.com/") as socket:
            assert await socket.receive() == "hello"
    assert socks.asked == [FAR, "far.example.com"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpcore2 leaves its socket open
async def test_D13_a_socks_proxy_that_refuses_is_told(socks: SocksProxy) -> None:
    socks.refuses = True
    with pytest.raises(ProxyError) as caught:
        await speak(FAR_URL)
    assert caught.value.params["host"] == socks.address
    assert "refused" in str(caught.value.params["reason"]).lower()


WITHOUT_SOCKS = """
import sys
sys.modules.update(dict.fromkeys(("socksio", "python_socks", "python_socks.async_", "python_socks.async_.asyncio")))
import asyncio, json
from neko.audio.engines.openai_speech import OpenAISpeech
from neko.errors import NekoError
from neko.llm.model_catalogue import list_models
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.types.speech import Utterance
async def speak(url):
    engine = OpenAISpeech(ModelEndpoint("tts_default", "custom", "Voices", url, "m", ""), Network())
    try:
        return len([piece async for piece in engine.synthesise(Utterance("x", "en"), bytes)]) > 0
    finally:
        await engine.aclose()
async def told(doing):
    try:
        return await doing
    except NekoError as error:
        return [error.code, error.params.get("host")]
async def main(near):
    far = "http://speech.example.com/v1"
    print(json.dumps([
        await told(speak(near)), await told(speak(far)), await told(list_models(Network(), far, "")),
        await told(Network().websocket("test", "ws://speech.example.com/")),
    ]))
asyncio.run(main(sys.argv[1]))
"""


async def test_D13_without_the_package_this_machine_is_spoken_to_and_the_package_is_named_for_others(
    socks: SocksProxy, hostile: HostileProvider
) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-c", WITHOUT_SOCKS, hostile.base_url), stdout=subprocess.PIPE
    )
    output, _ = await child.communicate()
    needed = [SocksSupportError.code, socks.address]
    assert json.loads(output) == [True, needed, needed, needed]


def test_D13_the_doctor_names_the_proxy_without_its_password(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir, environ={})
    assert doctor._proxy(settings) == doctor.Finding("ok", "proxy", "none")
    use_proxy(monkeypatch, "http://user:secret@proxy.example:3128")
    assert doctor._proxy(settings).remark.startswith("proxy.example:3128;")
    use_proxy(monkeypatch, "socks5://user:secret@proxy.example:1080")
    assert doctor._proxy(settings).verdict == "ok"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = doctor._proxy(settings)
    assert (found.verdict, "[socks]" in found.remark, "secret" in found.remark) == ("note", True, False)


async def test_D14_an_exception_is_asked_itself_by_every_client(
    hostile: HostileProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with HostileProvider() as proxy:
        use_proxy(monkeypatch, f"http://127.0.0.1:{proxy.port}")
        await list_models(Network(), "http://192.0.2.1:1/v1", "")
        assert proxy.proxied == ["http://192.0.2.1:1/v1/models"]
        for exception in ("192.0.2.0/24", "192.0.2.1", "[2001:db8::1],192.0.2.1:1"):
            monkeypatch.setenv("NO_PROXY", exception)
            http = await Network().http_client("test", "http://192.0.2.1:1/", connect_timeout_s=0.01)
            with contextlib.suppress(Exception):
                await http.get("http://192.0.2.1:1/")
            await http.aclose()
        assert len(proxy.proxied) == 1


async def test_a_proxy_that_is_not_there_is_told_by_its_host_and_without_its_password(
    monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    use_proxy(monkeypatch, f"http://user:secret@127.0.0.1:{free_port}")
    for url in (FAR_URL, FAR_URL.replace("http", "https")):
        with pytest.raises(ProxyError) as caught:
            await list_models(Network(), url, "")
        assert caught.value.params["host"] == f"127.0.0.1:{free_port}"
        assert "secret" not in f"{caught.value} {caught.value.params}"
    with pytest.raises(ProxyError):
        await Network().websocket("test", "ws://far.example.com/")


@pytest.mark.parametrize("url", [FAR_URL, FAR_URL.replace("http", "https")])
async def test_a_proxy_that_wants_a_password_is_told(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    use_proxy(monkeypatch, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server:
        with pytest.raises(ProxyError) as caught:
            await list_models(Network(), url, "")
    assert "407" in str(caught.value.params["reason"])


@pytest.mark.parametrize("address", ["ftp://127.0.0.1:1", "socks4://127.0.0.1:1", "nonsense://x"])
async def test_a_proxy_of_an_unknown_kind_is_told(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    use_proxy(monkeypatch, address)
    with pytest.raises(ProxyError):
        await list_models(Network(), FAR_URL, "")
