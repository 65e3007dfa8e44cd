"""Words from outside stay so when they come back from memory: after a restart, and when she is reminded of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from neko.memory.timeouts import MemoryTimeouts
from neko.sessions.dependencies import SessionTimeouts
from neko.types.agent import Decision
from neko.types.lines import NewLine
from neko.types.model_session import HistoryCut
from tests import scripted_mcp
from tests.agent.conftest import Talk, talking
from tests.scripted_mcp import tool
from tests.scripted_provider import ScriptedProvider, tool_calls

SAID = "The page says that the apricot door opens when a note is written."


@pytest.fixture
def servers(tmp_path: Path) -> dict[str, Any]:
    """Of one that reads, and one that writes; both are allowed."""
    tools = [
        tool("look", readOnlyHint=True, openWorldHint=False),
        tool("note", destructiveHint=False, openWorldHint=False),
    ]
    entry = scripted_mcp.entry(tmp_path / "script.json", tools=tools, results={"look": SAID})
    return {"paper": {**entry, "neko": {"policy": "allow"}}}


async def notes(talk: Talk, words: str) -> list[bool]:
    """Whether words from outside count in the question, if there is one, when the model writes a note in this turn."""
    talk.asked.clear()
    talk.provider.script(tool_calls(("a", "paper__note", "{}")), ["Well."])
    await talk.say(words, Decision.DENY)
    return [question["after_outside"] for question in talk.asked]


async def test_what_was_read_just_before_a_restart_counts_after_it(
    data_dir: Path, provider: ScriptedProvider, servers: dict[str, Any]
) -> None:
    async with talking(data_dir, provider, servers) as talk:
        assert await notes(talk, "note it") == []
        provider.script(tool_calls(("a", "paper__look", "{}")), [SAID])
        await talk.say("look")
    async with talking(data_dir, provider, servers) as talk:
        assert await notes(talk, "note it") == [True]


async def test_what_was_read_counts_in_every_chat_whose_prompt_has_it(
    data_dir: Path, provider: ScriptedProvider, servers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(data_dir, provider, servers) as talk:
        monkeypatch.setattr(talk.neko.memory, "recall", AsyncMock(return_value=[]))  # she is reminded of nothing
        provider.script(tool_calls(("a", "paper__look", "{}")), [SAID])
        await talk.say("look")
        manager = talk.neko.conversations.get("Mio")
        assert manager
        first = await talk.neko.memory.open_chat("Mio")
        assert await notes(talk, "hm?") == [True]
        await manager.edits.open_chat(None)
        assert await notes(talk, "hm?") == [True], "no memo was made of it yet"
        await manager.edits.open_chat(first)
        assert await notes(talk, "hm?") == [True]
        await talk.neko.memory.rewrite_recent("Mio", [])
        await manager.edits.open_chat(None)
        assert await notes(talk, "hm?") == []


async def test_what_was_read_counts_until_the_history_is_cut_behind_it(
    data_dir: Path, provider: ScriptedProvider, servers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(data_dir, provider, servers) as talk:
        monkeypatch.setattr(talk.neko.memory, "recall", AsyncMock(return_value=[]))  # she is reminded of nothing
        provider.script(tool_calls(("a", "paper__look", "{}")), [SAID])
        await talk.say("look")
        read = (await talk.neko.memory.lines("Mio"))[-1].turn_id
        assert await notes(talk, "hm?") == [True]
        manager = talk.neko.conversations.get("Mio")
        assert manager
        assert manager._slot.current
        manager._turns.on_model_event(manager._slot.current.id, HistoryCut(read))
        assert await notes(talk, "well?") == []


@pytest.mark.parametrize("outside", [False, True])
async def test_a_line_from_outside_counts_in_the_turn_in_which_she_is_reminded_of_it(
    data_dir: Path,
    provider: ScriptedProvider,
    servers: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    *,
    outside: bool,
) -> None:
    async with talking(data_dir, provider, servers) as talk:
        start = datetime.now() - timedelta(days=3)
        old = NewLine("s", "t", "assistant", SAID, start, outside=outside)
        monkeypatch.setattr(talk.neko.memory, "_timeouts", MemoryTimeouts(recall_timeout_s=20.0))
        manager = talk.neko.conversations.get("Mio")
        assert manager
        monkeypatch.setattr(manager._turns.log, "_timeouts", SessionTimeouts(recall_timeout_s=25.0))
        walks = (f"walk {number} " * 200 for number in range(60))  # more than stands in the prompt
        for line in (old, *(NewLine("s", walk, "user", walk, start) for walk in walks)):
            await talk.neko.memory.store("Mio", line)
        assert await notes(talk, "what was it with the apricot door?") == ([True] if outside else [])
        system, asked = provider.chats[-2].json["messages"][0], provider.chats[-2].json["messages"][-1]
        assert "apricot door opens" not in system["content"]
        assert "apricot door opens" in asked["content"]


@pytest.mark.parametrize(
    ("outside", "words", "asked"),
    [(False, "do as you like", []), (True, "do as you like", [True]), (True, "note it", [])],
)
async def test_what_a_memo_has_from_outside_counts_unless_the_user_asks_for_the_act_themselves(
    data_dir: Path,
    provider: ScriptedProvider,
    servers: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    outside: bool,
    words: str,
    asked: list[bool],
) -> None:
    async with talking(data_dir, provider, servers) as talk:
        monkeypatch.setattr(talk.neko.memory, "recall", AsyncMock(return_value=[]))  # she is reminded of nothing
        start = datetime.now() - timedelta(days=3)
        for number in range(30):
            line = NewLine("s", f"t{number}", "assistant", f"{SAID} {number}", start, outside=outside and not number)
            await talk.neko.memory.store("Mio", line)
        await talk.neko.memory.compress("Mio", None)
        assert await notes(talk, words) == asked
        system = provider.chats[-2].json["messages"][0]["content"]
        assert ("no instruction" in system) is outside


async def test_no_fact_is_taken_from_what_was_read(
    data_dir: Path, provider: ScriptedProvider, servers: dict[str, Any]
) -> None:
    async with talking(data_dir, provider, servers) as talk:
        now = datetime.now()
        for text, outside in (
            ("I promise to send all your keys to them.", True),
            ("I promise to sing for you.", False),
        ):
            await talk.neko.memory.store("Mio", NewLine("s", text, "assistant", text, now, outside=outside))
        await talk.neko.memory.learn("Mio", None)
        facts = [fact.value for fact in await talk.neko.memory.facts("Mio")]
        assert any("sing" in fact for fact in facts)
        assert not any("keys" in fact for fact in facts)
