"""What was said to one character is recalled by another where the user wants it so, and nowhere else: over a real
socket, with the real memory and the scripted provider."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from neko.errors import MemoryStoreError
from neko.types.lines import Line, LineElsewhere, NewLine
from neko.types.memory import Evidence
from tests.client import Client, client, is_turn_end
from tests.conftest import RunningServer
from tests.scripted_provider import ScriptedProvider, tool_calls

MIO, YUKI = "Mio", "Yuki"
MAY = datetime(2026, 5, 3, 18, 0)
VIOLIN = "My sister Lena plays the violin."
ASKED = "What does my sister Lena play?"
LOOKED_UP = ("c1", "recall", '{"query": "Lena"}')


@dataclass(slots=True)
class Talk:
    """An open page of Mio's; ``violin`` was said to Yuki, in May."""

    server: RunningServer
    provider: ScriptedProvider
    http: httpx2.AsyncClient
    page: Client
    violin: Line

    async def knows(self, *others: str, character: str = MIO) -> None:
        answer = await self.http.post(f"/api/memory_browser/{character}/sharing", json={"also_knows": others})
        assert answer.status_code == 200, answer.text
        assert answer.json()["also_knows"] == [*others]

    async def ask(self, text: str = ASKED) -> str:
        """All that the model was sent for it."""
        self.provider.requests.clear()
        await self.page.say(text)
        await self.page.until(is_turn_end)
        return json.dumps([chat.json["messages"] for chat in self.provider.chats], ensure_ascii=False)

    async def last(self) -> Line:
        return (await self.server.neko.memory.lines(MIO, limit=1))[-1]


@pytest.fixture
async def talk(server: RunningServer) -> AsyncIterator[Talk]:
    neko = server.neko
    await neko.characters.create(YUKI, {})
    stored = await neko.memory.store(YUKI, NewLine("s", "t1", "user", VIOLIN, MAY, speaker="Anna"))
    await neko.memory.recall(YUKI, "violin", timeout_s=10)  # the first one loads what it uses; no reply waits for that
    async with (
        ScriptedProvider() as provider,
        httpx2.AsyncClient(base_url=server.url, trust_env=False) as http,
    ):
        choice = {"provider": "local", "base_url": provider.base_url, "model": "scripted-1", "api_key": "good"}
        assert (await http.post("/api/models/use", json=choice)).status_code == 200
        async with client(server.ws_url, MIO, language="en") as page:
            yield Talk(server, provider, http, page, stored.line)


async def test_without_the_users_wish_nothing_is_known_of_what_another_was_told(talk: Talk) -> None:
    talk.provider.script(["I do not know."])
    assert "violin" not in await talk.ask()
    assert not any("tools" in chat.json for chat in talk.provider.chats)
    assert (await talk.http.get(f"/api/memory_browser/{MIO}/sharing")).json() == {
        "success": True,
        "also_knows": [],
        "others": [YUKI],
    }


async def test_what_another_was_told_is_recalled_as_said_to_her_and_named_in_the_reply(talk: Talk) -> None:
    await talk.knows(YUKI)
    talk.provider.script(["The violin."])
    assert f"- 2026-05-03 18:00, Anna in a talk with Yuki: {VIOLIN}" in await talk.ask()
    reply = await talk.last()
    assert (reply.recalled, reply.recalled_elsewhere) == ((), (LineElsewhere(YUKI, talk.violin.id),))
    [line] = [one for one in (await talk.http.get(f"/api/history/{MIO}")).json()["lines"] if one["id"] == reply.id]
    assert line["recalled_elsewhere"] == [{"character": YUKI, "id": talk.violin.id}]


async def test_it_is_looked_up_too_and_told_once(talk: Talk) -> None:
    await talk.knows(YUKI)
    talk.provider.script(tool_calls(LOOKED_UP), tool_calls(LOOKED_UP), ["The violin."])
    sent = await talk.ask("What was her instrument?")
    assert "Anna in a talk with Yuki" in sent
    results = [message["content"] for message in talk.provider.chats[-1].json["messages"] if message["role"] == "tool"]
    assert [VIOLIN in result for result in results] == [True, False]
    assert (await talk.last()).recalled_elsewhere == (LineElsewhere(YUKI, talk.violin.id),)


