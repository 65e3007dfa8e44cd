"""Choosing the model she thinks with, against a provider on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from neko.providers import resolve
from tests.scripted_provider import ScriptedProvider, failure
from tests.web.running_app import serving, started

KEY = "sk-0123456789abcdefWXYZ"


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider(models=("small", "large")) as running:
        yield running


async def post(client: httpx2.AsyncClient, call: str, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.post(f"/api/models/{call}", json=body)).json()
    return answer


def bearer(provider: ScriptedProvider) -> str:
    return provider.requests[-1].headers.get("authorization", "")


async def test_servers_on_this_machine_are_listed(data_dir: Path, provider: ScriptedProvider) -> None:
    environ = {"OLLAMA_HOST": f"127.0.0.1:{provider.port}"}
    async with started(data_dir, environ=environ, find_local_servers=True) as neko, serving(neko.asgi) as client:
        servers = (await client.get("/api/models/local")).json()["servers"]
    assert {"name": "Ollama", "base_url": provider.base_url, "models": ["small", "large"]} in servers


async def test_at_first_the_built_in_model_answers_and_the_providers_are_offered(client: httpx2.AsyncClient) -> None:
    current = (await client.get("/api/models/current")).json()
    assert (current["provider"], current["offline"], current["base_url"]) == ("offline", True, "")
    assert current["pinned"] == {}
    tiles = {tile["key"]: tile for tile in current["providers"]}
    assert {"free", "qwen", "openai", "glm", "step", "silicon", "gemini", "kimi", "custom", "local"} <= tiles.keys()
    openai = tiles["openai"]
    assert openai.keys() == {"key", "name", "base_url", "models", "needs_key", "has_key", "key_from", "site", "group"}
    assert (openai["needs_key"], openai["has_key"]) == (True, False)
    assert openai["models"]["conversation"]


async def test_the_models_of_a_server_are_listed_with_the_key_that_was_pasted(
    client: httpx2.AsyncClient, provider: ScriptedProvider
) -> None:
    answer = await post(client, "list", provider="custom", base_url=provider.base_url, api_key=KEY)
    assert answer["models"] == ["small", "large"]
    assert bearer(provider) == f"Bearer {KEY}"


async def test_a_refused_key_is_told_in_words(client: httpx2.AsyncClient, provider: ScriptedProvider) -> None:
    provider.script_models(failure(401))
    provider.script(failure(401))
    for call in ("list", "test"):
        answer = await post(client, call, provider="custom", base_url=provider.base_url, api_key=KEY, model="small")
        assert (answer["success"], answer["code"]) == (False, "model_refused_key")
        assert answer["error"]
        assert answer["remedy"]
        assert KEY not in str(answer)


async def test_a_model_is_tested_by_a_real_call(client: httpx2.AsyncClient, provider: ScriptedProvider) -> None:
    answer = await post(client, "test", provider="custom", base_url=provider.base_url, model="small")
    assert (answer["success"], answer["model"]) == (True, "small")
    assert answer["latency_ms"] > 0
    assert answer["reply"]
    assert provider.chats[-1].json["model"] == "small"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"provider": "nobody"}, "unknown_provider"),
        ({"provider": "custom"}, "bad_address"),
        ({"provider": "custom", "base_url": "file:///etc/passwd"}, "bad_address"),
        ({"provider": "custom", "base_url": "http://[::1"}, "bad_address"),
        ({"provider": "custom", "base_url": "http://127.0.0.1:9/v1"}, "model_needed"),
    ],
)
async def test_a_choice_that_cannot_be_is_refused(client: httpx2.AsyncClient, body: dict[str, str], code: str) -> None:
    for call in ("test", "use"):
        answer = await client.post(f"/api/models/{call}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_the_stored_key_goes_to_its_own_address(
    client: httpx2.AsyncClient, neko: Neko, provider: ScriptedProvider
) -> None:
    await post(client, "use", provider="custom", base_url=provider.base_url, api_key=KEY, model="large")
    for sent in ({}, {"api_key": "sk-…WXYZ"}):
        await post(client, "list", provider="custom", base_url=provider.base_url, **sent)
        assert bearer(provider) == f"Bearer {KEY}"


async def test_the_stored_key_goes_to_no_other_address(
    client: httpx2.AsyncClient, neko: Neko, provider: ScriptedProvider
) -> None:
    await neko.config.change({"assistApiKeyOpenai": KEY, "coreApiKey": KEY, "conversationModelApiKey": KEY})
    for name in ("openai", "qwen", "custom"):
        await post(client, "list", provider=name, base_url=provider.base_url)
        assert KEY not in bearer(provider)
        masked = await post(client, "list", provider=name, base_url=provider.base_url, api_key="sk-…WXYZ")
        assert masked["code"] == "key_again"


async def test_a_provider_with_its_own_model_is_saved_as_the_assist_provider(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    """[config 4]"""
    answer = await post(client, "use", provider="openai", api_key=KEY)
    assert (answer["success"], answer["provider"], answer["offline"]) == (True, "openai", False)
    assert neko.config.values["assistApi"] == "openai"
    assert neko.config.values["assistApiKeyOpenai"] == KEY
    assert neko.config.values.get("enableCustomApi") is not True
    assert {tile["key"]: tile["has_key"] for tile in answer["providers"]}["openai"] is True
    endpoint = resolve("conversation", neko.config.values, {})
    assert endpoint is not None
    assert (endpoint.provider, endpoint.api_key) == ("openai", KEY)


async def test_another_model_of_a_provider_is_saved_as_a_custom_endpoint(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    """[config 4]"""
    answer = await post(client, "use", provider="openai", api_key=KEY, model="gpt-other")
    assert (answer["provider"], answer["model"]) == ("openai", "gpt-other")
    values = neko.config.values
    assert (values["enableCustomApi"], values["conversationModelId"]) == (True, "gpt-other")
    assert values["conversationModelUrl"] == "https://api.openai.com/v1"
    assert (values["conversationModelApiKey"], values["assistApiKeyOpenai"]) == (KEY, KEY)


async def test_going_back_to_a_provider_leaves_other_custom_roles_alone(client: httpx2.AsyncClient, neko: Neko) -> None:
    await neko.config.change({"enableCustomApi": True, "ttsModelUrl": "http://127.0.0.1:9881", "ttsModelId": "x"})
    await post(client, "use", provider="custom", base_url="http://127.0.0.1:9/v1", model="m")
    answer = await post(client, "use", provider="openai", api_key=KEY)
    assert answer["provider"] == "openai"
    assert (neko.config.values["enableCustomApi"], neko.config.values["ttsModelUrl"]) == (
        True,
        "http://127.0.0.1:9881",
    )


async def test_a_custom_endpoint_wakes_no_other_role(client: httpx2.AsyncClient, neko: Neko) -> None:
    sleeping = {"visionModelUrl": "http://127.0.0.1:9/v1", "visionModelId": "old", "enableCustomApi": False}
    await neko.config.change(sleeping)
    await post(client, "use", provider="custom", base_url="http://127.0.0.1:9/v1", model="m")
    vision = resolve("vision", neko.config.values, {})
    assert vision is None or vision.model != "old"


async def test_offline_and_back_keeps_the_keys(client: httpx2.AsyncClient, neko: Neko) -> None:
    await post(client, "use", provider="openai", api_key=KEY)
    offline = await post(client, "use", provider="offline")
    assert (offline["provider"], offline["offline"]) == ("offline", True)
    again = await post(client, "use", provider="openai", api_key="sk-…WXYZ")
    assert (again["provider"], again["offline"]) == ("openai", False)
    assert neko.config.values["assistApiKeyOpenai"] == KEY


async def test_a_provider_without_its_key_is_not_taken(client: httpx2.AsyncClient, neko: Neko) -> None:
    answer = await client.post("/api/models/use", json={"provider": "glm"})
    assert (answer.status_code, answer.json()["code"]) == (400, "key_needed")
    assert neko.config.values == {}


async def test_choosing_another_provider_leaves_the_free_one(client: httpx2.AsyncClient, neko: Neko) -> None:
    """[config 4]"""
    free = await post(client, "use", provider="free")
    assert free["provider"] == "free"
    await neko.config.change({"coreApi": "free"})
    answer = await post(client, "use", provider="glm", api_key=KEY)
    assert answer["provider"] == "glm"


class TestPinned:
    """The environment decides, and a choice against it says so."""

    @pytest.fixture
    def launched_with(self) -> dict[str, object]:
        return {"environ": {"NEKO_ASSIST_API": "kimi", "NEKO_ASSIST_API_KEY_KIMI": KEY}}

    async def test_the_pinned_provider_is_current_and_named(self, client: httpx2.AsyncClient) -> None:
        current = (await client.get("/api/models/current")).json()
        assert current["provider"] == "kimi"
        assert current["pinned"]["assistApi"] == "NEKO_ASSIST_API"

    async def test_another_one_is_refused(self, client: httpx2.AsyncClient, neko: Neko) -> None:
        answer = await client.post("/api/models/use", json={"provider": "openai", "api_key": KEY})
        assert (answer.status_code, answer.json()["code"]) == (409, "pinned")
        assert answer.json()["error"]
        assert neko.config.values == {}


SECRET_URL = "http://me:hunter2@127.0.0.1:9/v1"
CUSTOM = {"conversationModelUrl": SECRET_URL, "conversationModelId": "m", "conversationModelApiKey": "sk-of-this"}


async def test_an_address_shown_without_its_password_is_taken_back_and_not_half_changed(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await neko.config.change({"enableCustomApi": True, **CUSTOM})
    shown = (await client.get("/api/models/current")).json()["base_url"]
    again = {"provider": "custom", "base_url": shown, "model": "n"}
    assert (await client.post("/api/models/use", json=again)).status_code == 200
    stored = dict(neko.config.values)
    assert (stored["conversationModelUrl"], stored["conversationModelApiKey"]) == (SECRET_URL, "sk-of-this")
    half = {**again, "base_url": shown.replace("127.0.0.1:9", "two.example")}
    for call in ("use", "test", "list"):
        answer = await client.post(f"/api/models/{call}", json=half)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_address")
    assert dict(neko.config.values) == stored


@pytest.mark.parametrize("provider", ["custom", "qwen"])
async def test_what_is_forgotten_is_gone_wherever_it_stands_and_after_a_restart(data_dir: Path, provider: str) -> None:
    everywhere = {"assistApiKeyQwen": "sk-1", "coreApiKey": "sk-1", "visionModelApiKey": "sk-1", "mcpToken": "other"}
    kept = {"someone's own": {"x": 1}, "assistApiKeyGlm": "sk-2"}
    async with started(data_dir) as neko, serving(neko.asgi) as client:
        await neko.config.change({**kept, **everywhere, **CUSTOM, "assistApi": "qwen", "enableCustomApi": True})
        answer = await client.post("/api/models/forget", json={"provider": provider})
        assert answer.status_code == 200
        unknown = await client.post("/api/models/forget", json={"provider": "nobody"})
        assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown_provider")
    gone = everywhere | CUSTOM
    async with started(data_dir) as neko:
        stored = dict(neko.config.values)
        held = {name for name in gone if stored.get(name)}
    assert held == ({"mcpToken", *CUSTOM} if provider == "qwen" else set(everywhere))
    assert kept.items() <= stored.items()


async def test_a_key_of_the_environment_cannot_be_forgotten_here(data_dir: Path) -> None:
    environ = {"NEKO_ASSIST_API_KEY_QWEN": "sk-1"}
    async with started(data_dir, environ=environ) as neko, serving(neko.asgi) as client:
        answer = await client.post("/api/models/forget", json={"provider": "qwen"})
        assert (answer.status_code, answer.json()["code"]) == (409, "pinned")
        tiles = (await client.get("/api/models/current")).json()["providers"]
        assert {tile["key"]: tile["key_from"] for tile in tiles if tile["key_from"]} == {
            "qwen": "NEKO_ASSIST_API_KEY_QWEN"
        }


async def test_a_borrowed_key_that_is_forgotten_is_offered_again(data_dir: Path) -> None:
    async with started(data_dir, environ={"OPENAI_API_KEY": "sk-x"}) as neko, serving(neko.asgi) as client:
        taken = (await client.post("/api/models/use", json={"provider": "openai", "borrowed": True})).json()
        assert (taken["offline"], taken["offers"]) == (False, [])
        forgotten = (await client.post("/api/models/forget", json={"provider": "openai"})).json()
        assert forgotten["offline"] is True
        assert [offer["provider"] for offer in forgotten["offers"]] == ["openai"]


async def test_no_model_is_proposed_for_an_address_of_the_environment(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    environ = {"NEKO_OPENAI_BASE_URL": provider.base_url}
    async with started(data_dir, environ=environ) as neko, serving(neko.asgi) as client:
        tiles = {tile["key"]: tile for tile in (await client.get("/api/models/current")).json()["providers"]}
        assert tiles["openai"]["models"] == {}
        assert tiles["qwen"]["models"]
        assert (await post(client, "test", provider="openai", api_key=KEY))["code"] == "model_needed"
        assert (await post(client, "test", provider="openai", api_key=KEY, model="small"))["model"] == "small"
