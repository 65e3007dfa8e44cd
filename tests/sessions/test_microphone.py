"""The microphone's way: every sample to at most one session, in order, none twice, never behind anything."""

from __future__ import annotations

import array
import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neko.sessions.microphone import Microphone, MicrophoneLimits, MicrophoneState
from neko.tasks import TaskOwner
from neko.types.model_session import ModelCapabilities, ModelInput, UserAudio
from tests.scripted_provider import tone

RATE = 16_000
FRAME = 320
"""Samples of 20 ms."""


class Listener:
    """A session as far as the microphone knows it. ``gate`` holds up its ``send``; ``error`` is raised by it."""

    def __init__(self, rate: int = RATE, changed: asyncio.Event | None = None) -> None:
        self.capabilities = ModelCapabilities(audio_input=True, input_rate=rate)
        self.heard = bytearray()
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self._changed = changed or asyncio.Event()

    async def send(self, item: ModelInput) -> None:
        assert isinstance(item, UserAudio)
        await self.gate.wait()
        if self.error:
            raise self.error
        self.heard += item.pcm
        self._changed.set()

    @property
    def samples(self) -> list[int]:
        return array.array("h", bytes(self.heard)).tolist()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def frame(first: int) -> bytes:
    """20 ms of samples that can be told apart: first, first + 1, …"""
    return array.array("h", range(first, first + FRAME)).tobytes()


@pytest.fixture
async def owner() -> AsyncIterator[TaskOwner]:
    async with TaskOwner("test") as tasks:
        yield tasks


@pytest.fixture
def microphone(owner: TaskOwner, executor: ThreadPoolExecutor) -> Microphone:
    return Microphone(owner, executor, limits=MicrophoneLimits(pre_roll_s=0.3, start_s=1.5, change_s=4.0))


def as_session(listener: Listener) -> Any:
    return listener


async def test_a_session_that_listens_gets_every_sample_in_order(microphone: Microphone) -> None:
    ear = Listener()
    microphone.listen(as_session(ear))
    for number in range(10):
        microphone.feed(frame(number * FRAME), RATE)
    await ear.until(lambda: len(ear.samples) == 10 * FRAME)
    assert ear.samples == list(range(10 * FRAME))


async def test_after_sound_that_could_not_be_converted_the_next_is_heard(owner: TaskOwner) -> None:
    ear, executor = Listener(), ThreadPoolExecutor(1)
    microphone = Microphone(owner, executor, limits=MicrophoneLimits())
    microphone.listen(as_session(ear))
    executor.shutdown()
    microphone.feed(frame(0), 3 * RATE)
    assert microphone._task
    await asyncio.wait({microphone._task}, timeout=15)
    microphone.feed(frame(0), RATE)
    await ear.until(lambda: ear.samples == list(range(FRAME)))


async def test_whoever_begins_to_listen_gets_the_pre_roll(microphone: Microphone) -> None:
    for number in range(50):
        microphone.feed(frame(number * FRAME), RATE)
    ear = Listener()
    microphone.listen(as_session(ear))
    expected = list(range(50 * FRAME))[-15 * FRAME :]
    await ear.until(lambda: len(ear.samples) >= len(expected))
    assert ear.samples == expected


async def test_what_is_said_while_a_first_session_starts_is_kept_up_to_its_bound(microphone: Microphone) -> None:
    microphone.wait()
    for number in range(100):
        microphone.feed(frame(number * FRAME), RATE)
    ear = Listener()
    microphone.listen(as_session(ear))
    await ear.until(lambda: len(ear.samples) >= 75 * FRAME)
    assert ear.samples == list(range(100 * FRAME))[-75 * FRAME :]
    assert microphone.dropped_s == pytest.approx(0.5)


async def test_sound_of_a_change_of_session_goes_to_the_next_one_whole(microphone: Microphone) -> None:
    first, second = Listener(), Listener()
    microphone.listen(as_session(first))
    microphone.feed(frame(0), RATE)
    await first.until(lambda: bool(first.heard))
    microphone.wait()
    assert microphone.state is MicrophoneState.CHANGING
    for number in range(1, 100):
        microphone.feed(frame(number * FRAME), RATE)
    microphone.listen(as_session(second))
    await second.until(lambda: len(second.samples) == 99 * FRAME)
    assert first.samples + second.samples == list(range(100 * FRAME))


async def test_bytes_bound_what_is_kept_whatever_rate_a_client_claims(
    owner: TaskOwner, executor: ThreadPoolExecutor
) -> None:
    microphone = Microphone(owner, executor, limits=MicrophoneLimits(change_s=3600, start_s=3600, max_bytes=10_000))
    microphone.wait()
    for number in range(100):
        microphone.feed(frame(number * FRAME), 192_000)
    ear = Listener(rate=192_000)
    microphone.listen(as_session(ear))
    await ear.until(lambda: len(ear.samples) >= 15 * FRAME)
    assert len(ear.heard) <= 10_000


async def test_sound_is_converted_to_the_rate_of_the_session(microphone: Microphone) -> None:
    ear = Listener(rate=24_000)
    microphone.listen(as_session(ear))
    microphone.feed(tone(1.0, rate=48_000), 48_000)
    await ear.until(lambda: len(ear.samples) > 23_000)
    assert abs(len(ear.samples) - 24_000) < 24 * 50