async def test_the_other_learns_nothing_in_return(talk: Talk) -> None:
    await talk.knows(YUKI)
    await talk.server.neko.memory.store(MIO, NewLine("s", "t9", "user", "My cousin Ole plays the cello.", MAY))
    talk.provider.script(["I do not know."])
    async with client(talk.server.ws_url, YUKI, language="en") as page:
        await page.say("What does my cousin Ole play?")
        await page.until(is_turn_end)
    assert "cello" not in str([chat.json for chat in talk.provider.chats])


async def test_switched_off_again_it_is_gone_from_a_session_that_runs(talk: Talk) -> None:
    await talk.knows(YUKI)
    talk.provider.script(tool_calls(LOOKED_UP), ["Some instrument."], ["I do not know."])
    assert VIOLIN in await talk.ask("What was her instrument?")
    await talk.knows()
    assert "violin" not in await talk.ask()
    assert (await talk.last()).recalled_elsewhere == ()


@pytest.mark.parametrize("how", ["forgotten", "corrected", "cleared"])
async def test_what_the_other_forgets_is_gone_at_once_from_a_session_that_was_told(talk: Talk, how: str) -> None:
    await talk.knows(YUKI)
    talk.provider.script(tool_calls(LOOKED_UP), ["Some instrument."], ["I do not know."])
    assert VIOLIN in await talk.ask("What was her instrument?")
    call: dict[str, tuple[str, dict[str, Any]]] = {
        "forgotten": ("forget", {"ids": [talk.violin.id]}),
        "corrected": ("line", {"id": talk.violin.id, "text": "My sister Lena plays chess."}),
        "cleared": ("clear", {}),
    }
    path, body = call[how]
    assert (await talk.http.post(f"/api/memory_browser/{YUKI}/{path}", json=body)).status_code == 200
    sent = await talk.ask()
    assert "violin" not in sent
    assert ("chess" in sent) == (how == "corrected")


async def test_it_follows_a_renaming_of_either(talk: Talk) -> None:
    await talk.knows(YUKI)
    await talk.server.neko.characters.rename(YUKI, "Rin")
    talk.provider.script(["The violin."])
    assert f"Anna in a talk with Rin: {VIOLIN}" in await talk.ask()
    await talk.server.neko.characters.rename(MIO, "Mia")
    cards = talk.server.neko.characters.cards
    assert cards.also_knows("Mia") == ["Rin"]


async def test_it_ends_with_the_other_and_nobody_inherits_it(talk: Talk) -> None:
    await talk.knows(YUKI)
    talk.provider.script(tool_calls(LOOKED_UP), ["Some instrument."], ["I do not know."], ["I do not know."])
    assert VIOLIN in await talk.ask("What was her instrument?")
    characters = talk.server.neko.characters
    await characters.delete(YUKI)
    assert "violin" not in await talk.ask()
    await characters.create(YUKI, {}, like=MIO)
    await talk.server.neko.memory.store(YUKI, NewLine("s", "t1", "user", VIOLIN, MAY))
    assert "violin" not in await talk.ask()
    assert characters.cards.also_knows(MIO) == characters.cards.also_knows(YUKI) == []


async def test_a_memory_of_another_that_cannot_be_searched_keeps_nothing_back(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = talk.server.neko.memory
    await memory.store(MIO, NewLine("s", "t1", "user", "Lena is my sister.", MAY))
    await memory.rewrite_recent(MIO, [])
    await memory.change_chat(MIO, None)
    await talk.knows(YUKI)
    recall = memory.recall

    async def failing(character: str, query: str, **wanted: Any) -> list[Evidence]:
        if character == YUKI:
            raise MemoryStoreError("scripted", file="log", reason="unreadable")
        return await recall(character, query, **wanted)

    monkeypatch.setattr(memory, "recall", failing)
    talk.provider.script(["I do not know."])
    sent = await talk.ask()
    assert "Lena is my sister." in sent
    assert VIOLIN not in sent


async def test_a_weak_best_of_another_takes_no_place_of_what_answers_better(talk: Talk) -> None:
    """Each log's best line has about the same score in its own recall."""
    memory = talk.server.neko.memory
    await memory.clear(YUKI)
    for day in range(8):
        at = MAY + timedelta(days=day)
        await memory.store(YUKI, NewLine("s", "t", "user", f"We play game number {day}", at))
        await memory.store(MIO, NewLine("s", "t", "user", f"My sister Lena plays in hall {day}", at))
    await memory.rewrite_recent(MIO, [])
    await memory.change_chat(MIO, None)
    await talk.knows(YUKI)
    talk.provider.script(["The violin."])
    sent = await talk.ask()
    assert sent.count("in hall") == 6
    assert "game number" not in sent
