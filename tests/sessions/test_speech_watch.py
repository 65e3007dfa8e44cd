"""Speech that is heard here, and of which a voice model gives no sign or a late one, on a virtual clock."""

from __future__ import annotations

import array
import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neko.sessions.actions import Mode, SendAudio
from neko.sessions.dependencies import SessionTimeouts
from neko.sessions.events import Status, TurnEnd
from neko.sessions.renewal import RenewalTimes
from neko.tasks import TaskOwner
from neko.types.model_session import ModelSession, SpeechStarted, Transcript
from tests.scripted_session import ScriptedSpeechSession, SpokenTurn
from tests.sessions.speech_conversation import QUICK, SpeechConversation, in_call, speech_conversation
from tests.virtual_clock import InlineExecutor, run_virtually

FRAME_S = 0.02
LOUD = array.array("h", [9_000, -9_000] * 160).tobytes()
QUIET = bytes(len(LOUD))
TIMES = SessionTimeouts(turn=QUICK.turn, renewal=RenewalTimes(mark_s=1_000))
Case = Callable[[SpeechConversation], Coroutine[Any, Any, None]]


class Loudness:
    """A judge to whom what is loud is speech."""

    name = "loudness"
    knows_speech = True

    def probability(self, window: bytes) -> float:
        return 1.0 if max(map(abs, array.array("h", window))) > 500 else 0.0


class OnlyLoudness(Loudness):
    """One that cannot tell speech from music."""

    knows_speech = False


class Deaf(SpeechConversation):
    """The first ``deaf`` sessions hear nothing."""

    deaf = 1

    def open_model(self, mode: Mode, owner: TaskOwner) -> ModelSession:
        self.options["deaf"] = len(self.sessions) < self.deaf
        return super().open_model(mode, owner)


class AllDeaf(Deaf):
    deaf = 99


def played(
    case: Case,
    *,
    kind: type[SpeechConversation] = SpeechConversation,
    judge: type[Loudness] = Loudness,
    tells_speech: bool = True,
) -> None:
    async def run(executor: InlineExecutor) -> None:
        async with speech_conversation(
            executor, timeouts=TIMES, kind=kind, detector=judge, tells_speech=tells_speech
        ) as talk:
            await in_call(talk, *[SpokenTurn()] * 20)
            await case(talk)

    run_virtually(run)


async def sound(talk: SpeechConversation, seconds: float, *, loud: bool) -> None:
    for _ in range(round(seconds / FRAME_S)):
        talk.manager.handle(SendAudio(LOUD if loud else QUIET, 16_000))
        await asyncio.sleep(FRAME_S)


def heard_s(session: ScriptedSpeechSession) -> float:
    """Seconds of speech."""
    return sum(1 for value in array.array("h", bytes(session.heard)) if abs(value) > 500) / 16_000


def answered(talk: SpeechConversation, number: int) -> bool:
    return any(text == "I hear you well." for _, text in talk.sessions[number].history)


def test_no_session_takes_over_in_a_sentence_whose_beginning_the_provider_does_not_tell() -> None:
    async def case(talk: SpeechConversation) -> None:
        await sound(talk, 1.0, loud=False)
        await sound(talk, 1.0, loud=True)
        talk.manager._renewals.outdated()
        await sound(talk, 5.0, loud=True)
        await sound(talk, 3.0, loud=False)
        first, second = talk.sessions
        assert (heard_s(first), heard_s(second)) == (6.0, 0.0)
        assert answered(talk, 0)
        await sound(talk, 1.0, loud=True)
        assert heard_s(second) == 1.0, "then it takes over"

    played(case, tells_speech=False)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(st.tuples(st.floats(0.3, 4.0), st.floats(0.0, 1.0), st.floats(0.8, 3.0)), min_size=1, max_size=4))
def test_a_sentence_is_heard_whole_by_one_session_whenever_another_one_is_due(
    sentences: list[tuple[float, float, float]],
) -> None:
    async def case(talk: SpeechConversation) -> None:
        await sound(talk, 1.0, loud=False)
        for spoken_s, due_at, quiet_s in sentences:
            asyncio.get_running_loop().call_later(due_at * (spoken_s + quiet_s), talk.manager._renewals.outdated)
            before = [heard_s(session) for session in talk.sessions]
            await sound(talk, spoken_s, loud=True)
            await sound(talk, quiet_s, loud=False)
            after = [heard_s(session) for session in talk.sessions]
            before += [0.0] * (len(after) - len(before))
            heard = [there - here for here, there in zip(before, after, strict=True)]
            assert sum(1 for seconds in heard if seconds) == 1
        await sound(talk, 3.0, loud=False)

    played(case, tells_speech=False)