async def test_nothing_is_lost_between_two_sessions_of_different_rates(microphone: Microphone) -> None:
    first, second = Listener(rate=16_000), Listener(rate=24_000)
    microphone.listen(as_session(first))
    microphone.feed(tone(0.5, rate=48_000), 48_000)
    await first.until(lambda: len(first.samples) > 7_500)
    microphone.listen(as_session(second))
    microphone.feed(tone(0.5, rate=48_000), 48_000)
    await second.until(lambda: len(second.samples) > 11_500)
    seconds = len(first.samples) / 16_000 + len(second.samples) / 24_000
    assert abs(seconds - 1.0) < 0.041, "the converter in use holds back a little"


async def test_an_odd_last_byte_is_left_out(microphone: Microphone) -> None:
    ear = Listener()
    microphone.listen(as_session(ear))
    microphone.feed(frame(0) + b"\x01", RATE)
    microphone.feed(b"\x01", RATE)
    microphone.feed(frame(FRAME), RATE)
    await ear.until(lambda: len(ear.samples) == 2 * FRAME)
    assert ear.samples == list(range(2 * FRAME))


async def test_a_session_that_takes_no_sound_is_told_once_and_heard_again_when_it_does(
    owner: TaskOwner, executor: ThreadPoolExecutor
) -> None:
    faults: asyncio.Queue[BaseException] = asyncio.Queue()
    microphone = Microphone(owner, executor, on_fault=faults.put_nowait)
    ear = Listener()
    ear.error = RuntimeError("closed")
    microphone.listen(as_session(ear))
    for number in range(20):
        microphone.feed(frame(number), RATE)
        await asyncio.sleep(0)
    async with asyncio.timeout(15):
        assert isinstance(await faults.get(), RuntimeError)
    assert faults.empty()
    ear.error = None
    microphone.feed(frame(0), RATE)
    await ear.until(lambda: bool(ear.heard))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(st.one_of(st.integers(1, 12), st.sampled_from(["wait", "next", "turn"])), max_size=30))
async def test_whatever_changes_every_sample_reaches_one_session_in_order(steps: list[int | str]) -> None:
    with ThreadPoolExecutor(1) as pool:
        async with TaskOwner("test") as owner:
            microphone = Microphone(owner, pool, limits=MicrophoneLimits(change_s=60, start_s=60))
            changed = asyncio.Event()
            ears = [Listener(changed=changed)]
            microphone.listen(as_session(ears[0]))
            fed = 0
            for step in steps:
                if isinstance(step, int):
                    for _ in range(step):
                        microphone.feed(frame(fed % 30_000), RATE)
                        fed += FRAME
                elif step == "wait":
                    microphone.wait()
                elif step == "next":
                    ears.append(Listener(changed=changed))
                    microphone.listen(as_session(ears[-1]))
                else:
                    await asyncio.sleep(0)
            ears.append(Listener(changed=changed))
            microphone.listen(as_session(ears[-1]))
            await ears[-1].until(lambda: sum(len(ear.heard) for ear in ears) == 2 * fed)
            heard = b"".join(bytes(ear.heard) for ear in ears)
            assert heard == b"".join(frame(number * FRAME % 30_000) for number in range(fed // FRAME))


async def say(microphone: Microphone, ear: Listener, frames: range) -> None:
    for number in frames:
        microphone.feed(frame(number * FRAME), RATE)
    await ear.until(lambda: ear.samples[-1:] == [frames.stop * FRAME - 1])


def follow(microphone: Microphone, ear: Listener) -> None:
    """The session that listened is lost, and this one takes its place."""
    microphone.rewind()
    microphone.wait()
    microphone.listen(as_session(ear))


async def test_what_a_lost_session_has_put_into_words_is_not_said_again(
    owner: TaskOwner, executor: ThreadPoolExecutor
) -> None:
    microphone = Microphone(owner, executor, hears_utterance=lambda: True)
    first, second = Listener(), Listener()
    microphone.listen(as_session(first))
    await say(microphone, first, range(10))
    microphone.over("u1")
    await say(microphone, first, range(10, 15))  # the next words, before those of the utterance are known
    microphone.settle("u1")
    follow(microphone, second)
    await second.until(lambda: second.samples == list(range(10 * FRAME, 15 * FRAME)))


async def test_what_is_said_again_to_a_session_that_is_lost_without_a_sign_is_said_to_the_next_one_too(
    owner: TaskOwner, executor: ThreadPoolExecutor
) -> None:
    owed = [True]
    microphone = Microphone(owner, executor, hears_utterance=lambda: owed[0])
    first, second, third = Listener(), Listener(), Listener()
    microphone.listen(as_session(first))
    await say(microphone, first, range(50))
    follow(microphone, second)
    owed[0] = False  # that session has told nothing of it yet
    await second.until(lambda: second.samples == first.samples)
    assert microphone.says_again
    follow(microphone, third)
    await third.until(lambda: third.samples == first.samples)
    microphone.settle("u1")
    assert not microphone.says_again
