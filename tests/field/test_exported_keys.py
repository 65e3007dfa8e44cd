"""A key that another program left in the environment is offered, and used only after a yes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neko.providers import catalogue, resolve
from neko.settings.registry import ASSIST_KEYS
from tests.field.hostile_provider import HostileProvider, Raw, reply, whole
from tests.web.running_app import serving, started

CURRENT, USE, TEST = "/api/models/current", "/api/models/use", "/api/models/test"
OPENAI = catalogue().assist["openai"]
ELSEWHERE = [variable for setting in ASSIST_KEYS for variable in setting.borrowed]


async def _current(folder: Path, environ: dict[str, str], *calls: dict[str, Any]) -> dict[str, Any]:
    """Make these choices, and say what is in force then."""
    async with started(folder, environ=environ) as neko, serving(neko.asgi) as client:
        for call in calls:
            (await client.post(USE, json=call)).raise_for_status()
        return dict((await client.get(CURRENT)).json())


@pytest.mark.parametrize("variable", ELSEWHERE, ids=lambda name: f"E18-{name}")
async def test_an_exported_key_decides_nothing_and_is_offered(data_dir: Path, variable: str) -> None:
    current = await _current(data_dir, {variable: "sk-of-another-program"})
    assert (current["offline"], current["pinned"]) == (True, {})
    assert not [tile for tile in current["providers"] if tile["has_key"] and tile["key"] != "free"]
    assert [offer["variables"] for offer in current["offers"]] == [[variable]]
    assert "sk-of-another-program" not in str(current)


@pytest.mark.parametrize("variable", ELSEWHERE, ids=lambda name: f"E18-{name}")
async def test_after_a_yes_it_is_used_and_still_after_a_restart_and_never_written(
    data_dir: Path, variable: str
) -> None:
    environ = {variable: "sk-of-another-program"}
    provider = (await _current(data_dir, environ))["offers"][0]["provider"]
    for calls in ([{"provider": provider, "borrowed": True}], []):
        current = await _current(data_dir, environ, *calls)
        assert (current["offline"], current["provider"], current["offers"]) == (False, provider, [])
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"sk-of-another-program" in path.read_bytes()]
    assert (await _current(data_dir, {}))["offline"] is True


async def test_an_exported_address_is_offered_with_its_key_and_shown_without_its_password(data_dir: Path) -> None:
    """[E18]"""
    environ = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": "http://me:hunter2@gateway.example:8000"}
    before = await _current(data_dir, environ)
    assert before["offline"] is True
    assert before["offers"][0]["variables"] == ["OPENAI_API_KEY", "OPENAI_BASE_URL"]
    assert "gateway.example:8000" in before["offers"][0]["base_url"]
    after = await _current(data_dir, environ, {"provider": "openai", "borrowed": True, "model": "m"})
    assert "gateway.example" in after["base_url"]
    assert "hunter2" not in str(before) + str(after)


async def test_an_address_alone_never_gets_a_key_that_is_kept_here(data_dir: Path) -> None:
    """[E18]"""
    environ = {"OPENAI_BASE_URL": "http://gateway.example:8000"}
    async with started(data_dir, environ=environ) as neko, serving(neko.asgi) as client:
        await neko.config.change({"coreApiKey": "sk-core", "assistApi": "qwen"})
        yes = {"provider": "openai", "borrowed": True, "model": "m"}
        assert (await client.post(USE, json=yes)).status_code == 200
        endpoint = neko.models.endpoint("conversation")
        assert endpoint is not None
        assert ("gateway.example" in endpoint.base_url, endpoint.api_key) == (True, "")
    other = {"assistApiKeyOpenai": "sk-mine"}
    async with started(data_dir.with_name("other"), environ=environ) as neko, serving(neko.asgi) as client:
        await neko.config.change(other)
        assert (await client.get(CURRENT)).json()["offers"] == []


@pytest.mark.parametrize(
    ("answer", "model"),
    [
        (whole({"data": [{"id": "bge-m3"}, {"id": "tiny"}, {"id": "big"}]}), "tiny"),
        (whole({"data": [{"id": "tiny"}, {"id": OPENAI.models["conversation"]}]}), OPENAI.models["conversation"]),
        (whole("404 page not found", 404), OPENAI.models["conversation"]),
    ],
    ids=["its first", "the provider's", "no list"],
)
async def test_at_ones_own_address_the_model_is_one_that_is_there(
    data_dir: Path, hostile: HostileProvider, answer: Raw, model: str
) -> None:
    hostile.model_list = answer
    environ = {"OPENAI_API_KEY": "sk-of-another-program", "OPENAI_BASE_URL": hostile.base_url}
    current = await _current(data_dir, environ, {"provider": "openai", "borrowed": True})
    assert (current["provider"], current["base_url"], current["model"]) == ("openai", hostile.base_url, model)
    async with started(data_dir, environ=environ) as neko:
        for role in ("conversation", "summary"):
            endpoint = neko.models.endpoint(role)
            assert endpoint is not None
            assert endpoint.model == model
    assert b"sk-of-another-program" not in (data_dir / "config" / "core_config.json").read_bytes()


async def test_an_address_where_nobody_answers_is_told_and_not_taken(data_dir: Path, free_port: int) -> None:
    environ = {"OPENAI_BASE_URL": f"http://127.0.0.1:{free_port}/v1"}
    async with started(data_dir, environ=environ) as neko, serving(neko.asgi) as client:
        answer = (await client.post(USE, json={"provider": "openai", "borrowed": True})).json()
        assert (answer["success"], answer["code"]) == (False, "model_unreachable")
        current = (await client.get(CURRENT)).json()
        assert (current["offline"], len(current["offers"])) == (True, 1)


async def test_another_model_at_ones_own_address_is_used_without_writing_the_key(
    data_dir: Path, hostile: HostileProvider
) -> None:
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-exported", "NEKO_OPENAI_BASE_URL": hostile.base_url}
    async with started(data_dir, environ=environ) as neko, serving(neko.asgi) as client:
        current = (await client.post(USE, json={"provider": "openai", "model": "tiny"})).json()
        assert (current["provider"], current["model"]) == ("openai", "tiny")
        assert "sk-exported" not in str(neko.config.values)
        for role in ("conversation", "summary", "vision"):
            endpoint = neko.models.endpoint(role)
            assert endpoint is not None
            assert (endpoint.model, endpoint.api_key) == ("tiny", "sk-exported")


async def test_a_key_of_ones_own_is_stronger_than_a_borrowed_one(data_dir: Path) -> None:
    """[E18]"""
    environ = {"OPENAI_API_KEY": "sk-of-another-program"}
    async with started(data_dir, environ=environ) as neko, serving(neko.asgi) as client:
        for call in ({"borrowed": True}, {"api_key": "sk-mine"}):
            assert (await client.post(USE, json={"provider": "openai", **call})).status_code == 200
        endpoint = neko.models.endpoint("conversation")
        assert endpoint is not None
        assert endpoint.api_key == "sk-mine"


async def test_without_a_yes_asking_for_models_sends_it_nowhere(data_dir: Path) -> None:
    """[E18]"""
    async with started(data_dir, environ={"OPENAI_API_KEY": "sk-x"}) as neko:
        settings = neko.config.in_force
        assert [setting.name for setting in ASSIST_KEYS if settings.find(setting)] == []


async def test_a_yes_to_what_is_not_there_is_refused(data_dir: Path) -> None:
    async with started(data_dir) as neko, serving(neko.asgi) as client:
        answer = await client.post(USE, json={"provider": "openai", "borrowed": True})
        assert (answer.status_code, answer.json()["code"]) == (400, "no_borrowed_key")


async def test_an_address_of_the_environment_gets_a_key_only_when_it_is_typed_in_for_it(
    data_dir: Path, hostile: HostileProvider
) -> None:
    """[E18]"""
    hostile.answers = [reply("Hello.")]
    environ = {"NEKO_OPENAI_BASE_URL": hostile.base_url}
    async with started(data_dir, environ=environ) as neko, serving(neko.asgi) as client:
        await neko.config.change({"assistApi": "openai", "assistApiKeyOpenai": "sk-kept-for-openai-itself"})
        question = {"provider": "openai", "model": "m"}
        assert (await client.post(TEST, json=question)).json()["success"]
        assert (await client.post(USE, json={"provider": "openai", "api_key": "sk-typed-for-this-address"})).is_success
        assert (await client.post(TEST, json=question)).json()["success"]
        assert [chat.headers.get("authorization") for chat in hostile.chats] == [
            "Bearer none",
            "Bearer sk-typed-for-this-address",
        ]
        assert neko.config.values["assistApiKeyOpenai"] == "sk-kept-for-openai-itself"
    async with started(data_dir, environ={"NEKO_OPENAI_BASE_URL": "http://127.0.0.1:9"}) as neko:
        elsewhere = resolve("vision", neko.config.values, neko.settings.environ)
        assert elsewhere is not None
        assert elsewhere.api_key == ""
