"""How every hearing engine behaves, whatever recognises the speech.

An implementation joins by a fixture ``subject``; ``test_hearing_engines.py`` shows how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from neko.errors import HearingError
from neko.types.hearing import HEARING_RATE, Heard, HearingEngine, HearingHints
from tests.scripted_provider import tone

SECONDS = 30.0
HINTS = HearingHints("en", ("Mio",))


async def _nothing() -> None:
    """What is recognised is not held up."""


@dataclass(slots=True)
class Subject:
    """``sound`` is PCM16 in which ``words`` are heard. ``hold`` lets nothing be recognised any more, ``busy`` waits
    until something would be, ``release`` lets it go on."""

    engine: HearingEngine
    words: str
    sound: bytes = tone(1.0, rate=HEARING_RATE)
    hold: Callable[[], None] = lambda: None
    busy: Callable[[], Awaitable[None]] = _nothing
    release: Callable[[], None] = lambda: None


async def heard(engine: HearingEngine, sound: bytes, utterance_id: str = "u1") -> Heard:
    recognition = engine.begin(utterance_id, HINTS)
    for at in range(0, len(sound), 640):
        recognition.feed(sound[at : at + 640])
    async with asyncio.timeout(SECONDS):
        return await recognition.finish()


class HearingBehaviour:
    """The suite. Words are compared without their case and signs."""

    @staticmethod
    def plain(text: str) -> str:
        return "".join(filter(str.isalnum, text)).lower()

    async def test_speech_becomes_words(self, subject: Subject) -> None:
        answer = await heard(subject.engine, subject.sound)
        assert (answer.utterance_id, answer.final) == ("u1", True)
        assert self.plain(answer.text) == self.plain(subject.words)
        assert 0 <= answer.no_speech < 0.5
        assert answer.confidence is None or 0 < answer.confidence <= 1

    async def test_the_words_so_far_can_be_had_while_more_comes(self, subject: Subject) -> None:
        recognition = subject.engine.begin("u1", HINTS)
        recognition.feed(subject.sound)
        async with asyncio.timeout(SECONDS):
            so_far = await recognition.partial()
            recognition.feed(bytes(HEARING_RATE))
            whole = await recognition.finish()
        assert (so_far.final, whole.final) == (False, True)
        assert self.plain(so_far.text) == self.plain(whole.text) == self.plain(subject.words)

    async def test_without_a_sound_there_are_no_words(self, subject: Subject) -> None:
        assert (await heard(subject.engine, b"")).text == ""

    async def test_half_a_sample_at_the_end_does_no_harm(self, subject: Subject) -> None:
        assert self.plain((await heard(subject.engine, subject.sound + b"\1")).text) == self.plain(subject.words)

    async def test_utterances_side_by_side_keep_apart(self, subject: Subject) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(heard(subject.engine, subject.sound, name)) for name in ("a", "b", "c")]
        assert [task.result().utterance_id for task in tasks] == ["a", "b", "c"]

    async def test_who_waits_for_words_that_are_not_wanted_any_more_gets_none(self, subject: Subject) -> None:
        subject.hold()
        recognition = subject.engine.begin("u1", HINTS)
        recognition.feed(subject.sound)
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            waiting = group.create_task(recognition.finish())
            await subject.busy()
            recognition.cancel()
            recognition.cancel()
            assert (await waiting).text == ""
        subject.release()
        assert self.plain((await heard(subject.engine, subject.sound, "u2")).text) == self.plain(subject.words)

    async def test_cancelling_after_the_end_does_no_harm(self, subject: Subject) -> None:
        recognition = subject.engine.begin("u1", HINTS)
        recognition.feed(subject.sound)
        assert (await recognition.finish()).text
        recognition.cancel()

    async def test_a_look_at_the_words_so_far_that_is_cancelled_spoils_nothing(self, subject: Subject) -> None:
        subject.hold()
        recognition = subject.engine.begin("u1", HINTS)
        recognition.feed(subject.sound)
        look = asyncio.get_running_loop().create_task(recognition.partial())
        await subject.busy()
        look.cancel()
        with pytest.raises(asyncio.CancelledError):
            await look
        subject.release()
        async with asyncio.timeout(SECONDS):
            assert self.plain((await recognition.finish()).text) == self.plain(subject.words)

    async def test_getting_ready_can_be_asked_for_again(self, subject: Subject) -> None:
        async with asyncio.timeout(SECONDS):
            await subject.engine.prewarm()
            await subject.engine.prewarm()
        assert (await heard(subject.engine, subject.sound)).text

    async def test_closing_ends_what_is_being_recognised(self, subject: Subject) -> None:
        subject.hold()
        recognition = subject.engine.begin("u1", HINTS)
        recognition.feed(subject.sound)
        waiting = asyncio.get_running_loop().create_task(recognition.finish())
        await subject.busy()
        async with asyncio.timeout(SECONDS):
            await subject.engine.aclose()
            await subject.engine.aclose()
            with pytest.raises(HearingError):
                await waiting

    async def test_a_closed_engine_says_so(self, subject: Subject) -> None:
        await subject.engine.aclose()
        with pytest.raises(HearingError):
            await heard(subject.engine, subject.sound)