@pytest.mark.parametrize(
    ("judge", "sentences"),
    [
        pytest.param(Loudness, [1.0, 1.0], id="known to be speech"),
        pytest.param(OnlyLoudness, [2.0, 2.0, 2.0], id="told by loudness alone"),
    ],
)
def test_a_session_that_gives_no_sign_of_some_sentences_is_replaced_by_one_that_hears_them(
    judge: type[Loudness], sentences: list[float]
) -> None:
    async def case(talk: SpeechConversation) -> None:
        await sound(talk, 1.0, loud=False)
        for seconds in sentences:
            await sound(talk, seconds, loud=True)
            await sound(talk, 4.0, loud=False)
        await sound(talk, 3.0, loud=False)
        assert len(talk.sessions) == 2
        assert heard_s(talk.sessions[1]) == sum(sentences)
        await talk.until(TurnEnd)
        assert answered(talk, 1)

    played(case, kind=Deaf, judge=judge)


@pytest.mark.parametrize(
    ("judge", "utterances"),
    [
        pytest.param(Loudness, [1.0], id="one sentence"),
        pytest.param(Loudness, [0.2] * 8, id="coughs"),
        pytest.param(OnlyLoudness, [9.0, 9.0], id="music"),
        pytest.param(OnlyLoudness, [0.5] * 6, id="knocks"),
    ],
)
def test_no_session_is_replaced_for_what_may_be_no_speech(judge: type[Loudness], utterances: list[float]) -> None:
    async def case(talk: SpeechConversation) -> None:
        for seconds in utterances:
            await sound(talk, seconds, loud=True)
            await sound(talk, 2.0, loud=False)
        await sound(talk, 12.0, loud=False)
        assert len(talk.sessions) == 1

    played(case, kind=Deaf, judge=judge)


def test_a_session_that_answers_only_every_other_sentence_is_not_replaced() -> None:
    async def case(talk: SpeechConversation) -> None:
        session = talk.sessions[0]
        for _ in range(2):
            session._deaf = True
            await sound(talk, 1.5, loud=True)
            await sound(talk, 9.0, loud=False)
            session._deaf = False
            await sound(talk, 1.5, loud=True)
            await sound(talk, 2.0, loud=False)
        assert len(talk.sessions) == 1

    played(case)


def test_when_the_next_session_gives_no_sign_either_that_is_told_once_and_the_call_goes_on() -> None:
    async def case(talk: SpeechConversation) -> None:
        for _ in range(6):
            await sound(talk, 2.0, loud=True)
            await sound(talk, 4.0, loud=False)
        told = [event.code for event in await talk.waiting() if isinstance(event, Status)]
        assert told == ["hears_nothing"]
        assert len(talk.sessions) == 2

    played(case, kind=AllDeaf)


def test_a_session_that_hears_speech_begin_and_nothing_more_is_replaced_when_it_is_quiet_for_long() -> None:
    async def case(talk: SpeechConversation) -> None:
        await sound(talk, 1.0, loud=True)
        talk.sessions[0].emit(SpeechStarted("utterance"))
        await sound(talk, 9.0, loud=False)
        assert len(talk.sessions) == 1
        await sound(talk, 2.0, loud=False)
        assert heard_s(talk.sessions[1]) == 1.0
        await talk.until(TurnEnd)

    played(case, kind=Deaf)


def test_a_session_whose_answer_is_late_is_left_alone_as_long_as_words_of_the_user_have_come() -> None:
    async def case(talk: SpeechConversation) -> None:
        await sound(talk, 1.0, loud=True)
        talk.sessions[0].emit(SpeechStarted("utterance"))
        talk.sessions[0].emit(Transcript("utterance", "what is the", final=False))
        await sound(talk, 25.0, loud=False)
        assert len(talk.sessions) == 1
        await sound(talk, 12.0, loud=False)
        assert len(talk.sessions) == 2, "not for ever"

    played(case, kind=Deaf)


def test_quiet_that_is_told_again_to_the_next_session_is_no_time_that_has_passed() -> None:
    async def case(talk: SpeechConversation) -> None:
        await sound(talk, 1.0, loud=True)
        talk.sessions[0].emit(SpeechStarted("utterance"))
        while len(talk.sessions) == 1:
            await sound(talk, FRAME_S, loud=False)
        talk.sessions[1].emit(SpeechStarted("again"))
        await sound(talk, 6.0, loud=False)
        assert heard_s(talk.sessions[1]) == 1.0
        assert len(talk.sessions) == 2, "it has time to answer"
        await sound(talk, 6.0, loud=False)
        assert len(talk.sessions) == 3

    played(case, kind=AllDeaf)
