"""How every speech engine behaves, whatever makes its sound.

An implementation joins by a fixture ``subject``; ``test_speech_engines.py`` shows how.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np
import pytest

from neko.audio.resample import PcmStream
from neko.errors import NekoError, SpeechError
from neko.types.speech import SpeechEngine, Utterance

SECONDS = 5.0
LONG = Utterance("This is a rather long sentence, so that its sound is made in more than one piece.", "en")
SHORT = Utterance("Hello there.", "en")


@dataclass(slots=True)
class Ear:
    """A ``convert`` that keeps what it is given and in which thread; it answers with its count."""

    heard: list[bytes] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def __call__(self, pcm: bytes) -> bytes:
        self.heard.append(pcm)
        self.threads.add(threading.get_ident())
        return b"%d " % len(self.heard)


async def _at_once() -> None:
    """There is no work to stop."""


@dataclass(slots=True)
class Subject:
    """``build`` makes another engine like ``engine``. ``stopped`` waits until no work is done for it.

    ``long`` and ``short`` are in a language that it speaks, ``seconds`` is what any test of it may take.
    """

    engine: SpeechEngine
    build: Callable[[], SpeechEngine]
    stopped: Callable[[], Awaitable[None]] = _at_once
    long: Utterance = LONG
    short: Utterance = SHORT
    seconds: float = SECONDS


async def whole(engine: SpeechEngine, utterance: Utterance, seconds: float = SECONDS) -> bytes:
    stream = PcmStream(engine.capabilities.sample_rate)
    async with asyncio.timeout(seconds), aclosing(engine.synthesise(utterance, stream.process)) as pieces:
        return b"".join([piece async for piece in pieces]) + stream.flush()


async def told(engine: SpeechEngine, utterance: Utterance = SHORT) -> tuple[int, NekoError | None]:
    """How many pieces of sound came, and what was told of it."""
    count = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for _ in engine.synthesise(utterance, Ear()):
                count += 1
    except NekoError as error:
        return count, error
    return count, None


def alike(one: bytes, other: bytes) -> bool:
    """As long, and the same spectrum at each time; a synthesiser may breathe a little differently."""
    if abs(len(one) - len(other)) > 2000:
        return False
    a, b = (_spectrum(sound, min(len(one), len(other))) for sound in (one, other))
    return bool((a * b).sum() > 0.95 * np.sqrt((a * a).sum() * (b * b).sum()))


def _spectrum(sound: bytes, length: int) -> np.ndarray:
    samples = np.frombuffer(sound[: length & ~1], "<i2").astype(np.float64)
    frames = samples[: len(samples) // 2048 * 2048].reshape(-1, 2048) * np.hanning(2048)
    return np.sqrt(np.abs(np.fft.rfft(frames)))[:, :256]


class SpeechEngineBehaviour:
    """What is asked of every engine, also of one that makes no sound here."""

    async def test_it_says_what_it_is(self, subject: Subject) -> None:
        assert subject.engine.capabilities.name
        assert 8000 <= subject.engine.capabilities.sample_rate <= 48_000

    async def test_it_can_be_warmed_more_than_once(self, subject: Subject) -> None:
        async with asyncio.timeout(subject.seconds):
            await subject.engine.prewarm()
            await subject.engine.prewarm()

    async def test_a_reply_may_be_expected_that_never_comes(self, subject: Subject) -> None:
        for _ in range(2):
            subject.engine.expect(subject.short.voice)
        await whole(subject.engine, subject.short, subject.seconds)
        subject.engine.expect(subject.short.voice)
        await subject.engine.aclose()
        subject.engine.expect(subject.short.voice)

    async def test_what_it_gives_is_what_was_converted_off_the_loop_and_in_order(self, subject: Subject) -> None:
        ear = Ear()
        async with asyncio.timeout(subject.seconds), aclosing(subject.engine.synthesise(subject.long, ear)) as pieces:
            given = [piece async for piece in pieces]
        numbers = [int(number) for number in b"".join(given).split()]
        assert numbers == list(range(1, len(ear.heard) + 1))
        assert threading.get_ident() not in ear.threads
        assert all(len(pcm) % 2 == 0 for pcm in ear.heard)

    async def test_closing_an_iterator_that_never_began_is_fine(self, subject: Subject) -> None:
        ear = Ear()
        await subject.engine.synthesise(subject.long, ear).aclose()
        assert ear.heard == []

    async def test_closing_it_twice_is_fine(self, subject: Subject) -> None:
        await whole(subject.engine, subject.short, subject.seconds)
        await subject.engine.aclose()
        await subject.engine.aclose()

    async def test_it_can_be_closed_unused(self, subject: Subject) -> None:
        await subject.build().aclose()


class VoiceBehaviour(SpeechEngineBehaviour):
    """What is asked on top of an engine that makes sound."""

    async def test_sound_comes_in_pieces_before_it_is_all_made(self, subject: Subject) -> None:
        ear = Ear()
        async with asyncio.timeout(subject.seconds), aclosing(subject.engine.synthesise(subject.long, ear)) as pieces:
            assert len([piece async for piece in pieces]) > 1
        assert sum(map(len, ear.heard)) > subject.engine.capabilities.sample_rate // 2

    async def test_closing_the_iterator_stops_the_work_at_once(self, subject: Subject) -> None:
        ear = Ear()
        pieces = subject.engine.synthesise(subject.long, ear)
        async with asyncio.timeout(subject.seconds):
            await anext(pieces)
            await pieces.aclose()
            await subject.stopped()
        heard = len(ear.heard)
        assert await whole(subject.engine, subject.short, subject.seconds)
        assert len(ear.heard) == heard

    async def test_cancelling_the_one_who_waits_for_sound_stops_the_work(self, subject: Subject) -> None:
        began = asyncio.Event()

        async def listen() -> None:
            async with aclosing(subject.engine.synthesise(subject.long, Ear())) as pieces:
                began.set()
                async for _ in pieces:
                    pass

        async with asyncio.timeout(subject.seconds):
            task = asyncio.create_task(listen())
            await began.wait()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert await whole(subject.engine, subject.short, subject.seconds)

    async def test_a_cut_utterance_leaves_nothing_in_the_next_one(self, subject: Subject) -> None:
        untouched = await whole(subject.engine, subject.short, subject.seconds)
        async with asyncio.timeout(subject.seconds), aclosing(subject.engine.synthesise(subject.long, Ear())) as pieces:
            await anext(pieces)
        assert alike(await whole(subject.engine, subject.short, subject.seconds), untouched)

    async def test_two_engines_at_once_do_not_disturb_each_other(self, subject: Subject) -> None:
        other = subject.build()
        alone = [
            await whole(subject.engine, subject.long, subject.seconds),
            await whole(subject.engine, subject.short, subject.seconds),
        ]
        async with asyncio.timeout(subject.seconds):
            both = await asyncio.gather(
                whole(subject.engine, subject.long, subject.seconds),
                whole(other, subject.short, subject.seconds),
                whole(other, subject.long, subject.seconds),
                whole(subject.engine, subject.short, subject.seconds),
            )
            assert all(map(alike, both, [*alone, *alone]))
            assert not alike(*alone)
            await other.aclose()
            assert alike(await whole(subject.engine, subject.short, subject.seconds), alone[1])

    async def test_closing_the_engine_ends_what_it_is_saying(self, subject: Subject) -> None:
        pieces = subject.engine.synthesise(subject.long, Ear())
        async with asyncio.timeout(subject.seconds):
            await anext(pieces)
            await subject.engine.aclose()
            rest = [piece async for piece in pieces]
            await subject.stopped()
        assert len(rest) < 40

    async def test_a_closed_engine_refuses(self, subject: Subject) -> None:
        await subject.engine.aclose()
        with pytest.raises(SpeechError) as refused:
            await whole(subject.engine, subject.short, subject.seconds)
        assert refused.value.params["engine"]
        with pytest.raises(SpeechError):
            await subject.engine.prewarm()

    async def test_a_failing_conversion_is_a_speech_error_that_names_the_engine(self, subject: Subject) -> None:
        def broken(pcm: bytes) -> bytes:
            raise ValueError("broken")

        pieces = subject.engine.synthesise(subject.short, broken)
        with pytest.raises(SpeechError) as failed:
            await anext(pieces)
        assert failed.value.params["engine"]
        assert await whole(subject.engine, subject.short, subject.seconds)


class SilenceBehaviour(SpeechEngineBehaviour):
    """What is asked of an engine that makes no sound here."""

    async def test_it_makes_no_sound(self, subject: Subject) -> None:
        assert await whole(subject.engine, subject.long, subject.seconds) == b""
