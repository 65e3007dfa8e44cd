"""Spoken turns with all their holes, lost sessions, tools and speaking first, through the whole of a conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from neko.errors import MemoryStoreError, ModelUnreachableError
from neko.hearing_errors import NothingHearsError
from neko.sessions.actions import EndSession, SendText, StartSession, StopReply
from neko.sessions.arbiter import Verdict
from neko.sessions.dependencies import SessionTimeouts
from neko.sessions.events import (
    Audio,
    Hello,
    LineStored,
    ReplyText,
    SessionEndedByServer,
    SessionFailed,
    SessionStarted,
    SpeechEnded,
    StateChanged,
    Status,
    TurnAbandoned,
    TurnEnd,
    UserActivity,
    UserTranscribed,
)
from neko.sessions.manager import TextOutcome
from neko.sessions.outbox import Outbox
from neko.sessions.turn_events import Priority
from neko.types.model_session import (
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    Tool,
    ToolCall,
    ToolResult,
    Transcript,
)
from tests.scripted_session import Call, SpokenTurn
from tests.sessions.speech_conversation import SpeechConversation, in_call, speech_conversation

IDLE = StateChanged("idle")


# ── spoken turns ──────────────────────────────────────────────────────────────


async def test_a_spoken_turn_is_shown_logged_and_answered(talk: SpeechConversation) -> None:
    talk.speak()
    events = await talk.until(SpeechEnded)
    kinds = [type(event) for event in events]
    assert kinds.index(UserActivity) < kinds.index(UserTranscribed) < kinds.index(ReplyText) < kinds.index(TurnEnd)
    assert await talk.lines() == [("user", "hello", "complete"), ("assistant", "I hear you well.", "complete")]


async def test_a_cough_leaves_nobody_thinking(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(rejected=True))
    talk.speak()
    states = [event.state for event in await talk.until(IDLE) if isinstance(event, StateChanged)]
    assert states == ["listening", "thinking", "idle"]
    assert await talk.lines() == []


async def test_speech_of_which_nothing_ever_comes_leaves_nobody_thinking(talk: SpeechConversation) -> None:
    await in_call(talk)
    talk.sessions[0].emit(SpeechStarted("u"), SpeechStopped("u"))
    await talk.until(IDLE)
    talk.sessions[0].emit(SpeechRejected("u"))
    talk.speak()
    await talk.until(TurnEnd)


@pytest.mark.parametrize("when", ["in reply", "after reply"])
async def test_words_that_come_late_stand_before_their_reply_in_the_log(talk: SpeechConversation, when: Any) -> None:
    await in_call(talk, SpokenTurn(transcript=when))
    talk.speak()
    events = await talk.until(TurnEnd)
    kinds = [type(event) for event in events]
    assert kinds.index(UserTranscribed) < kinds.index(ReplyText)
    assert [role for role, _, _ in await talk.lines()] == ["user", "assistant"]


async def test_a_reply_is_shown_though_the_words_it_answers_never_come(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(hears=None))
    talk.speak()
    await talk.until(TurnEnd)
    assert await talk.lines() == [("assistant", "I hear you well.", "complete")]


async def test_late_words_of_one_utterance_do_not_release_the_reply_to_another(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(hears=None, deltas=["to the second"], stall_after=1))
    session = talk.sessions[0]
    session.emit(SpeechStarted("first"), SpeechStopped("first"))
    talk.speak()
    await talk.until(lambda event: isinstance(event, Audio))
    session.emit(Transcript("first", "the first"))
    seen = await talk.until(lambda event: isinstance(event, LineStored) and event.line.text == "the first")
    assert not any(isinstance(event, ReplyText) for event in seen)


# ── typing in a call ──────────────────────────────────────────────────────────


async def test_typing_in_a_call_is_ordinary_input(talk: SpeechConversation) -> None:
    await in_call(talk)
    talk.manager.handle(SendText("typed"))
    await talk.until(TurnEnd)
    talk.speak()
    await talk.until(UserTranscribed)
    await talk.until(TurnEnd)
    assert [text for role, text, _ in await talk.lines() if role == "user"] == ["typed", "hello"]
    assert len(talk.sessions) == 1


async def test_what_is_typed_in_quick_succession_is_all_known_to_the_model(talk: SpeechConversation) -> None:
    await in_call(talk)
    receipts = [talk.manager.say(SendText(text)) for text in ("one", "two", "three")]
    assert [receipt.outcome for receipt in receipts] == [TextOutcome.ACCEPTED] * 3
    await talk.until(TurnEnd(receipts[2].turn_id))
    assert [text for role, text in talk.sessions[0].history if role == "user"] == ["one", "two", "three"]
    assert [text for role, text, _ in await talk.lines() if role == "user"] == ["one", "two", "three"]


async def test_every_text_has_an_end_whatever_cuts_it(talk: SpeechConversation) -> None:
    receipts = [talk.manager.say(SendText(f"hello {number}")) for number in range(5)]
    talk.manager.handle(EndSession())
    ended: set[str] = set()
    while len(ended) < 5:
        event = (await talk.until(lambda event: isinstance(event, TurnEnd | TurnAbandoned)))[-1]
        assert isinstance(event, TurnEnd | TurnAbandoned)
        ended.add(event.turn_id)
    assert ended == {receipt.turn_id for receipt in receipts}


async def test_the_same_message_sent_twice_at_once_is_one_turn(talk: SpeechConversation) -> None:
    first = talk.manager.say(SendText("hello", "c1"))
    second = talk.manager.say(SendText("hello", "c1"))
    assert (first.outcome, second.outcome) == (TextOutcome.ACCEPTED, TextOutcome.REPEATED)
    await talk.until(TurnEnd)
    assert len(await talk.lines()) == 2


@pytest.mark.parametrize("text", ["", "   ", "\n", "\u200b\ufeff"])
async def test_blank_text_begins_nothing_and_says_so(talk: SpeechConversation, text: str) -> None:
    assert talk.manager.say(SendText(text)).outcome is TextOutcome.BLANK


# ── sessions that go ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("error", [None, RuntimeError("a defect"), ModelUnreachableError(model="m", provider="p")])
async def test_a_loss_that_cannot_be_mended_is_told_and_the_next_input_starts_a_session(
    talk: SpeechConversation, error: Exception | None
) -> None:
    await in_call(talk, SpokenTurn(deltas=["so far ", "never"], stall_after=1))
    talk.speak()
    await talk.until(ReplyText)
    talk.fail = ModelUnreachableError(model="m", provider="p")
    talk.sessions[0].end_events(error)
    seen = await talk.until(SessionEndedByServer)
    kinds = [type(event) for event in seen]
    statuses = [place for place, kind in enumerate(kinds) if kind is Status]
    assert statuses[0] < kinds.index(TurnEnd) < statuses[1] < kinds.index(SessionEndedByServer)
    talk.fail, talk.turns = None, []
    talk.manager.handle(SendText("still there?"))
    await talk.until(TurnEnd)
    assert (await talk.lines())[-1] == ("assistant", "I hear you well.", "complete")
    assert len(talk.sessions) == 2


async def test_a_start_that_fails_leaves_the_session_that_is_up(talk: SpeechConversation) -> None:
    await in_call(talk)
    talk.fail = ModelUnreachableError(model="m", provider="p")
    talk.manager._slot.start("text")
    await talk.until(SessionFailed)
    talk.manager.handle(SendText("still there?"))
    await talk.until(TurnEnd)
    assert len(talk.sessions) == 1


@pytest.mark.parametrize(("connects", "code"), [(True, "model_timeout"), (False, "slow_start")])
async def test_a_start_that_takes_too_long_tells_who_was_too_slow(
    executor: ThreadPoolExecutor, *, connects: bool, code: str
) -> None:
    quick = SessionTimeouts(
        audio_start_timeout_s=0.01 if connects else 60.0,
        busy_start_timeout_s=0.01,
        slow_start_s=0.0 if connects else 60.0,
    )
    never = asyncio.Event()
    async with speech_conversation(executor, timeouts=quick, connects=connects, connected=never) as talk:
        talk.manager.handle(StartSession("audio"))
        [*_, told] = await talk.until(Status)
        assert isinstance(told, Status)
        assert told.code == code


async def test_a_busy_computer_is_waited_for_longer_than_a_silent_provider_which_is_told(
    executor: ThreadPoolExecutor,
) -> None:
    busy = SessionTimeouts(audio_start_timeout_s=0.0, busy_start_timeout_s=60.0, slow_start_s=0.0)
    ready = asyncio.Event()
    async with speech_conversation(executor, timeouts=busy, connects=False, connected=ready) as talk:
        talk.manager.handle(StartSession("audio"))
        [*_, told] = await talk.until(Status)
        assert isinstance(told, Status)
        assert (told.code, told.level) == ("starting_slowly", "info")
        ready.set()
        await talk.until(SessionStarted)


async def test_a_factory_with_a_defect_fails_the_start_and_nothing_else(talk: SpeechConversation) -> None:
    talk.fail = ZeroDivisionError()
    talk.manager.handle(SendText("hello"))
    await talk.until(SessionFailed)
    talk.fail = None
    talk.manager.handle(SendText("hello again"))
    await talk.until(TurnEnd)


async def test_sound_without_any_session_to_hear_it_is_told_once(talk: SpeechConversation) -> None:
    talk.fail = ModelUnreachableError(model="m", provider="p")
    talk.speak()
    talk.manager.handle(SendText("hello"))
    seen = await talk.until(TurnAbandoned)
    assert sum(isinstance(event, SessionFailed) and event.mode == "audio" for event in seen) == 1


async def test_a_start_that_cannot_succeed_is_not_tried_again_until_somebody_asks(talk: SpeechConversation) -> None:
    attempts = 0

    def refuse(*_: object) -> NoReturn:
        nonlocal attempts
        attempts += 1
        raise NothingHearsError(engine="")

    talk.manager._slot._dependencies = replace(talk.manager._slot._dependencies, model=refuse)
    talk.speak()
    await talk.until(SessionFailed)
    for _ in range(3):
        talk.speak()
    assert attempts == 1
    talk.manager.handle(StartSession("audio"))
    await talk.until(SessionFailed)
    assert attempts == 2


# ── tools ─────────────────────────────────────────────────────────────────────


class Weather:
    """A toolbox with one function that works and one that breaks."""

    def __init__(self) -> None:
        self.calls: list[ToolCall] = []

    def tools(self, words: str = "") -> tuple[Tool, ...]:
        return (Tool("weather", "The weather of a town.", {"type": "object"}),)

    def begin_turn(self, turn_id: str) -> None: ...

    def hand_over(self, call: ToolCall) -> bool:
        return False

    def forget_outside(self, gone: Callable[[str], bool] | None = None) -> None: ...

    def note_outside(self, turn_id: str) -> None:
        pass

    def note_memo(self, *, outside: bool) -> None: ...

    def has_read_outside(self, turn_id: str) -> bool:
        return False

    async def run(self, call: ToolCall) -> ToolResult:
        self.calls.append(call)
        if call.name == "weather":
            return ToolResult(call.call_id, "sunny \ud83d")
        raise ZeroDivisionError


async def test_a_tool_is_called_and_the_reply_goes_on_with_its_result(executor: ThreadPoolExecutor) -> None:
    toolbox = Weather()
    async with speech_conversation(executor, toolbox=toolbox) as talk:
        talk.turns = [SpokenTurn(calls=[Call("weather", {"town": "Ulm"}), Call("broken")])]
        talk.manager.handle(SendText("how is the weather?"))
        events = await talk.until(TurnEnd)
        session = talk.sessions[0]
        assert session.setup is not None
        assert [tool.name for tool in session.setup.tools] == ["weather"]
        assert dict(toolbox.calls[0].arguments) == {"town": "Ulm"}
        assert {(result.output, result.failed) for result in session.results} == {
            ("sunny \ufffd", False),
            ("The function failed: ZeroDivisionError", True),
        }
        assert "".join(event.text for event in events if isinstance(event, ReplyText)).endswith("That is done.")


async def test_a_model_that_calls_what_there_is_not_gets_an_answer(talk: SpeechConversation) -> None:
    talk.turns = [SpokenTurn(calls=[Call("nothing")])]
    talk.manager.handle(SendText("hello"))
    await talk.until(TurnEnd)
    assert [result.failed for result in talk.sessions[0].results] == [True]


async def test_a_tool_that_never_returns_ends_with_its_turn(executor: ThreadPoolExecutor) -> None:
    class Endless(Weather):
        def begin_turn(self, turn_id: str) -> None: ...

        def hand_over(self, call: ToolCall) -> bool:
            return False

        def forget_outside(self, gone: Callable[[str], bool] | None = None) -> None: ...

        def note_outside(self, turn_id: str) -> None:
            pass

        def note_memo(self, *, outside: bool) -> None: ...

        def has_read_outside(self, turn_id: str) -> bool:
            return False

        async def run(self, call: ToolCall) -> ToolResult:
            self.calls.append(call)
            never: asyncio.Future[ToolResult] = asyncio.get_running_loop().create_future()
            return await never

    toolbox = Endless()
    async with speech_conversation(executor, toolbox=toolbox) as talk:
        talk.turns = [SpokenTurn(calls=[Call("weather")])]
        talk.manager.handle(SendText("how is the weather?"))
        await talk.until(ReplyText)
        async with asyncio.timeout(15):
            while not toolbox.calls:  # noqa: ASYNC110
                await asyncio.sleep(0)
        talk.manager.handle(StopReply())
        await talk.until(TurnEnd)
        assert not [task for task in asyncio.all_tasks() if "tool weather" in task.get_name() and not task.cancelling()]


# ── speaking first ────────────────────────────────────────────────────────────


async def test_she_speaks_first_without_a_line_of_the_users(talk: SpeechConversation) -> None:
    assert talk.manager.speak_first("Greet the user.", Priority.PROACTIVE) is Verdict.OPEN
    await talk.until(TurnEnd)
    assert talk.sessions[0].requests == ["Greet the user."]
    assert [role for role, _, _ in await talk.lines()] == ["assistant"]


async def test_a_report_waits_until_the_users_turn_is_over(talk: SpeechConversation) -> None:
    talk.turns = [SpokenTurn(stall_after=1), SpokenTurn(deltas=["The report."])]
    talk.manager.handle(SendText("hello"))
    await talk.until(ReplyText)
    assert talk.manager.speak_first("Report.", Priority.REPORT) is Verdict.REFUSE
    assert talk.manager.speak_first("Report.", Priority.REPORT, timeout_s=30) is Verdict.WAIT
    talk.sessions[0].release()
    await talk.until(lambda event: isinstance(event, ReplyText) and event.text == "The report.")
    await talk.until(TurnEnd)
    texts = [text for role, text, _ in await talk.lines() if role == "assistant"]
    assert texts == ["I hear you well.", "The report."]


async def test_the_user_cuts_a_report_at_once(talk: SpeechConversation) -> None:
    talk.turns = [SpokenTurn(deltas=["A long ", "report."], stall_after=1)]
    talk.manager.speak_first("Report.", Priority.REPORT)
    await talk.until(ReplyText)
    talk.manager.handle(StopReply())
    await talk.until(TurnEnd)
    assert await talk.lines() == [("assistant", "A long ", "interrupted")]


# ── readers ───────────────────────────────────────────────────────────────────


async def test_a_tap_that_never_reads_leaves_the_page_undisturbed(talk: SpeechConversation) -> None:
    talk.turns = [SpokenTurn(deltas=["word "] * 40, sound=0.2)]
    with talk.manager.tap(Outbox(max_audio=1000)):
        talk.speak()
        async with asyncio.timeout(15):
            events = await talk.until(SpeechEnded)
    seconds = sum(len(event.pcm) for event in events if isinstance(event, Audio)) / 96_000
    assert seconds == pytest.approx(8.0, abs=0.1)


async def test_an_unreadable_log_is_told_to_who_comes_and_the_talk_goes_on(talk: SpeechConversation) -> None:
    talk.memory.failure = MemoryStoreError("scripted", file="log", reason="damaged", why="the file is damaged")
    late = Outbox()
    await talk.manager.attach(late)
    hello, status = await late.get(), await late.get()
    assert isinstance(hello, Hello)
    assert isinstance(status, Status)
    assert (status.code, status.level) == ("memory_store", "error")


async def test_a_log_that_does_not_answer_keeps_nobody_out(
    talk: SpeechConversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = asyncio.Event()

    async def hang(*_: object, **__: object) -> None:
        await hung.wait()

    monkeypatch.setattr(talk.memory, "lines", hang)
    timeouts = talk.manager._dependencies.timeouts
    object.__setattr__(timeouts, "recent_timeout_s", 0.05)
    try:
        late = Outbox()
        await talk.manager.attach(late)
    finally:
        object.__setattr__(timeouts, "recent_timeout_s", 2.0)
    assert isinstance(await late.get(), Hello)
    status = await late.get()
    assert isinstance(status, Status)
    assert status.code == "memory_slow"


async def test_events_of_a_session_that_was_left_change_nothing(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(deltas=["so far ", "never"], stall_after=1))
    left = talk.manager._slot.current
    assert left is not None
    talk.turns = [SpokenTurn(deltas=["the new one"], stall_after=0)]
    talk.manager.handle(StartSession("text"))
    await talk.until(SessionStarted)
    talk.manager.handle(SendText("hello"))
    await talk.until(StateChanged("thinking"))
    talk.manager.on_session_event(left.id, SpeechStarted("stale"))
    talk.manager.on_session_event(left.id, Transcript("stale", "stale words"))
    talk.sessions[1].release()
    seen = await talk.until(TurnEnd)
    assert not any(isinstance(event, UserTranscribed) for event in seen)
    assert [text for _, text, _ in await talk.lines()] == ["hello", "the new one"]


async def test_typing_where_only_a_voice_is_heard_starts_a_session_that_takes_text(talk: SpeechConversation) -> None:
    await in_call(talk)
    deaf_to_text = talk.sessions[0]
    deaf_to_text.capabilities = replace(deaf_to_text.capabilities, text_input=False)
    talk.manager.on_session_ready(talk.manager._slot.current, follows=False)  # type: ignore[arg-type]
    talk.manager.handle(SendText("hello"))
    await talk.until(TurnEnd)
    assert len(talk.sessions) == 2
    assert await talk.lines() == [("user", "hello", "complete"), ("assistant", "I hear you well.", "complete")]
