"""One session follows another and nobody notices: through the whole of a conversation, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from neko.errors import (
    ModelError,
    ModelKeyRefusedError,
    ModelSessionEndedError,
    ModelStreamBrokenError,
    ModelUnreachableError,
)
from neko.sessions.actions import Mode, PushToTalk, ReportPlayback, SendAudio, SendText, StartSession
from neko.sessions.dependencies import SessionTimeouts
from neko.sessions.events import (
    Audio,
    Event,
    Pong,
    ReplyText,
    SessionEndedByServer,
    SessionPreparing,
    SessionStarted,
    SpeechEnded,
    StateChanged,
    Status,
    TurnAbandoned,
    TurnEnd,
    UserTranscribed,
)
from neko.sessions.renewal import RenewalTimes
from neko.sessions.session_slot import SlotState
from neko.types.model_session import SessionEnds, SpeechStarted, SpeechStopped, Transcript
from tests.scripted_hearing import ScriptedHearing
from tests.scripted_session import ScriptedSpeechSession, SpokenTurn
from tests.sessions.speech_conversation import NAME, QUICK, TALK, SpeechConversation, in_call, speech_conversation

IDLE = StateChanged("idle")
OLD = SessionTimeouts(turn=QUICK.turn, renewal=RenewalTimes(mark_s=0.02, prepare_s=0.01, first_pause_s=0.01))
PATIENT = replace(QUICK, mend_pauses_s=(30.0,), mend_within_s=60.0)
GONE = ModelUnreachableError(model="m", provider="p")
EARS = ScriptedHearing().capabilities


@pytest.fixture
async def ageing(executor: ThreadPoolExecutor) -> AsyncIterator[SpeechConversation]:
    """A conversation whose sessions are old at once."""
    async with speech_conversation(executor, timeouts=OLD) as conversation:
        yield conversation


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 of many kinds
            await asyncio.sleep(0.005)


async def spoken_turn(talk: SpeechConversation) -> list[Event]:
    """The client has heard her reply as soon as it has all of it."""
    talk.speak()
    seen = await talk.until(SpeechEnded)
    ended = seen[-1]
    assert isinstance(ended, SpeechEnded)
    talk.manager.handle(ReportPlayback(ended.speech_id, 16_000, "ended"))
    return [*seen, *await talk.until(IDLE)]


def renew(talk: SpeechConversation) -> None:
    talk.manager._renewals.outdated()


def answers(talk: SpeechConversation, number: int) -> Callable[[], bool]:
    """Is it this session that answers?"""
    return lambda: (
        len(talk.sessions) > number
        and talk.manager._slot.current is not None
        and talk.manager._slot.current.session is talk.sessions[number]
    )


def heard(*sessions: ScriptedSpeechSession) -> bytes:
    return b"".join(bytes(session.heard) for session in sessions)


def known_to(session: ScriptedSpeechSession) -> str:
    """Its prompt, and what it was told since."""
    assert session.setup
    return "\n".join([session.setup.instructions, *(text for _, text in session.history)])


# ── a quiet moment ────────────────────────────────────────────────────────────


async def test_an_old_session_is_followed_by_one_that_knows_what_was_said_and_no_client_notices(
    ageing: SpeechConversation,
) -> None:
    await in_call(ageing)
    await spoken_turn(ageing)
    await until(answers(ageing, 1))
    seen = await ageing.waiting()
    assert not [event for event in seen if not isinstance(event, Pong)], "no client is told anything"
    second = ageing.sessions[1]
    await until(lambda: known_to(second).count("I hear you well.") == 1)
    assert known_to(second).count("hello") == 1


async def test_every_sample_reaches_one_of_the_sessions_in_order(talk: SpeechConversation) -> None:
    await in_call(talk)
    sound = b"".join(number.to_bytes(2, "little") for number in range(400)) * 40
    for at in range(0, len(sound), 640):
        talk.manager.handle(SendAudio(sound[at : at + 640], 16_000))
        if at % 6400 == 0:
            renew(talk)
        if at % 1280 == 0:
            await asyncio.sleep(0.001)
    await until(lambda: len(heard(*talk.sessions)) == len(sound))
    assert heard(*talk.sessions) == sound
    assert len(talk.sessions) > 2


async def test_what_is_said_while_the_next_session_is_prepared_is_told_to_it(executor: ThreadPoolExecutor) -> None:
    connected = asyncio.Event()
    connected.set()
    async with speech_conversation(executor, connected=connected) as talk:
        await in_call(talk)
        connected.clear()
        renew(talk)
        await until(lambda: len(talk.sessions) == 2 and talk.sessions[1].setup)
        await spoken_turn(talk)
        assert talk.sessions[1].history == []
        connected.set()
        await until(answers(talk, 1))
        await until(lambda: talk.sessions[1].history)
        await until(lambda: talk.sessions[1].history == [("user", "hello"), ("assistant", "I hear you well.")])


async def test_no_session_takes_over_while_somebody_speaks_or_is_answered(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(deltas=["one ", "two"], stall_after=1))
    talk.speak()
    await talk.until(ReplyText)
    renew(talk)
    await until(lambda: talk.manager._slot._next is not None and talk.manager._slot._next.handle is not None)
    assert answers(talk, 0)()
    talk.sessions[0].release()
    await talk.until(IDLE)
    assert answers(talk, 1)()
    assert await talk.lines() == [("user", "hello", "complete"), ("assistant", "one two", "complete")]


async def test_a_key_that_is_held_keeps_the_next_session_waiting(talk: SpeechConversation) -> None:
    await in_call(talk)
    talk.manager.handle(PushToTalk(True))
    renew(talk)
    await until(lambda: talk.manager._slot._next is not None and talk.manager._slot._next.handle is not None)
    assert answers(talk, 0)()
    talk.manager.handle(PushToTalk(False))
    await spoken_turn(talk)
    await until(answers(talk, 1))


async def test_what_was_prepared_for_words_that_changed_is_prepared_anew(executor: ThreadPoolExecutor) -> None:
    async with speech_conversation(executor) as talk:
        await in_call(talk)
        await spoken_turn(talk)
        talk.manager.handle(PushToTalk(True))
        renew(talk)
        await until(lambda: talk.manager._slot._next is not None and talk.manager._slot._next.handle is not None)
        reply = (await talk.memory.lines(NAME))[-1]
        talk.manager._turns.log.shorten_reply(reply.turn_id, "I hear")
        await talk.manager._turns.log.drain(5)
        talk.manager.handle(PushToTalk(False))
        talk.manager._renewals.look()
        await until(answers(talk, 2))
        assert talk.sessions[2].setup is not None
        assert "I hear you well." not in talk.sessions[2].setup.instructions


# ── failures ──────────────────────────────────────────────────────────────────


async def test_a_next_session_that_cannot_be_had_is_tried_again_and_the_old_one_goes_on(
    ageing: SpeechConversation,
) -> None:
    await in_call(ageing)
    ageing.fail = GONE
    await asyncio.sleep(0.1)
    await spoken_turn(ageing)
    assert len(ageing.sessions) == 1
    ageing.fail = None
    await until(answers(ageing, 1))
    assert not any(isinstance(event, Status) for event in await ageing.waiting())


async def test_a_next_session_that_is_lost_before_its_moment_is_prepared_again(talk: SpeechConversation) -> None:
    quick = replace(talk.manager._renewals._times(), first_pause_s=0.01)
    talk.manager._renewals._times = lambda: quick
    await in_call(talk)
    talk.manager.handle(PushToTalk(True))
    renew(talk)
    await until(lambda: talk.manager._slot._next is not None and talk.manager._slot._next.handle is not None)
    talk.sessions[1].lose(GONE)
    await until(lambda: len(talk.sessions) == 3)
    talk.manager.handle(PushToTalk(False))
    talk.manager._renewals.look()
    await until(answers(talk, 2))


async def test_a_session_that_is_lost_in_a_call_is_replaced_and_the_call_goes_on(talk: SpeechConversation) -> None:
    await in_call(talk)
    talk.sessions[0].lose(GONE)
    await until(answers(talk, 1))
    seen = await spoken_turn(talk)
    lost = SessionEndedByServer | SessionPreparing | SessionStarted | Status
    assert not any(isinstance(event, lost) for event in seen)


async def test_what_the_user_was_saying_when_the_session_was_lost_is_heard_by_the_next_one(
    talk: SpeechConversation,
) -> None:
    await in_call(talk)
    for at in range(0, len(TALK), 640):
        talk.manager.handle(SendAudio(TALK[at : at + 640], 16_000))
    await talk.until(StateChanged("listening"))
    await until(lambda: len(talk.sessions[0].heard) == len(TALK))
    talk.sessions[0].lose(GONE)
    await until(answers(talk, 1))
    await until(lambda: talk.sessions[1].heard)
    talk.speak()
    await talk.until(UserTranscribed)
    assert bytes(talk.sessions[1].heard).startswith(TALK)


@pytest.mark.parametrize("begun", [True, False], ids=["reply begun", "no sign of a reply"])
async def test_words_that_were_heard_when_the_session_was_lost_are_answered_by_the_next_one_once(
    talk: SpeechConversation, *, begun: bool
) -> None:
    await in_call(talk, SpokenTurn(stall_after=0))
    talk.turns = []
    if begun:
        talk.speak()
        await until(lambda: talk.manager._turns.machine.unanswered and talk.manager._turns.open_turn)
    else:
        talk.sessions[0].emit(SpeechStarted("u"), SpeechStopped("u"), Transcript("u", "hello"))
        await talk.until(UserTranscribed)
    talk.sessions[0].end_events(GONE)
    seen = await talk.until(TurnEnd)
    assert not any(isinstance(event, Status | TurnAbandoned) for event in seen)
    assert known_to(talk.sessions[1]).count("hello") == 1
    assert talk.sessions[1].history == [("user", "hello"), ("assistant", "I hear you well.")]
    assert await talk.lines() == [("user", "hello", "complete"), ("assistant", "I hear you well.", "complete")]


@pytest.mark.parametrize("mode", ["audio", "text"])
async def test_words_that_were_typed_are_asked_the_next_session_if_nothing_of_the_answer_has_come(
    talk: SpeechConversation, *, mode: Mode
) -> None:
    talk.turns = [SpokenTurn(stall_after=0)]
    talk.manager.handle(StartSession(mode))
    await talk.until(SessionStarted)
    talk.manager.handle(SendText("typed"))
    await until(lambda: talk.sessions[0].history)
    talk.turns = []
    talk.sessions[0].end_events(GONE)
    seen = await talk.until(TurnEnd)
    assert not any(isinstance(event, Status | TurnAbandoned | SessionEndedByServer) for event in seen)
    assert known_to(talk.sessions[1]).count("typed") == 1
    assert talk.sessions[1].history == [("user", "typed"), ("assistant", "I hear you well.")]
    assert await talk.lines() == [("user", "typed", "complete"), ("assistant", "I hear you well.", "complete")]


async def test_typed_words_that_no_next_session_can_be_had_for_are_told(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(stall_after=0))
    talk.manager.handle(SendText("typed"))
    await until(lambda: talk.sessions[0].history)
    talk.fail = ModelKeyRefusedError(model="m", provider="p")
    talk.sessions[0].end_events(GONE)
    seen = await talk.until(SessionEndedByServer)
    assert [type(event) for event in seen].count(TurnAbandoned) == 1
    assert [event.code for event in seen if isinstance(event, Status)] == ["model_refused_key"], "why it cannot"
    assert await talk.lines() == [("user", "typed", "complete")]


@pytest.mark.parametrize("typed", [True, False], ids=["typed", "said"])
async def test_words_that_a_second_loss_leaves_unanswered_are_not_asked_a_third_session(
    talk: SpeechConversation, *, typed: bool
) -> None:
    await in_call(talk, SpokenTurn(stall_after=0))
    if typed:
        talk.manager.handle(SendText("hello"))
        await until(lambda: talk.sessions[0].history)
    else:
        talk.speak()
        await talk.until(UserTranscribed)
    talk.sessions[0].end_events(GONE)
    await until(lambda: len(talk.sessions) == 2 and talk.sessions[1].history)
    talk.sessions[1].end_events(GONE)
    [told] = [event for event in await talk.until(Status) if isinstance(event, Status)]
    assert told.code == "model_unreachable"
    await until(answers(talk, 2))
    assert await talk.lines() == [("user", "hello", "complete")]
    assert talk.sessions[2].history == []


async def test_a_reply_that_a_loss_cuts_is_told_and_the_call_goes_on(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(deltas=["so far ", "never"], stall_after=1))
    talk.speak()
    await talk.until(ReplyText)
    talk.turns = []
    talk.sessions[0].end_events(GONE)
    seen = await talk.until(Status)
    kinds = [type(event) for event in seen]
    assert TurnEnd in kinds
    assert SessionEndedByServer not in kinds
    assert isinstance(told := seen[-1], Status)
    assert told.code == "model_reply_lost"
    await until(answers(talk, 1))
    talk.manager.handle(SendText("still there?"))
    await talk.until(TurnEnd)
    assert (await talk.lines())[-1] == ("assistant", "I hear you well.", "complete")


@pytest.mark.parametrize("kind", [ModelStreamBrokenError, ModelSessionEndedError])
async def test_a_provider_that_loses_every_session_is_given_up_and_told(
    talk: SpeechConversation, kind: type[ModelError]
) -> None:
    await in_call(talk)
    for number in range(4):
        await until(answers(talk, number))
        talk.sessions[number].lose(kind(model="m", provider="p"))
    told = [event.code for event in await talk.until(SessionEndedByServer) if isinstance(event, Status)]
    assert told == ["sessions_break_off", "model_call_lost"]
    talk.speak()  # sound that was on its way when the client was told begins no call that it knows nothing of
    assert talk.manager._slot.state is SlotState.EMPTY
    assert len(talk.sessions) == 4
    talk.manager.handle(StartSession("audio"))
    await until(answers(talk, 4))


async def test_a_call_outlives_seconds_without_a_network(talk: SpeechConversation) -> None:
    await in_call(talk)
    talk.fail = GONE
    talk.sessions[0].lose(GONE)
    [told] = [event for event in await talk.until(Status) if isinstance(event, Status)]
    assert told.code == "model_unreachable"
    assert "again" in told.message
    talk.speak()
    talk.fail = None
    seen = await talk.until(TurnEnd)
    assert not any(isinstance(event, SessionEndedByServer | SessionPreparing | Status) for event in seen)
    assert await talk.lines() == [("user", "hello", "complete"), ("assistant", "I hear you well.", "complete")]


async def test_a_call_that_is_begun_anew_while_a_lost_one_waits_begins_at_once(executor: ThreadPoolExecutor) -> None:
    async with speech_conversation(executor, timeouts=PATIENT) as talk:
        await in_call(talk)
        talk.fail = GONE
        talk.sessions[0].lose(GONE)
        await talk.until(Status)
        talk.fail = None
        talk.manager.handle(StartSession("audio"))
        async with asyncio.timeout(PATIENT.mend_pauses_s[0] / 2):
            await talk.until(SessionStarted)


async def test_a_provider_that_breaks_off_again_and_again_is_told_of_at_the_second_time_once(
    talk: SpeechConversation,
) -> None:
    await in_call(talk)
    for number in range(3):
        await until(answers(talk, number))
        talk.sessions[number].lose(GONE)
    await until(answers(talk, 3))
    seen = await spoken_turn(talk)
    assert [event.code for event in seen if isinstance(event, Status)] == ["sessions_break_off"]
    assert not any(isinstance(event, SessionEndedByServer) for event in seen)


async def test_a_call_that_its_page_has_left_is_followed_by_no_session_and_ended(
    executor: ThreadPoolExecutor,
) -> None:
    left = SessionTimeouts(renewal=RenewalTimes(mark_s=0.02, prepare_s=0.01, unused_s=0.2))
    async with speech_conversation(executor, timeouts=left) as talk:
        await in_call(talk)
        await spoken_turn(talk)
        await until(lambda: talk.manager._slot.state is SlotState.EMPTY)
        before = len(talk.sessions)
        talk.speak()
        await until(answers(talk, before))


@pytest.mark.parametrize("lost", [True, False])
async def test_what_a_session_has_learned_of_the_room_goes_to_the_next_one_of_the_call_and_to_no_other(
    talk: SpeechConversation, *, lost: bool
) -> None:
    talk.options["hearing"] = EARS
    await in_call(talk)
    if lost:
        talk.sessions[0].lose(GONE)
    else:
        renew(talk)
    await until(lambda: answers(talk, 1)() and talk.sessions[1].hears_on_from)
    assert talk.sessions[1].hears_on_from is talk.sessions[0]
    talk.manager.handle(StartSession("audio"))
    await spoken_turn(talk)
    assert talk.sessions[2].hears_on_from is None


# ── a provider's limit ────────────────────────────────────────────────────────


async def test_a_session_is_followed_before_its_provider_ends_it(talk: SpeechConversation) -> None:
    await in_call(talk)
    talk.sessions[0].emit(SessionEnds(asyncio.get_running_loop().time() + 30))
    await until(answers(talk, 1))


async def test_at_the_limit_it_takes_over_while_she_is_still_heard_to_the_end(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(sound=4.0))
    talk.speak()
    [*_, sound] = await talk.until(Audio)
    assert isinstance(sound, Audio)
    await talk.until(SpeechEnded)
    talk.sessions[0].emit(SessionEnds(asyncio.get_running_loop().time() + 15))
    await until(answers(talk, 1))
    seen = await talk.waiting()
    assert IDLE not in seen, "her sound goes on"
    talk.manager.handle(ReportPlayback(sound.speech_id, 16_000, "ended"))
    await talk.until(IDLE)


# ── changes ───────────────────────────────────────────────────────────────────


async def test_a_change_in_a_call_cuts_nothing_and_counts_from_the_next_words_on(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(deltas=["one ", "two"], stall_after=1))
    talk.speak()
    await talk.until(ReplyText)
    talk.turns = []
    talk.manager.follow_change()
    talk.sessions[0].release()
    seen = await talk.until(IDLE)
    assert not any(isinstance(event, SessionPreparing | SessionStarted) for event in seen)
    await until(answers(talk, 1))
    assert await talk.lines() == [("user", "hello", "complete"), ("assistant", "one two", "complete")]


async def test_a_call_that_begins_after_a_change_is_not_one_with_the_session_before(talk: SpeechConversation) -> None:
    talk.options["hearing"] = EARS
    talk.turns = [SpokenTurn(deltas=["one ", "two"], stall_after=1)]
    talk.manager.handle(StartSession("text"))
    await talk.until(SessionStarted)
    talk.manager.handle(SendText("count"))
    await talk.until(ReplyText)
    talk.turns = []
    talk.manager.follow_change()
    talk.manager.handle(StartSession("audio"))
    await talk.until(SessionStarted)
    await spoken_turn(talk)
    assert not talk.sessions[0].heard
    assert await talk.lines() == [
        ("user", "count", "complete"),
        ("assistant", "one ", "interrupted"),
        ("user", "hello", "complete"),
        ("assistant", "I hear you well.", "complete"),
    ]


async def test_words_that_are_typed_after_a_change_wait_for_the_next_session(executor: ThreadPoolExecutor) -> None:
    connected = asyncio.Event()
    connected.set()
    async with speech_conversation(executor, connected=connected) as talk:
        await in_call(talk)
        connected.clear()
        talk.manager.follow_change()
        talk.manager.handle(SendText("typed"))
        await until(lambda: len(talk.sessions) == 2 and talk.sessions[1].setup)
        assert talk.sessions[0].history == []
        connected.set()
        await talk.until(TurnEnd)
        assert [text for _, text in talk.sessions[1].history] == ["typed", "I hear you well."]
        assert "typed" not in (talk.sessions[1].setup.instructions if talk.sessions[1].setup else "")


async def test_words_after_a_change_that_no_session_can_be_had_for_are_told_and_not_sent_to_the_old_one(
    talk: SpeechConversation,
) -> None:
    await in_call(talk)
    talk.fail = GONE
    talk.manager.follow_change()
    talk.manager.handle(SendText("typed"))
    kinds = [type(event) for event in await talk.until(TurnAbandoned)]
    assert Status in kinds
    assert talk.sessions[0].history == []
    talk.fail = None
    talk.manager.handle(SendText("again"))
    await talk.until(TurnEnd)
    assert ("user", "again") in talk.sessions[1].history


# ── before anybody calls ──────────────────────────────────────────────────────


async def test_a_session_that_costs_nothing_is_open_before_the_button_is_pressed(executor: ThreadPoolExecutor) -> None:
    async with speech_conversation(executor, idles_free=True, opens_ahead=True) as talk:
        await until(lambda: talk.manager._slot._next is not None and talk.manager._slot._next.handle is not None)
        assert not any(isinstance(event, SessionPreparing) for event in await talk.waiting())
        talk.manager.handle(StartSession("audio"))
        preparing, started = SessionPreparing("audio"), SessionStarted("audio")
        assert [event for event in await talk.waiting() if event in (preparing, started)] == [preparing, started]
        await spoken_turn(talk)
        assert len(talk.sessions) == 1


async def test_the_voice_that_speaks_for_a_model_is_ready_before_the_button_is_pressed(
    executor: ThreadPoolExecutor,
) -> None:
    async with speech_conversation(executor, idles_free=True, opens_ahead=True, audio_output=False) as talk:
        await until(lambda: talk.speech.prewarmed)
        assert talk.manager._slot.current is None


async def test_a_session_that_is_paid_by_the_minute_is_not_opened_ahead(executor: ThreadPoolExecutor) -> None:
    async with speech_conversation(executor, opens_ahead=True) as talk:
        await until(lambda: talk.manager._slot._next is None and talk.sessions)
        assert talk.sessions[0].setup is None
        await in_call(talk)
        assert talk.sessions[1].setup is not None


async def test_a_session_that_was_opened_for_nobody_is_closed_after_a_while(executor: ThreadPoolExecutor) -> None:
    brief = SessionTimeouts(ahead_s=0.05)
    async with speech_conversation(executor, timeouts=brief, idles_free=True, opens_ahead=True) as talk:
        await until(lambda: talk.manager._slot._next is None and talk.sessions)
        await in_call(talk)
        assert len(talk.sessions) == 2
