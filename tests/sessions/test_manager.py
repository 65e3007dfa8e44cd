"""One character's conversation: stopping, changing models, being slow, being gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from neko.app import Neko
from neko.errors import MemoryStoreError
from neko.sessions.actions import Action, EndSession, RetryReply, SendImage, SendText, StartSession, StopReply
from neko.sessions.dependencies import Voice
from neko.sessions.events import (
    Audio,
    Event,
    FaultOver,
    LineStored,
    LineUnkept,
    ModelChanged,
    Pong,
    ReplyText,
    RequestScreenshot,
    ResponseDiscarded,
    SpeechEnded,
    StateChanged,
    Status,
    TurnEnd,
    UserActivity,
)
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import TOO_SLOW, Outbox
from neko.types.speech import VoiceSettings
from tests.page_events import until
from tests.scripted_provider import Script, ScriptedProvider
from tests.scripted_speech import ScriptedSpeech

TIMEOUT_S = 30.0


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


async def test_the_voice_connects_while_the_model_is_thinking(
    manager: SessionManager, provider: ScriptedProvider
) -> None:
    engine = ScriptedSpeech()
    manager._turns.voice.use(Voice("scripted", engine, VoiceSettings("anna")))
    provider.script(Script(["never"], stall_after=0))
    await manager.attach(Outbox(wants_audio=True))
    manager.handle(SendText("hello"))
    await engine.until(lambda: engine.expected == [VoiceSettings("anna")])
    assert engine.utterances == []


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
    provider.script(Script([f"{number} " for number in range(60)], delay=0.002))
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
    assert (await manager.visual_input.ask(timeout_s=0.01)).outcome == "nobody"
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


async def test_what_somebody_was_sent_is_kept_though_who_came_after_has_read_nothing(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    provider.script(Script(["so far ", "never"], stall_after=1))
    reader, newcomer = Outbox(wants_audio=False), Outbox(wants_audio=False)
    await manager.attach(reader)
    manager.handle(SendText("hello"))
    await until(reader, ReplyText)
    await manager.attach(newcomer)
    manager.handle(EndSession())
    await until(newcomer, TurnEnd)
    kept = (await neko.memory.lines("Mio"))[-1]
    assert (kept.text, kept.status) == ("so far ", "interrupted")


async def test_sound_that_nobody_was_sent_is_for_the_client_that_comes(neko: Neko, manager: SessionManager) -> None:
    await neko.config.change({"neko": {"speech": {"engine": "builtin"}}})
    gone, tap, newcomer = Outbox(), Outbox(wants_audio=False), Outbox()
    await manager.attach(gone)
    with manager.tap(tap):
        manager.handle(SendText("hello"))
        await until(tap, SpeechEnded)
    manager.detach(gone)
    await manager.attach(newcomer)
    newcomer.put(Pong())
    assert any(isinstance(event, Audio) for event in await until(newcomer, Pong))


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
            unkept = [event.line for event in seen if isinstance(event, LineUnkept)]
            assert [line.client_id for line in unkept] == [f"c{number}", None]
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


# ── told once ─────────────────────────────────────────────────────────────────


def messages_of(provider: ScriptedProvider) -> list[dict[str, Any]]:
    """Of the last question; what is learnt of the talk is asked without instructions, at any moment."""
    asked = (chat.json["messages"] for chat in reversed(provider.chats))
    return next(messages for messages in asked if messages[0]["role"] == "system")


def times_told(words: str, provider: ScriptedProvider) -> int:
    """How often the last question holds these words, instructions included."""
    return sum(str(message["content"]).count(words) for message in messages_of(provider))


async def test_the_first_line_of_a_session_is_not_in_its_instructions_too(
    manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("I like oolong tea"))
    await until(outbox, TurnEnd)
    assert times_told("I like oolong tea", provider) == 1
    manager.handle(EndSession())
    manager.handle(SendText("and plums"))
    await until(outbox, TurnEnd)
    assert times_told("I like oolong tea", provider) == 1
    assert times_told("and plums", provider) == 1


@pytest.mark.parametrize("between", [(), (StopReply(),), (EndSession(),), (StartSession("text"),)])
@pytest.mark.parametrize("count", [2, 3, 5])
async def test_words_that_were_cut_before_they_were_asked_are_told_once(
    manager: SessionManager, provider: ScriptedProvider, between: tuple[Action, ...], count: int
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    lines = [f"line number {number}." for number in range(count)]
    for line in lines:
        manager.handle(SendText(line))
        if line != lines[-1]:
            for action in between:
                manager.handle(action)
    for _ in lines:
        await until(outbox, TurnEnd)
    assert {line: times_told(line, provider) for line in lines} == dict.fromkeys(lines, 1)


async def test_words_that_were_deleted_before_they_were_asked_are_not_told(
    manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("a secret", client_id="c1"))
    manager.handle(StopReply())
    [stored] = [event for event in await until(outbox, LineStored) if isinstance(event, LineStored)]
    assert await manager.edits.delete_lines([stored.line.id]) == [stored.line.id]
    manager.handle(SendText("and now?", client_id="c2"))
    while not provider.chats:
        await until(outbox, TurnEnd)
    assert times_told("and now?", provider) == 1
    assert times_told("a secret", provider) == 0


async def test_asking_again_before_it_was_asked_tells_the_line_once(
    manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("tell me of plums"))
    manager.handle(RetryReply())
    await until(outbox, TurnEnd)
    await until(outbox, TurnEnd)
    assert times_told("tell me of plums", provider) == 1


async def test_asking_again_after_that_was_stopped_is_heeded(manager: SessionManager) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("what is a plum?"))
    await until(outbox, TurnEnd)
    for action in (RetryReply(), StopReply(), RetryReply()):
        manager.handle(action)
    await until(outbox, TurnEnd)


async def test_the_pictures_of_words_that_were_cut_ride_with_the_next(
    manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendImage(b"\xff\xd8 a cat"))
    manager.handle(SendText("look at this"))
    manager.handle(SendText("please"))
    await until(outbox, TurnEnd)
    await until(outbox, TurnEnd)
    content = provider.chats[-1].json["messages"][-1]["content"]
    assert [part["type"] for part in content] == ["image_url", "text"]


async def test_asking_again_in_a_new_session_tells_the_line_once_and_not_the_old_reply(
    manager: SessionManager, provider: ScriptedProvider
) -> None:
    provider.script(Script(["the old reply"]), Script(["the new reply"]))
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("what is a plum?"))
    await until(outbox, TurnEnd)
    manager.handle(EndSession())
    manager.handle(RetryReply())
    await until(outbox, TurnEnd)
    assert times_told("what is a plum?", provider) == 1
    assert times_told("the old reply", provider) == 0


# ── pictures ──────────────────────────────────────────────────────────────────


async def test_pictures_that_cannot_be_kept_are_told_and_the_words_go_on(
    manager: SessionManager, provider: ScriptedProvider, tmp_path: Path
) -> None:
    (tmp_path / "memory" / "pictures_Mio").write_text("in the way")
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendImage(b"\xff\xd8 a cat"))
    manager.handle(SendText("Look"))
    seen = await until(outbox, TurnEnd)
    assert [event.code for event in seen if isinstance(event, Status)] == ["pictures_not_kept"]
    assert [line.line.images for line in seen if isinstance(line, LineStored)] == [1, 0]
    assert "image_url" in str(provider.chats[-1].json)


async def test_words_that_are_sent_again_leave_no_picture_for_the_next_ones(
    manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    for _ in range(2):
        manager.handle(SendImage(b"\xff\xd8 a cat"))
        manager.handle(SendText("Look", "c1"))
    await until(outbox, TurnEnd)
    manager.handle(SendText("And now?", "c2"))
    seen = await until(outbox, TurnEnd)
    assert [line.line.images for line in seen if isinstance(line, LineStored)] == [0, 0]


# ── a retry that was cut ──────────────────────────────────────────────────────

OLD = "The old reply, which is complete."


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ("", (OLD, "complete")),
        ("No, ", (OLD, "complete")),
        (OLD[:-1], (OLD, "complete")),
        ("A new reply that says more than the old", ("A new reply that says more than the old", "interrupted")),
    ],
)
async def test_a_retry_that_was_cut_replaces_the_old_reply_only_if_it_says_as_much(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider, shown: str, kept: tuple[str, str]
) -> None:
    provider.script(Script([OLD]), Script([shown, "never"] if shown else ["never"], stall_after=1 if shown else 0))
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("hello"))
    await until(outbox, TurnEnd)
    manager.handle(RetryReply())
    if shown:
        await until(outbox, ReplyText)
    else:
        await provider.wait_for_requests(2)
    manager.handle(StopReply())
    seen = await until(outbox, TurnEnd)
    line = (await neko.memory.lines("Mio"))[-1]
    assert (line.text, line.status) == kept
    back = [event for event in seen if isinstance(event, ResponseDiscarded) and not event.will_retry]
    assert [event.message for event in back] == ([OLD] if shown and kept[0] == OLD else [])
    manager.handle(SendText("go on"))
    await until(outbox, TurnEnd)
    replies = [m["content"] for m in provider.chats[-1].json["messages"] if m["role"] == "assistant"]
    if shown:
        assert replies == [kept[0]], "the model remembers what the log does"


# ── interruptions ─────────────────────────────────────────────────────────────


def interruptions(events: list[Event]) -> list[str | None]:
    return [event.interrupted for event in events if isinstance(event, UserActivity)]


async def test_a_reply_that_has_ended_is_not_named_as_interrupted(manager: SessionManager) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    for _ in range(3):
        manager.handle(SendText("hello"))
        assert interruptions(await until(outbox, TurnEnd)) == [None]


async def test_a_reply_whose_sound_has_ended_is_not_named_as_interrupted(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    await neko.config.change({"neko": {"speech": {"engine": "builtin"}}})
    provider.script(Script(["Yes."]))
    outbox = Outbox()
    await manager.attach(outbox)
    manager.handle(SendText("hello"))
    await until(outbox, SpeechEnded)
    manager.handle(SendText("hello again"))
    assert interruptions(await until(outbox, UserActivity)) == [None]


@pytest.mark.parametrize(
    "actions", [(RetryReply(),), (StopReply(),), (StopReply(), StopReply()), (SendText("no"),)], ids=str
)
async def test_one_interruption_is_told_once(
    manager: SessionManager, provider: ScriptedProvider, actions: tuple[Action, ...]
) -> None:
    provider.script(Script(["so far ", "never"], stall_after=1), Script(["done"]))
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("hello"))
    reply = (await until(outbox, ReplyText))[-1]
    assert isinstance(reply, ReplyText)
    for action in actions:
        manager.handle(action)
    seen = await until(outbox, TurnEnd)
    if not isinstance(actions[0], StopReply):
        seen += await until(outbox, TurnEnd)
    assert interruptions(seen) == [reply.speech_id]


# ── leaving ───────────────────────────────────────────────────────────────────


async def test_a_session_without_a_client_ends_when_all_is_over_and_not_before(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    object.__setattr__(manager._dependencies.timeouts, "absence_timeout_s", 0.0)
    provider.script(Script(["so far ", "and the rest"], stall_after=1))
    ended = asyncio.Event()

    async def note(_: object) -> None:
        ended.set()

    neko.bus.session.subscribe(note, name="test", only=("session_end",))
    outbox, tap = Outbox(wants_audio=False), Outbox(wants_audio=False)
    await manager.attach(outbox)
    with manager.tap(tap):
        manager.handle(SendText("hello"))
        await until(tap, ReplyText)
        manager.detach(outbox)
        for _ in range(10):
            await asyncio.sleep(0)  # the time is over each time
        assert not ended.is_set()
        provider.release()
        await until(tap, TurnEnd)
    await asyncio.wait_for(ended.wait(), TIMEOUT_S)
    assert not manager.active
    assert (await neko.memory.lines("Mio"))[-1].text == "so far and the rest"


async def test_who_comes_back_in_time_finds_the_session(manager: SessionManager) -> None:
    object.__setattr__(manager._dependencies.timeouts, "absence_timeout_s", 0.0)
    outbox, next_one = Outbox(wants_audio=False), Outbox(wants_audio=False)
    await manager.attach(outbox)
    manager.handle(SendText("hello"))
    await until(outbox, StateChanged)
    manager.detach(outbox)
    await manager.attach(next_one)
    await until(next_one, TurnEnd)
    for _ in range(10):
        await asyncio.sleep(0)
    assert manager.active


async def ask(manager: SessionManager, outbox: Outbox, text: str) -> None:
    manager.handle(SendText(text))
    await until(outbox, TurnEnd)


def last_words(provider: ScriptedProvider) -> str:
    """What the user is shown to have said last, with what is known for this turn."""
    return str(messages_of(provider)[-1]["content"])


async def test_a_line_that_stands_in_the_prompt_is_not_recalled_and_one_that_does_not_is(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    await ask(manager, outbox, "my cat is called Biscuit")
    await ask(manager, outbox, "what is my cat called?")
    assert times_told("Biscuit", provider) == 1
    await manager.edits.open_chat(None)
    await ask(manager, outbox, "what is my cat called?")
    assert times_told("Biscuit", provider) == 1
    assert "Biscuit" not in last_words(provider), "the chat that was left stands in the instructions"
    await neko.memory.rewrite_recent("Mio", [])
    await manager.edits.open_chat(None)
    await ask(manager, outbox, "what is my cat called?")
    assert times_told("Biscuit", provider) == 1
    assert "Biscuit" in last_words(provider)


async def test_a_retry_has_what_was_recalled_for_the_question(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    await ask(manager, outbox, "my cat is called Biscuit")
    await neko.memory.rewrite_recent("Mio", [])
    await manager.edits.open_chat(None)
    await ask(manager, outbox, "what is my cat called?")
    manager.handle(RetryReply())
    await until(outbox, TurnEnd)
    assert len(provider.chats) == 3
    assert "Biscuit" in last_words(provider)


async def test_every_turn_has_the_time_in_the_language_of_the_talk(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    for moment in (datetime(2026, 1, 5, 9, 3), datetime(2026, 1, 15, 22, 40)):
        now = partial(datetime.combine, moment.date(), moment.time())
        monkeypatch.setattr(manager._turns._context, "_dependencies", replace(manager._dependencies, now=now))
        await ask(manager, outbox, "good morning")
    first, second = (request.json["messages"] for request in provider.chats)
    assert "Monday, 2026-01-05 09:03" in first[-1]["content"]
    assert "Thursday, 2026-01-15 22:40" in second[-1]["content"]
    assert second[: len(first)] == first  # so that a server need not read again what it has read


async def test_a_session_that_began_without_its_memory_says_so(
    neko: Neko, manager: SessionManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, hung = Outbox(wants_audio=False), asyncio.Event()
    await manager.attach(outbox)

    async def hang(*_: object, **__: object) -> None:
        await hung.wait()

    with monkeypatch.context() as patch:
        patch.setattr(neko.memory, "recent", hang)
        patch.setattr(manager._slot, "_timeouts", replace(manager._slot._timeouts, recent_timeout_s=0.05))
        manager.handle(SendText("hello"))
        told = [event for event in await until(outbox, TurnEnd) if isinstance(event, Status) and event.fault]
        assert [(event.code, "0.05" in event.message) for event in told] == [("memory_late", True)]
    await ask(manager, outbox, "and a line is written")
    await manager._turns.log._unkept.drain(TIMEOUT_S)
    standing = manager._dependencies.faults
    assert [fault.error.code for fault in standing.of("Mio")] == ["memory_late"], "that session goes on without it"
    manager.handle(EndSession())
    await ask(manager, outbox, "now you know me")
    assert standing.of("Mio") == []


async def test_a_sentence_that_the_memo_took_from_a_line_is_not_told_again_with_the_line(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    told = ("What weather! My name is Heidi Kloss, as you see.", "My locker has the number 4417. It rains.")
    for text in (*told, *["and so on"] * 12):
        await ask(manager, outbox, text)
    assert await neko.memory.compress("Mio", None)  # as after a model for it that always fails
    manager.handle(EndSession())
    for question, name in (("what is my name?", "Heidi Kloss"), ("what number has my locker?", "4417")):
        await ask(manager, outbox, question)
        # whoever sums the talk up meanwhile may be shown the question too, beside who asked it
        last = f"\n{question}"
        [request] = [one.json for one in provider.chats if one.json["messages"][-1]["content"].endswith(last)]
        assert sum(str(message["content"]).count(name) for message in request["messages"]) == 1


async def test_a_fact_that_no_memo_holds_is_in_the_next_session_and_is_not_recalled_too(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    newer = ["I live in Oslo", "I like plums", "My name is Sam", "I work as a baker"]  # as many as stay beside a memo
    for text in ("I am allergic to walnuts", *newer, *["and so on"] * 5):
        await ask(manager, outbox, text)
    manager.handle(EndSession())
    async with asyncio.timeout(TIMEOUT_S):
        while any("walnuts" in entry.text for entry in await neko.memory.recent("Mio")):
            continue
        while not await neko.memory.facts("Mio"):
            continue
    await ask(manager, outbox, "what do walnuts do to me?")
    assert "allergy: walnuts" in messages_of(provider)[0]["content"]
    assert times_told("walnuts", provider) == 1 + last_words(provider).count("walnuts")
    assert last_words(provider).count("walnuts") == 1
