"""Listing models, testing one, asking one question, and finding servers on this machine."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys

import pytest

from neko.errors import (
    ModelError,
    ModelKeyRefusedError,
    ModelStreamBrokenError,
    ModelTimeoutError,
    ModelUnreachableError,
    ModelWebPageError,
    ModelWrongPathError,
    NoModelListError,
    NoModelYetError,
    ReplyTooLongError,
)
from neko.llm import discovery, model_catalogue
from neko.llm.client import Timeouts
from neko.llm.complete_once import complete_once
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models import build, label_of, summariser
from neko.sessions.models.builtin.session import BuiltinSession
from neko.sessions.models.chat import ChatSession
from neko.tasks import TaskOwner
from tests.scripted_provider import Script, ScriptedProvider, failure


def endpoint(base_url: str) -> ModelEndpoint:
    return ModelEndpoint("summary", "custom", "Scripted", base_url, "scripted-1", "key")


# ── which session ───────────────────────────────────────────────────────────────────────


async def test_no_endpoint_means_the_built_in_model() -> None:
    async with TaskOwner("test") as owner:
        session = build(None, None, owner, Network())
    assert isinstance(session, BuiltinSession)
    assert session.label == label_of(None)
    assert session.label.offline


async def test_an_endpoint_means_a_chat_session() -> None:
    async with TaskOwner("test") as owner:
        session = build(endpoint("http://127.0.0.1:9/v1"), None, owner, Network())
    assert isinstance(session, ChatSession)
    assert session.label == label_of(endpoint(""))
    assert not session.label.offline


# ── listing ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
async def test_models_are_listed_however_the_address_is_written(ending: str) -> None:
    async with ScriptedProvider(["big", "small", "big", "text-embedding-3"]) as provider:
        models = await model_catalogue.list_models(Network(), f"http://127.0.0.1:{provider.port}{ending}", "key")
        assert provider.requests[0].headers["authorization"] == "Bearer key"
    assert models == ["big", "small"]


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (failure(401, "bad key sk-abcdefgh12345"), ModelKeyRefusedError),
        (failure(404, "Not Found"), NoModelListError),
        (failure(404, "No model list here", code="model_not_found"), NoModelListError),
        (Script(body=b"<html>hi</html>", content_type="text/html"), ModelWebPageError),
        (Script(body=b'{"answer": 42}'), ModelWrongPathError),
        (Script(body=b'{"code": 401, "msg": "bad key"}'), ModelKeyRefusedError),
        (Script(body=b'{"models": []}'), NoModelYetError),
        (Script(refuse=True), ModelStreamBrokenError),
    ],
)
async def test_a_listing_that_fails_says_why(script: Script, kind: type[ModelError]) -> None:
    async with ScriptedProvider() as provider:
        provider.script_models(script)
        with pytest.raises(kind) as caught:
            await model_catalogue.list_models(Network(), provider.base_url, "sk-abcdefgh12345", provider="Scripted")
    assert caught.value.params["provider"] == "Scripted"
    assert "abcdefgh" not in f"{caught.value} {caught.value.params}"


async def test_a_listing_does_not_wait_for_ever() -> None:
    async with ScriptedProvider() as provider:
        provider.script_models(Script(stall_after=0))
        with pytest.raises(ModelTimeoutError):
            await model_catalogue.list_models(
                Network(), provider.base_url, "", timeouts=Timeouts(listing_timeout_s=0.05)
            )


# ── testing ─────────────────────────────────────────────────────────────────────────────


async def test_a_test_is_a_real_call_with_its_latency() -> None:
    async with ScriptedProvider() as provider:
        provider.script(["<think>hm</think>", "Hello", "."])
        result = await model_catalogue.test(Network(), provider.base_url, "key", "scripted-1")
        assert provider.chats[0].json["stream"] is True
    assert (result.ok, result.reply, result.error) == (True, "Hello.", None)
    assert 0 <= result.latency_ms < 5000


async def test_a_test_sends_the_thinking_switch_of_its_model() -> None:
    async with ScriptedProvider() as provider:
        await model_catalogue.test(Network(), provider.base_url, "key", "qwen-flash")
        assert provider.chats[0].json["enable_thinking"] is False


async def test_a_failed_test_holds_its_error(free_port: int) -> None:
    result = await model_catalogue.test(
        Network(), f"http://127.0.0.1:{free_port}", "key", "scripted-1", provider="Here"
    )
    assert not result.ok
    assert isinstance(result.error, ModelUnreachableError)
    assert result.error.params == {"model": "scripted-1", "provider": "Here"}


async def test_a_key_that_no_header_can_carry_is_a_refused_key() -> None:
    async with ScriptedProvider() as provider:
        result = await model_catalogue.test(Network(), provider.base_url, "ключ\n", "scripted-1")
        assert provider.requests == []
    assert isinstance(result.error, ModelKeyRefusedError)


# ── one question ────────────────────────────────────────────────────────────────────────


async def test_a_summary_is_the_whole_answer() -> None:
    async with ScriptedProvider() as provider:
        provider.script(["  They spoke ", "of cats. "], ["Again."])
        summarise = summariser(Network(), endpoint(provider.base_url))
        assert await summarise("Summarise.") == "They spoke of cats."
        assert await summarise("Summarise.") == "Again."
        assert provider.chats[0].json["messages"] == [{"role": "user", "content": "Summarise."}]


async def test_an_answer_without_an_end_is_none() -> None:
    async with ScriptedProvider() as provider:
        provider.script(Script(["and tea " * 1_000] * 100))
        with pytest.raises(ReplyTooLongError):
            await complete_once(Network(), endpoint(provider.base_url), "Hello.")


@pytest.mark.parametrize("script", [Script([]), Script(["Half"], cut_after=1), failure(500)])
async def test_a_question_that_fails_raises(script: Script) -> None:
    async with ScriptedProvider() as provider:
        provider.script(script)
        with pytest.raises(ModelError):
            await complete_once(Network(), endpoint(provider.base_url), "Hello.")


# ── servers on this machine ─────────────────────────────────────────────────────────────


async def test_servers_that_answer_are_found_with_their_chat_models(free_port: int) -> None:
    async with ScriptedProvider(["llama3", "nomic-embed-text"]) as one, ScriptedProvider(["qwen"]) as two:
        two.owned_by = "vllm"
        ports = [("Ollama", one.port), ("LM Studio", free_port), ("llama.cpp", two.port)]
        found = await discovery.find_local_servers(Network(), {}, ports=ports)
    assert found == [
        discovery.LocalServer("Ollama", f"http://127.0.0.1:{one.port}/v1", ("llama3",)),
        discovery.LocalServer("vLLM", f"http://127.0.0.1:{two.port}/v1", ("qwen",)),
    ]


@pytest.mark.parametrize(
    "script",
    [
        failure(401),
        failure(404),
        Script(body=b"<html></html>", content_type="text/html"),
        Script(body=b'{"hello": "world"}'),
        Script(body=b'{"data": {}}'),
        Script(body=json.dumps({"data": [{"id": "x" * 2_000_000}]}).encode()),
        Script(refuse=True),
    ],
)
async def test_what_does_not_answer_like_a_model_server_is_none(script: Script) -> None:
    async with ScriptedProvider() as provider:
        provider.script_models(script)
        assert await discovery.find_local_servers(Network(), {}, ports=[("Ollama", provider.port)]) == []


async def test_a_server_with_nothing_but_embeddings_is_not_offered() -> None:
    async with ScriptedProvider(["nomic-embed-text"]) as provider:
        assert await discovery.find_local_servers(Network(), {}, ports=[("Ollama", provider.port)]) == []


async def test_a_server_that_stalls_does_not_hold_up_the_others() -> None:
    async with ScriptedProvider() as slow, ScriptedProvider() as quick:
        slow.script_models(Script(stall_after=0))
        async with asyncio.timeout(10):
            found = await discovery.find_local_servers(
                Network(), {}, 0.2, ports=[("Ollama", slow.port), ("vLLM", quick.port)]
            )
    assert [server.name for server in found] == ["vLLM"]


async def test_chunked_answers_are_understood() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in (b'{"data": [{"id"', b': "m"}]}'):
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        [found] = await discovery.find_local_servers(Network(), {}, ports=[("vLLM", port)])
    assert found.models == ("m",)


async def test_our_own_port_is_never_asked() -> None:
    async with ScriptedProvider() as provider:
        ports = [("llama.cpp", provider.port)]
        assert await discovery.find_local_servers(Network(), {}, ports=ports, own_port=provider.port) == []
        assert provider.requests == []


async def test_ollama_host_adds_an_address_on_this_machine() -> None:
    async with ScriptedProvider() as provider:
        environ = {"OLLAMA_HOST": f"0.0.0.0:{provider.port}"}
        [found] = await discovery.find_local_servers(Network(), environ, ports=[])
    assert found.base_url == f"http://127.0.0.1:{provider.port}/v1"


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("", None),
        ("127.0.0.1", ("127.0.0.1", 11434)),
        (":5000", ("127.0.0.1", 5000)),
        ("http://localhost:5000/", ("127.0.0.1", 5000)),
        ("http://127.0.0.1", ("127.0.0.1", 80)),
        ("[::1]:5000", ("::1", 5000)),
        ("192.168.1.5:11434", None),
        ("ollama.example.com", None),
        ("https://localhost", None),
        ("127.0.0.1:99999", None),
    ],
)
def test_ollama_host_counts_only_when_it_is_this_machine(value: str, place: tuple[str, int] | None) -> None:
    assert discovery.ollama_address(value) == place


def test_looking_for_servers_loads_no_http_client() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = (
        "import asyncio, sys\n"
        "from neko.llm.discovery import find_local_servers\n"
        "from neko.net import Network\n"
        f"assert asyncio.run(find_local_servers(Network(), {{}}, ports=[('x', {port})])) == []\n"
        "assert not {'openai', 'httpx2', 'httpx'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
