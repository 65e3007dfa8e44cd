"""One character's conversation: stopping, changing models, being slow, being gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neko.app import Neko
from neko.errors import MemoryStoreError
from neko.sessions.actions import EndSession, RetryReply, SendText, StartSession, StopReply
from neko.sessions.events import (
    Event,
    FaultOver,
    LineStored,
    LineUnkept,
    ModelChanged,
    ReplyText,
    RequestScreenshot,
    StateChanged,
    Status,
    TurnEnd,
    UserActivity,
)
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import TOO_SLOW, Outbox
from neko.settings import Settings
from tests.scripted_provider import Script, ScriptedProvider

TIMEOUT_S = 8.0


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as scripted:
        yield scripted


@pytest.fixture
async def neko(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Neko]:
    environ = {"NEKO_ASSIST_API_KEY_OPENAI": "sk-x", "NEKO_OPENAI_BASE_URL": provider.base_url, "LANG": "en"}
    async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as whole:
        yield whole


@pytest.fixture
async def manager(neko: Neko) -> SessionManager:
    found = neko.conversations.get("Mio")
    assert found is not None
    return found


async def until(outbox: Outbox, wanted: type[Event]) -> list[Event]:
    seen: list[Event] = []
    async with asyncio.timeout(TIMEOUT_S):
        while not seen or not isinstance(seen[-1], wanted):
            event = await outbox.get()
            assert event is not None
            seen.append(event)
    return seen


async def test_the_state_goes_from_thinking_to_speaking_to_idle(manager: SessionManager) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("hello"))
    await until(outbox, TurnEnd)
    seen = await until(outbox, StateChanged)
    assert seen[-1] == StateChanged("idle")


async def test_silence_comes_before_anything_else_waits(manager: SessionManager, provider: ScriptedProvider) -> None:
    provider.script(Script(["so ", "far"], stall_after=1))
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("hello"))
    await until(outbox, ReplyText)
    manager.handle(StopReply())
    seen = await until(outbox, UserActivity)
    assert not any(isinstance(event, (ReplyText, TurnEnd)) for event in seen)


async def test_another_model_answers_the_next_message(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("hello"))
    await until(outbox, TurnEnd)
    custom = {
        "enableCustomApi": True,
        "conversationModelUrl": provider.base_url,
        "conversationModelId": "other-model",
        "conversationModelApiKey": "sk-y",
    }
    assert await neko.config.change(custom) == 1
    changed = (await until(outbox, ModelChanged))[-1]
    assert isinstance(changed, ModelChanged)
    assert changed.model.model == "other-model"
    manager.handle(SendText("hello again"))
    await until(outbox, TurnEnd)
    assert provider.chats[-1].json["model"] == "other-model"


async def test_what_was_said_before_is_in_the_prompt_of_a_new_session(
    manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("I like oolong tea"))
    await until(outbox, TurnEnd)
    manager.handle(StartSession("text"))
    manager.handle(SendText("what do I like?"))
    await until(outbox, TurnEnd)
    messages = provider.chats[-1].json["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert "I like oolong tea" in messages[0]["content"]


async def test_a_client_that_reads_nothing_is_closed_and_the_reply_is_kept(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    provider.script(Script([f"{number} " for number in range(200)]))
    reader, sleeper = Outbox(wants_audio=False), Outbox(wants_audio=False, max_events=20)
    await manager.attach(sleeper)
    with manager.tap(reader):
        manager.handle(SendText("count"))
        await until(reader, TurnEnd)
    assert sleeper.closed == (TOO_SLOW, "too slow")
    assert (await neko.memory.lines("Mio"))[-1].status == "complete"


async def test_more_waiting_messages_than_the_inbox_holds_are_refused_aloud(manager: SessionManager) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    for number in range(100):
        manager.handle(SendText(f"hello {number}"))
    seen = await until(outbox, Status)
    assert seen[-1].code == "inbox_full"  # type: ignore[union-attr]


async def test_a_screenshot_that_nobody_sends_is_none(manager: SessionManager) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    assert await manager.request_screenshot(timeout_s=0.01) is None
    assert isinstance((await until(outbox, RequestScreenshot))[-1], RequestScreenshot)


async def test_ending_during_the_answer_keeps_what_was_delivered(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    provider.script(Script(["so far ", "never"], stall_after=1))
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("hello"))
    await until(outbox, ReplyText)
    manager.handle(EndSession())
    await until(outbox, TurnEnd)
    kept = (await neko.memory.lines("Mio"))[-1]
    assert (kept.text, kept.status) == ("so far ", "interrupted")
    assert not manager.active


async def test_a_reply_that_failed_can_be_asked_for_again(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    provider.script(Script(status=400), Script(["here"]))
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("hello"))
    await until(outbox, TurnEnd)
    manager.handle(RetryReply())
    seen = await until(outbox, TurnEnd)
    assert any(isinstance(event, LineStored) and event.line.text == "here" for event in seen)
    assert [m["role"] for m in provider.chats[-1].json["messages"]] == ["system", "user"]


async def test_a_crash_in_one_conversation_is_invisible_in_the_next(neko: Neko, manager: SessionManager) -> None:
    await neko.characters.edit(lambda raw: raw["猫娘"].__setitem__("Rin", {"system_prompt": "You are Rin."}))
    other = neko.conversations.get("Rin")
    assert other is not None
    outbox, second = Outbox(wants_audio=False), Outbox(wants_audio=False)
    await manager.attach(outbox)
    await other.attach(second)
    await manager.aclose()
    other.handle(SendText("hello"))
    assert isinstance((await until(second, TurnEnd))[-1], TurnEnd)


async def test_a_memory_that_cannot_write_is_told_once_and_she_answers_and_keeps_the_words_for_later(
    neko: Neko, manager: SessionManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)

    async def refuse(*_: object) -> None:
        raise MemoryStoreError("scripted", file="log", reason="full")

    with monkeypatch.context() as patch:
        patch.setattr(neko.memory, "store", refuse)
        for number in range(2):
            manager.handle(SendText(f"hello {number}", f"c{number}"))
            seen = await until(outbox, TurnEnd)
            told = [event for event in seen if isinstance(event, Status)]
            assert [(event.code, bool(event.fault)) for event in told] == [("memory_store", True)][number:]
            assert LineUnkept(f"c{number}") in seen
            assert [event for event in seen if isinstance(event, ReplyText)]
            assert not [event for event in seen if isinstance(event, LineStored)]
        assert await neko.memory.lines("Mio") == []
        newcomer = Outbox(wants_audio=False)
        await manager.attach(newcomer)
        assert [event.fault for event in await until(newcomer, Status) if isinstance(event, Status)] == ["memory:Mio"]
    manager.handle(SendText("hello again", "c2"))
    seen = await until(newcomer, FaultOver)
    kept = [event.line for event in seen if isinstance(event, LineStored)]
    assert [line.client_id for line in kept if line.role == "user"] == ["c0", "c1", "c2"]
    assert (await neko.memory.lines("Mio"))[: len(kept)] == kept
