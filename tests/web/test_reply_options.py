"""How replies are asked for: liveliness and length, by character, down to the request that a server gets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from neko.app import Neko
from neko.sessions.events import Status
from tests.scripted_provider import Script, ScriptedProvider, failure

URL = "/api/replies"


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as started:
        yield started


@pytest.fixture
def launched_with(provider: ScriptedProvider) -> dict[str, Any]:
    environ = {"NEKO_ASSIST_API": "openai", "NEKO_ASSIST_API_KEY_OPENAI": "sk-x"}
    return {"environ": {"LANG": "en_US.UTF-8", "NEKO_OPENAI_BASE_URL": provider.base_url, **environ}}


async def say(neko: Neko, character: str, text: str = "hello") -> None:
    async for _ in neko.chat(character, text):
        pass


async def test_at_first_the_model_decides(client: httpx2.AsyncClient, neko: Neko, provider: ScriptedProvider) -> None:
    name = neko.characters.current
    assert (await client.get(URL)).json() == {
        "success": True, "character": name, "temperature": None, "max_tokens": None,
    }  # fmt: skip
    await say(neko, name)
    assert "max_tokens" not in provider.chats[-1].json


async def test_what_is_chosen_holds_for_the_next_reply_of_the_same_talk(
    client: httpx2.AsyncClient, neko: Neko, provider: ScriptedProvider
) -> None:
    name = neko.characters.current
    await say(neko, name)
    assert (await client.post(URL, json={"temperature": 0.3, "max_tokens": 400})).status_code == 200
    await say(neko, name, "and now")
    asked = provider.chats[-1].json
    assert (asked["temperature"], asked["max_tokens"]) == (0.3, 400)
    assert len(asked["messages"]) > len(provider.chats[0].json["messages"]), "the talk goes on"
    await client.post(URL, json={"temperature": None, "max_tokens": None})
    await say(neko, name, "and again")
    asked = provider.chats[-1].json
    assert (asked["temperature"], "max_tokens" in asked) == (1.0, False)


async def test_another_character_keeps_to_the_usual(
    client: httpx2.AsyncClient, neko: Neko, provider: ScriptedProvider
) -> None:
    await client.post(URL, json={"temperature": 0.3, "max_tokens": 400})
    await neko.characters.edit(lambda raw: raw["猫娘"].update(other={}))
    await say(neko, "other")
    assert provider.chats[-1].json["temperature"] == 1.0
    await neko.characters.select("other")
    assert (await client.get(URL)).json()["temperature"] is None


async def test_a_model_that_refuses_a_wish_is_asked_without_it_and_answers(
    client: httpx2.AsyncClient, neko: Neko, provider: ScriptedProvider
) -> None:
    await client.post(URL, json={"temperature": 0.3, "max_tokens": 400})
    provider.script(
        failure(400, "Unsupported value: 'temperature' does not support 0.3 with this model."),
        failure(
            400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
        ),
        Script(["Here ", "I am."]),
    )
    name = neko.characters.current
    await say(neko, name)
    asked = provider.chats[-1].json
    assert "temperature" not in asked
    assert "max_tokens" not in asked
    assert asked["max_completion_tokens"] == 400
    assert (await neko.memory.lines(name))[-1].text == "Here I am."


@pytest.mark.parametrize(("wish", "told"), [({"max_tokens": 150}, "reply_cut_as_chosen"), ({}, "model_reply_cut")])
async def test_a_cut_reply_says_whose_limit_it_was(
    client: httpx2.AsyncClient, neko: Neko, provider: ScriptedProvider, wish: dict[str, Any], told: str
) -> None:
    await client.post(URL, json=wish)
    provider.script(Script(["First you boil ", "the water, then"], finish_reason="length"))
    events = [event async for event in neko.chat(neko.characters.current, "How do I make tea?")]
    assert [event.code for event in events if isinstance(event, Status)] == [told]


@pytest.mark.parametrize(
    "thought", [{"reasoning": ["Tea. ", "Water?"]}, {"deltas": ["<think>Tea. ", "Water?"]}], ids=str
)
async def test_a_thought_that_uses_up_the_chosen_length_is_told_as_that_and_the_model_still_works(
    client: httpx2.AsyncClient, neko: Neko, provider: ScriptedProvider, thought: dict[str, Any]
) -> None:
    await client.post(URL, json={"max_tokens": 150})
    provider.script(Script(**{"deltas": [], "finish_reason": "length", **thought}))
    events = [event async for event in neko.chat(neko.characters.current, "How do I make tea?")]
    assert [event.code for event in events if isinstance(event, Status)] == ["reply_limit_spent"]
    assert neko.models.label.works
    assert len(provider.chats) == 1


@pytest.mark.parametrize("wish", [{"temperature": 3}, {"max_tokens": 1}, {"max_tokens": "long"}])
async def test_what_no_model_takes_is_refused_here(client: httpx2.AsyncClient, wish: dict[str, Any]) -> None:
    assert (await client.post(URL, json=wish)).status_code == 422
