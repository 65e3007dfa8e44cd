"""Ears for a model that takes text: what is heard, when a turn is over, and what becomes of recognisers that fail."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import numpy as np
import pytest

from neko.audio.turn_taking.by_words import by_words
from neko.audio.voice_activity import WINDOW_BYTES, EnergyDetector
from neko.errors import HearingError
from neko.hearing_errors import HearingSilentError
from neko.sessions.models.builtin.session import BuiltinSession
from neko.sessions.models.cascade import listener, utterance
from neko.sessions.models.cascade.session import CascadeSession, Ears
from neko.sessions.models.event_channel import EventChannel
from neko.tasks import TaskOwner
from neko.types.model_session import (
    EndOfSpeech,
    HearOn,
    HoldToTalk,
    ModelEvent,
    SoundToPlay,
    SpeechLasts,
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    Transcript,
    UserAudio,
    WordsAwaited,
)
from tests.room import STEP, Room, RoomSettings, levelled
from tests.scripted_hearing import ScriptedHearing, Words
from tests.scripted_session import silence, speech
from tests.seams.model_session import SETUP
from tests.spoken import spoken

RATE = 16_000


class Call:
    """A call with the built-in model; ``heard`` is what came of it so far."""

    def __init__(self, session: CascadeSession) -> None:
        self.session = session
        self.heard: list[ModelEvent] = []
        self._stream = session.events()

    async def play(self, *sounds: UserAudio) -> None:
        """In frames of 20 ms."""
        for sound in sounds:
            for at in range(0, len(sound.pcm), 640):
                await self.session.send(UserAudio(sound.pcm[at : at + 640]))

    async def until(self, kind: type[ModelEvent] | tuple[type[ModelEvent], ...]) -> ModelEvent:
        async with asyncio.timeout(10):
            while True:
                event = await anext(self._stream)
                self.heard.append(event)
                if isinstance(event, kind) and getattr(event, "final", True):
                    return event


@asynccontextmanager
async def in_call(hearing: ScriptedHearing, strategies: Sequence[object] = (by_words,)) -> AsyncIterator[Call]:
    async with TaskOwner("test") as owner:
        channel = EventChannel()
        inner = BuiltinSession(owner=owner, channel=channel)
        with ThreadPoolExecutor(1) as executor:
            ears = Ears(hearing, EnergyDetector(), executor, strategies)  # type: ignore[arg-type]
            session = CascadeSession(inner, channel, ears, owner=owner, for_call=True)
            await session.open(SETUP)
            yield Call(session)
            await session.aclose()
        assert not owner.tasks


async def test_the_recogniser_gets_what_was_said_from_before_its_first_sample() -> None:
    hearing = ScriptedHearing(Words("Good morning."))
    async with in_call(hearing) as call:
        await call.play(silence(1.0), speech(0.6), silence(1.6))
        await call.until(Transcript)
    sound = bytes(hearing.utterances[0].sound)
    before = len(sound) - len(sound.lstrip(b"\0"))
    assert before / 2 / RATE >= 0.3
    assert len(sound) / 2 / RATE >= before / 2 / RATE + 0.6


async def test_it_is_told_who_talks_with_whom_and_in_what_language() -> None:
    hearing = ScriptedHearing()
    async with in_call(hearing) as call:
        await call.play(silence(0.3), speech(0.4), silence(1.6))
        await call.until(Transcript)
    assert hearing.prewarmed == 1
    assert hearing.utterances[0].hints.language == "en"
    assert hearing.utterances[0].hints.vocabulary == ("Mio", "Sam")


async def test_speech_that_lasts_is_told_apart_from_what_may_be_a_cough() -> None:
    async with in_call(ScriptedHearing()) as call:
        await call.play(silence(0.3), speech(0.3), silence(1.6))
        await call.until(Transcript)
        assert not [event for event in call.heard if isinstance(event, SpeechLasts)]
        await call.play(speech(0.9), silence(1.6))
        await call.until(Transcript)
    kinds = [type(event) for event in call.heard if not isinstance(event, Transcript)]
    assert kinds[-3:] == [SpeechStarted, SpeechLasts, SpeechStopped]


async def test_where_her_echo_may_come_through_only_words_are_taken_for_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)
    async with in_call(ScriptedHearing()) as call:
        await call.session.send(SoundToPlay("s", speech(0.5).pcm, RATE))
        await call.play(silence(0.3), speech(1.5), silence(1.6))
        await call.until(Transcript)
    kinds = [type(event) for event in call.heard if not isinstance(event, Transcript)]
    assert kinds == [SpeechStarted, SpeechStopped]


async def her_echo(call: Call, room: Room, words: str) -> None:
    """She speaks, and is all that the microphone hears."""
    her = levelled(await spoken(words))
    await call.session.send(SoundToPlay(words, (her * 32767).astype("<i2").tobytes(), RATE))
    played = np.concatenate([her, np.zeros(RATE, np.float32)])
    nobody = np.zeros(STEP, np.float32)
    for at in range(0, len(played) - STEP + 1, STEP):
        await call.session.send(UserAudio(room.step(played[at : at + STEP], nobody)))
    assert call.session._listener
    await call.session._listener.finish()


async def begun(call: Call) -> int:
    """So many times somebody was taken to speak, now that the call is over."""
    await call.session.aclose()
    return sum([isinstance(event, SpeechStarted) async for event in call.session.events()])


async def test_a_session_that_follows_in_a_call_knows_the_echo_that_the_one_before_has_learned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)
    room = Room(RoomSettings(), np.random.default_rng(1))
    hearing = ScriptedHearing()
    async with in_call(hearing) as first, in_call(hearing) as second, in_call(hearing) as stranger:
        await her_echo(first, room, "Good morning. I have been thinking about the old pear tree all night.")
        await second.session.send(HearOn(first.session))
        for call in (second, stranger):
            await call.play(silence(0.1))
            await her_echo(call, room, "Shall we go and look at it together when the rain has stopped?")
        assert (await begun(second), await begun(stranger)) == (0, 1)


async def test_the_words_at_a_pause_serve_as_the_final_ones_when_nothing_follows() -> None:
    hearing = ScriptedHearing(Words("never asked for", partials=["What time is it?"]))
    async with in_call(hearing) as call:
        await call.play(silence(0.3), speech(0.5), silence(0.3))
        await hearing.looked(1)
        await call.play(silence(1.6))
        assert await call.until(Transcript)
    final = call.heard[-1]
    assert isinstance(final, Transcript)
    assert final.text == "What time is it?"
    assert not hearing.utterances[0].finished


async def test_words_that_were_shown_with_the_last_of_what_was_said_tell_how_long_to_wait() -> None:
    hearing = ScriptedHearing(Words("What time is it?"))
    async with in_call(hearing) as call:
        assert call.session._listener
        heard, sound = call.session._listener._segmenter, speech(3.0).pcm
        async with asyncio.timeout(10):
            for at in range(0, len(sound), WINDOW_BYTES):
                before = heard.turn_s
                await call.session.send(UserAudio(sound[at : at + WINDOW_BYTES]))
                while heard.open and heard.turn_s == before:  # noqa: ASYNC110
                    await asyncio.sleep(0)
                if hearing.utterances and hearing.utterances[0].looks:
                    break
        await call.play(silence(1.2))
        async with asyncio.timeout(2):
            await call.until(Transcript)


async def test_a_pause_in_mid_sentence_does_not_end_the_turn() -> None:
    hearing = ScriptedHearing(Words("I would like tea and biscuits.", partials=["I would like tea and"]))
    async with in_call(hearing) as call:
        await call.play(silence(0.3), speech(0.6), silence(0.3))
        await hearing.looked(1)
        await call.play(silence(0.8), speech(0.6), silence(1.6))
        final = await call.until(Transcript)
    assert isinstance(final, Transcript)
    assert len(hearing.utterances) == 1
    assert len([event for event in call.heard if isinstance(event, SpeechStopped)]) == 1


async def test_words_of_silence_and_noise_are_not_believed() -> None:
    hearing = ScriptedHearing(Words("Thank you for watching.", no_speech=0.85))
    async with in_call(hearing) as call:
        await call.play(silence(0.3), speech(0.4), silence(1.6))
        rejected = await call.until(SpeechRejected)
    assert isinstance(rejected, SpeechRejected)
    assert rejected.error is None
    assert not [event for event in call.heard if isinstance(event, Transcript)]


async def test_a_click_is_not_sent_to_the_recogniser() -> None:
    hearing = ScriptedHearing()
    async with in_call(hearing) as call:
        await call.play(silence(0.3), speech(0.07), silence(1.6))
        await call.until(SpeechRejected)
    assert not hearing.utterances[0].looks
    assert hearing.utterances[0].cancelled


@pytest.mark.parametrize(
    ("error", "said"),
    [(HearingError("no", engine="scripted"), HearingError), (OSError("gone"), HearingError)],
    ids=["its own error", "a defect"],
)
async def test_why_it_was_not_recognised_is_told_and_the_next_words_are_heard(
    error: Exception, said: type[Exception]
) -> None:
    hearing = ScriptedHearing(Words(error=error), Words("Can you hear me?"))
    async with in_call(hearing) as call:
        await call.play(silence(0.3), speech(0.5), silence(1.6))
        rejected = await call.until(SpeechRejected)
        assert isinstance(rejected, SpeechRejected)
        assert isinstance(rejected.error, said)
        await call.play(speech(0.5), silence(1.6))
        final = await call.until(Transcript)
    assert isinstance(final, Transcript)
    assert final.text == "Can you hear me?"


async def test_utterances_come_in_the_order_they_were_said_in_though_the_first_takes_longer() -> None:
    hearing = ScriptedHearing(Words("First.", stall=True), Words("Second."))
    async with in_call(hearing) as call:
        await call.play(silence(0.3), speech(0.5), silence(1.6), speech(0.5), silence(1.6))
        await hearing.looked(2)
        hearing.release()
        await call.until(Transcript)
        await call.until(Transcript)
    texts = [event.text for event in call.heard if isinstance(event, Transcript) and event.final]
    assert texts == ["First.", "Second."]


async def test_while_the_key_is_held_no_pause_ends_the_turn() -> None:
    hearing = ScriptedHearing(Words("a long thought"))
    async with in_call(hearing) as call:
        await call.session.send(HoldToTalk())
        await call.play(speech(0.4), silence(3.0), speech(0.4))
        await call.session.send(EndOfSpeech())
        await call.until(Transcript)
    assert len(hearing.utterances) == 1
    assert len(hearing.utterances[0].sound) / 2 / RATE >= 3.7


async def test_a_shut_microphone_ends_what_was_being_said() -> None:
    hearing = ScriptedHearing(Words("and then"))
    async with in_call(hearing) as call:
        await call.play(silence(0.3), speech(0.5))
        await call.session.send(EndOfSpeech())
        final = await call.until(Transcript)
    assert isinstance(final, Transcript)
    assert final.text == "and then"


async def test_a_server_is_asked_at_pauses_only_a_local_recogniser_while_one_speaks() -> None:
    for local, looks in ((True, 3), (False, 1)):
        hearing = ScriptedHearing(Words("word"), local=local)
        async with in_call(hearing) as call:
            await call.play(silence(0.3))
            for _ in range(250):
                await call.play(speech(0.02))
                await asyncio.sleep(0)
            await call.play(silence(1.6))
            await call.until(Transcript)
        assert hearing.utterances[0].looks >= looks if local else hearing.utterances[0].looks <= looks


async def test_ending_the_call_leaves_no_task_and_asks_for_no_more_words() -> None:
    hearing = ScriptedHearing(Words(stall=True))
    async with in_call(hearing) as call:
        await call.play(silence(0.3), speech(0.5), silence(1.6))
        await call.until(SpeechStopped)
    assert hearing.utterances[0].cancelled


async def test_a_recogniser_that_says_nothing_is_told_as_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utterance, "OVERDUE_S", 0.05)
    async with in_call(ScriptedHearing(Words(stall=True), deadline_s=0.0)) as call:
        await call.play(silence(0.3), speech(0.5), silence(1.6))
        rejected = await call.until(SpeechRejected)
    assert isinstance(rejected, SpeechRejected)
    assert isinstance(rejected.error, HearingSilentError)


async def test_a_recogniser_that_takes_its_time_is_waited_for_which_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utterance, "OVERDUE_S", 0.0)
    monkeypatch.setattr(listener, "AWAITED_TOLD_S", 0.0)
    hearing = ScriptedHearing(Words("At last.", stall=True), deadline_s=60.0)
    async with in_call(hearing) as call:
        await call.play(silence(0.3), speech(0.5), silence(1.6))
        awaited = await call.until((WordsAwaited, SpeechRejected))
        hearing.release()
        final = await call.until((Transcript, SpeechRejected))
    assert awaited == WordsAwaited(hearing.utterances[0].utterance_id, "scripted")
    assert isinstance(final, Transcript)
    assert final.text == "At last."


async def test_a_microphone_that_falls_silent_in_the_middle_of_a_turn_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MISSING_S", 0.05)
    async with in_call(ScriptedHearing(Words("Are you still there?"))) as call:
        await call.play(silence(0.3), speech(0.5))
        final = await call.until(Transcript)
    assert isinstance(final, Transcript)
    assert final.text == "Are you still there?"


class FailingDetector(EnergyDetector):
    def probability(self, window: bytes) -> float:
        raise RuntimeError(len(window))


async def test_who_waits_for_what_was_said_is_told_that_listening_broke_off() -> None:
    async with TaskOwner("test") as owner, asyncio.timeout(10):
        with ThreadPoolExecutor(1) as executor:
            hears = listener.Listener(
                ScriptedHearing(), FailingDetector(), executor, (by_words,), owner=owner, emit=lambda _: None
            )
            hears.feed(speech(0.5).pcm)
            for _ in range(2):
                with pytest.raises(HearingError, match="RuntimeError"):
                    await hears.finish()
            await hears.aclose()
