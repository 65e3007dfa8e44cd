"""What overtakes what in a conversation: interruptions, retries, sessions and clients that come and go at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from neko.sessions.actions import RetryReply, SendImage, SendText, StartSession, StopReply
from neko.sessions.events import (
    Audio,
    LineStored,
    ReplyText,
    SessionPreparing,
    Status,
    TurnAbandoned,
    TurnEnd,
)
from neko.sessions.manager import TextOutcome
from neko.sessions.outbox import Outbox
from neko.types.model_session import (
    AudioDelta,
    ModelInput,
    ReplyDone,
    ReplyStarted,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    Transcript,
)
from tests.scripted_session import ScriptedSpeechSession, SpokenTurn
from tests.sessions.speech_conversation import QUICK, SpeechConversation, in_call, speech_conversation


async def test_a_retry_that_newer_words_overtake_lapses(talk: SpeechConversation) -> None:
    talk.manager.handle(SendText("first"))
    await talk.until(TurnEnd)
    talk.manager.handle(RetryReply())
    talk.manager.handle(SendText("newer"))
    await talk.until(TurnEnd)
    assert [text for role, text, _ in await talk.lines() if role == "user"] == ["first", "newer"]
    assert [text for role, text in talk.sessions[0].history if role == "user"] == ["first", "newer"]


async def test_words_cut_while_a_session_starts_reach_it(talk: SpeechConversation) -> None:
    talk.manager.handle(StartSession("text"))
    talk.manager.handle(SendText("my name is Ada"))
    talk.manager.handle(SendText("what is my name?"))
    await talk.until(lambda event: isinstance(event, LineStored) and event.line.role == "assistant")
    assert ("user", "my name is Ada") in talk.sessions[0].history


async def test_a_reply_to_an_earlier_utterance_does_not_use_up_the_one_that_goes_on(talk: SpeechConversation) -> None:
    await in_call(talk)
    talk.sessions[0].emit(
        SpeechStarted("u1"), SpeechStopped("u1"), Transcript("u1", "Hello"), SpeechStarted("u2"),
        ReplyStarted("r1", "u1"), ReplyDone("r1", "interrupted"),
        SpeechStopped("u2"), Transcript("u2", "What time is it?"),
        ReplyStarted("r2", "u2"), TextDelta("r2", "Noon."), ReplyDone("r2"),
    )  # fmt: skip
    await talk.until(TurnEnd)
    assert [text for _, text, _ in await talk.lines()] == ["Hello", "What time is it?", "Noon."]


async def test_a_reply_that_was_heard_but_not_shown_is_kept_when_it_is_cut(talk: SpeechConversation) -> None:
    await in_call(talk)
    sound = AudioDelta("r1", bytes(9600), 24_000)
    talk.sessions[0].emit(
        SpeechStarted("u1"), SpeechStopped("u1"), ReplyStarted("r1", "u1"), TextDelta("r1", "The code is 1234."), sound
    )  # fmt: skip
    await talk.until(Audio)
    talk.manager.handle(StopReply())
    talk.sessions[0].emit(Transcript("u1", "what is the code?"))
    await talk.until(TurnEnd)
    assert await talk.lines() == [
        ("user", "what is the code?", "complete"),
        ("assistant", "The code is 1234.", "interrupted"),
    ]


@pytest.mark.parametrize("error", [RuntimeError("closed"), ValueError("a defect"), None])
async def test_a_question_that_the_session_does_not_take_fails_its_turn(
    executor: ThreadPoolExecutor, error: Exception | None
) -> None:
    async with speech_conversation(executor, timeouts=replace(QUICK, send_timeout_s=0.05)) as talk:
        await in_call(talk)
        hung = asyncio.Event()

        async def refuse(item: ModelInput) -> None:
            if error:
                raise error
            await hung.wait()

        talk.sessions[0].send = refuse  # type: ignore[method-assign]
        talk.manager.handle(SendText("hello"))
        seen = await talk.until(TurnEnd)
        assert [event.code for event in seen if isinstance(event, Status)] == ["model_stream_broken"]


async def test_a_stuck_session_does_not_hold_up_the_one_that_follows(talk: SpeechConversation) -> None:
    await in_call(talk)
    hung = asyncio.Event()

    async def hang(item: ModelInput) -> None:
        await hung.wait()

    talk.sessions[0].send = hang  # type: ignore[method-assign]
    for _ in range(10):
        talk.manager.handle(SendImage(b"\xff\xd8"))
    talk.manager.handle(StartSession("text"))
    talk.manager.handle(SendText("hello"))
    async with asyncio.timeout(2):
        await talk.until(TurnEnd)


async def test_what_a_client_that_left_was_sent_stays_said(talk: SpeechConversation) -> None:
    talk.turns = [SpokenTurn(deltas=["Hello ", "there"], stall_after=1)]
    talk.manager.handle(SendText("hi"))
    await talk.until(ReplyText)
    await talk.manager.attach(Outbox())
    talk.manager.handle(StopReply())
    await talk.manager._turns.log.drain(2)
    assert (await talk.lines())[-1] == ("assistant", "Hello ", "interrupted")


async def test_a_conversation_that_is_closed_waits_for_nothing(executor: ThreadPoolExecutor) -> None:
    async with speech_conversation(executor) as talk:
        talk.turns = [SpokenTurn(deltas=["so far ", "never"], stall_after=1)]
        talk.manager.handle(SendText("hi"))
        await talk.until(ReplyText)
        await talk.manager.aclose()
        assert talk.manager._turns._state.deadline is None
        assert talk.manager._turns._timer is None or talk.manager._turns._timer.cancelled()


async def test_the_newer_of_two_clients_keeps_the_conversation_though_it_was_greeted_sooner(
    talk: SpeechConversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, slow = talk.memory.lines, asyncio.Event()
    calls = 0

    async def first_is_slow(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            await slow.wait()
        return await lines(*args, **kwargs)

    monkeypatch.setattr(talk.memory, "lines", first_is_slow)
    older, newer = Outbox(knows_takeover=True), Outbox()
    greeting = asyncio.create_task(talk.manager.attach(older))
    await asyncio.sleep(0)
    await talk.manager.attach(newer)
    slow.set()
    await greeting
    assert older.closed is not None
    assert newer.closed is None


@pytest.mark.parametrize("where", ["open", "send", "events"])
async def test_a_cancellation_that_comes_out_of_a_session_is_a_failure_and_not_the_end(
    talk: SpeechConversation, where: str
) -> None:
    async def cancelled(*_: object) -> None:
        raise asyncio.CancelledError

    class Cancelled(ScriptedSpeechSession):
        pass

    if where == "events":
        await in_call(talk)
        talk.sessions[0].end_events(asyncio.CancelledError())  # type: ignore[arg-type]
        async with asyncio.timeout(15):
            while len(talk.sessions) < 2:  # another takes its place  # noqa: ASYNC110 told to nobody
                await asyncio.sleep(0.005)
    elif where == "open":
        Cancelled.open = cancelled  # type: ignore[method-assign, assignment]
        broken = replace(talk.manager._slot._dependencies, model=lambda _, owner: Cancelled(owner=owner))
        whole, talk.manager._slot._dependencies = talk.manager._slot._dependencies, broken
        talk.manager.handle(SendText("hello"))
        await talk.until(TurnAbandoned)
        talk.manager._slot._dependencies = whole
    else:
        await in_call(talk)
        talk.sessions[0].send = cancelled  # type: ignore[method-assign, assignment]
        talk.manager.handle(SendText("hello"))
        await talk.until(TurnEnd)
        del talk.sessions[0].send
    talk.manager.handle(SendText("hello again"))
    await talk.until(TurnEnd)
    assert (await talk.lines())[-1] == ("assistant", "I hear you well.", "complete")


async def test_a_retry_while_the_reply_runs_leaves_one_reply(talk: SpeechConversation) -> None:
    talk.turns = [SpokenTurn(deltas=["so far ", "never"], stall_after=1), SpokenTurn(deltas=["the second"])]
    talk.manager.handle(SendText("hello"))
    await talk.until(ReplyText)
    talk.manager.handle(RetryReply())
    await talk.until(lambda event: isinstance(event, ReplyText) and event.text == "the second")
    await talk.until(TurnEnd)
    assert await talk.lines() == [("user", "hello", "complete"), ("assistant", "the second", "complete")]


async def test_a_session_that_is_still_opening_is_closed_with_the_conversation(executor: ThreadPoolExecutor) -> None:
    closed: list[str] = []

    class Slow(ScriptedSpeechSession):
        async def open(self, setup: object) -> None:
            await asyncio.get_running_loop().create_future()

        async def aclose(self) -> None:
            closed.append("yes")
            await super().aclose()

    async with speech_conversation(executor) as talk:
        slow = replace(talk.manager._slot._dependencies, model=lambda _, owner: Slow(owner=owner))
        talk.manager._slot._dependencies = slow
        talk.manager.handle(StartSession("text"))
        await talk.until(SessionPreparing)
        await asyncio.sleep(0)
        await talk.manager.aclose()
        assert talk.manager.say(SendText("anybody?")).outcome is TextOutcome.REFUSED
    assert closed == ["yes"]
