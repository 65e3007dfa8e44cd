"""Addresses and keys as people paste them, up to the request that the server gets."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.providers import normalise_base_url
from neko.settings.pasted import tidy_key
from tests.conftest import RunningServer
from tests.field.hostile_provider import HostileProvider, reply
from tests.field.talk import Talk

KEY = "sk-proj-0123abcd"
PASTED_KEYS = [
    KEY,
    f"  {KEY}\n",
    f"{KEY[:8]}\r\n{KEY[8:]}",
    f'"{KEY}"',
    f"“{KEY}”",
    f"`{KEY}`,",
    f"<{KEY}>",
    f"Bearer {KEY}",
    f"bearer  {KEY}",
    f"Authorization: Bearer {KEY}",
    f"-H 'Authorization: Bearer {KEY}'",
    f"OPENAI_API_KEY={KEY}",
    f'export OPENAI_API_KEY="{KEY}"',
    f"$env:OPENAI_API_KEY = '{KEY}'",
    f'"apiKey": "{KEY}",',
    f"api-key: {KEY}",
    f"\ufeff{KEY}\u200b\u2060",
    "ｓｋ－ｐｒｏｊ－０１２３ａｂｃｄ",
]


@pytest.fixture
async def rest(server: RunningServer) -> Any:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as client:
        yield client


async def tried(rest: httpx2.AsyncClient, **choice: str) -> dict[str, Any]:
    answer = await rest.post("/api/models/test", json={"provider": "custom", "model": "m", **choice})
    result: dict[str, Any] = answer.json()
    return result


@pytest.mark.parametrize("pasted", PASTED_KEYS)
def test_a_key_is_found_in_what_was_pasted(pasted: str) -> None:
    assert tidy_key(pasted) == KEY


@given(st.text(alphabet="abcXYZ0189-_.:/+=", min_size=1).filter(lambda key: not key.startswith((".", ":", "="))))
def test_a_key_that_is_one_stays_as_it_is(key: str) -> None:
    assert tidy_key(f"sk-{key}") == f"sk-{key}"


ODD_LETTERS = {"о": "CYRILLIC SMALL LETTER O", "Α": "GREEK CAPITAL LETTER ALPHA", "–": "EN DASH"}


@pytest.mark.parametrize("place", [1, 5, len(KEY)])
@pytest.mark.parametrize("letter", ODD_LETTERS)
async def test_a_letter_that_no_key_holds_is_told_with_its_place_wherever_the_key_is_typed_and_never_sent(
    server: RunningServer, rest: httpx2.AsyncClient, hostile: HostileProvider, letter: str, place: int
) -> None:
    odd = f"{KEY[: place - 1]}{letter}{KEY[place:]}"
    choice = {"provider": "custom", "base_url": hostile.base_url, "model": "m", "api_key": f" Bearer {odd} "}
    for path, form in {
        "/api/models/list": choice,
        "/api/models/test": choice,
        "/api/models/use": choice,
        "/api/speech": {"url": hostile.base_url, "model": "m", "api_key": odd},
        "/api/config/core_api": {"coreApiKey": KEY, "assistApiKeyGlm": odd},
    }.items():
        answer = (await rest.post(path, json=form)).json()
        assert (answer["success"], answer["code"]) == (False, "key_letter")
        assert f"Character {place} of the key is “{letter}” ({ODD_LETTERS[letter]})" in answer["error"]
    assert hostile.requests == []
    assert odd not in json.dumps(dict(server.neko.config.values), ensure_ascii=False)


async def test_a_letter_that_no_key_holds_in_the_file_is_told_in_the_talk(server: RunningServer, talk: Talk) -> None:
    await server.neko.config.change({"conversationModelApiKey": "sk-pr\u043ej"})
    await talk.page.say("Hello there")
    seen = await talk.page.until(lambda frame: frame["type"] == "session_failed")
    assert [frame["code"] for frame in seen if frame["type"] == "status"] == ["key_letter"]
    assert talk.provider.chats == []


@pytest.mark.parametrize("pasted", PASTED_KEYS[1:9])
async def test_the_server_gets_the_key_alone(rest: httpx2.AsyncClient, hostile: HostileProvider, pasted: str) -> None:
    hostile.answers = [reply("Hello.")]
    result = await tried(rest, base_url=hostile.base_url, api_key=pasted)
    assert result["success"]
    assert hostile.chats[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_key_in_the_file_or_the_form_of_the_original_is_tidied_too(
    server: RunningServer, rest: httpx2.AsyncClient, talk: Talk
) -> None:
    await server.neko.config.change({"conversationModelApiKey": f"Bearer {KEY}\u200b"})
    talk.provider.answers = [reply("Hello.")]
    await talk.say()
    assert talk.provider.chats[-1].headers["authorization"] == f"Bearer {KEY}"
    await rest.post("/api/config/core_api", json={"coreApiKey": f" '{KEY}' ", "coreApi": "openai"})
    assert server.neko.config.values["coreApiKey"] == KEY


PIECES = [
    "[x](",
    ")",
    "<",
    "ws",
    "http",
    "https",
    "://",
    "//",
    ":",
    "/",
    "a.b",
    "1",
    "。",
    " ",
    "\\",
    "'",
    "?",
    "#",
    "@",
]
ADDRESS = "http://127.0.0.1:8000/v1"
PASTED_ADDRESSES = [
    "127.0.0.1:8000",
    ":8000",
    "0.0.0.0:8000",
    "http:/127.0.0.1:8000/v1",
    "http:127.0.0.1:8000",
    "http:\\\\127.0.0.1:8000\\v1",
    "http://http://127.0.0.1:8000",
    "http://127.0.0.1:8000/v1/v1",
    "http://127.0.0.1:8000/v1/chat/completions/",
    "http://127.0.0.1:8000/v1#/settings",
    "‘http://127.0.0.1:8000/v1’,",
    "<http://127.0.0.1:8000/v1>",
    "OPENAI_BASE_URL=http://127.0.0.1:8000/v1",
    "curl http://127.0.0.1:8000/v1/chat/completions -H 'Content-Type: application/json'",
    "http://127.0.0.1:8000\u200b/v1\n",
    "ｈｔｔｐ：／／１２７．０．０．１：８０００／ｖ１",
    "http：//127。0。0。1：8000",
    "[Local](http://127.0.0.1:8000/v1)",
    "[my server](127.0.0.1:8000)",
    "[http://elsewhere](<http://127.0.0.1:8000/v1> 'the one at home')",
    "(http://127.0.0.1:8000/v1)",
    "it is here (http://127.0.0.1:8000/v1).",
    "http://127.0.0.1:8000/v1。",
    "http://127.0.0.1:8000/v1\u00a0",
    "http://127.0.0.1:8000//v1//",
    "ws://127.0.0.1:8000/v1",
    "<ws://127.0.0.1:8000/v1/realtime>",
]


@pytest.mark.parametrize("pasted", PASTED_ADDRESSES)
def test_an_address_is_found_in_what_was_pasted(pasted: str) -> None:
    assert normalise_base_url(pasted) == ADDRESS


@pytest.mark.parametrize(
    "written", ["ws://{}/v1", "[Local](http://{}/v1)", "<http://{}>", "http://{}//v1//", "{}", "http://{}/v1。"]
)
@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "LOCALHOST.", "0x7f000001", "2130706433"])
async def test_the_server_is_found_however_its_address_is_written(
    rest: httpx2.AsyncClient, hostile: HostileProvider, written: str, host: str
) -> None:
    hostile.answers = [reply("Hello.")]
    assert (await tried(rest, base_url=written.format(f"{host}:{hostile.port}"), api_key=KEY))["success"]
    assert hostile.chats[0].path == "/v1/chat/completions"


def test_a_secure_web_socket_is_asked_over_https() -> None:
    assert normalise_base_url("wss://api.example.com/v1/realtime") == "https://api.example.com/v1"


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_tidying_an_address_twice_changes_nothing_more(text: str) -> None:
    once = normalise_base_url(text)
    assert normalise_base_url(once) == once


async def test_C7_the_version_in_an_azure_address_goes_with_every_request(
    rest: httpx2.AsyncClient, hostile: HostileProvider
) -> None:
    address = f"http://127.0.0.1:{hostile.port}/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    hostile.answers = [reply("Hello.")]
    assert (await tried(rest, base_url=address, api_key=KEY))["success"]
    await rest.post("/api/models/list", json={"provider": "custom", "base_url": address, "api_key": KEY})
    chat, listing = hostile.requests
    assert chat.path == "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    assert chat.headers["api-key"] == KEY
    assert listing.path == "/openai/deployments/gpt/models?api-version=2024-10-21"


@pytest.mark.parametrize("port", ["99999", "0x50", "-1", "port"])
async def test_a_port_that_cannot_be_is_told_as_an_address(rest: httpx2.AsyncClient, port: str) -> None:
    assert (await tried(rest, base_url=f"http://127.0.0.1:{port}/v1"))["code"] == "bad_address"


async def test_an_address_in_the_file_that_cannot_be_is_told_in_the_talk(server: RunningServer, talk: Talk) -> None:
    await server.neko.config.change({"conversationModelUrl": "http://127.0.0.1:99999/v1"})
    await talk.page.say("Hello there")
    seen = await talk.page.until(lambda frame: frame["type"] == "session_failed")
    assert [frame["code"] for frame in seen if frame["type"] == "status"] == ["model_address"]


async def test_a_password_in_an_address_is_never_told(rest: httpx2.AsyncClient, server: RunningServer) -> None:
    result = await tried(rest, base_url="http://ann:hidden-pass@127.0.0.1:9/v1?key=hidden-key")
    assert result["code"] == "model_unreachable"
    await rest.post(
        "/api/models/use",
        json={"provider": "custom", "model": "m", "base_url": "http://ann:hidden-pass@127.0.0.1:9/v1?key=hidden-key"},
    )
    shown = [result, (await rest.get("/api/models/current")).json(), (await rest.get("/api/config/core_api")).json()]
    assert "hidden" not in json.dumps(shown)
