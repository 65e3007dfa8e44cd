"""How long a stream is waited for, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from neko.llm import stream_clock
from neko.llm.client import Patience, Timeouts
from neko.llm.stream_clock import StreamClock

PATIENCE = Patience(late_s=8.0, first_words_timeout_s=60.0, between_words_timeout_s=20.0)
LONGEST_S = 1800.0


class MovedLoop(asyncio.SelectorEventLoop):
    """Its time passes only by ``pass_time``."""

    def __init__(self) -> None:
        super().__init__(selectors.DefaultSelector())
        self._moved = 1000.0

    def time(self) -> float:
        return self._moved

    async def pass_time(self, seconds: float) -> None:
        self._moved += seconds
        for _ in range(3):
            await asyncio.sleep(0)


def on_moved_time(test: Callable[[MovedLoop], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=MovedLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, MovedLoop)
        runner.run(test(loop))


class Late:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


Stream = Callable[[MovedLoop, StreamClock], Coroutine[Any, Any, None]]


def seconds_until_given_up(stream: Stream) -> float | None:
    """How long ``stream`` was borne, None when it came to its own end; the time is negative if it was too long."""
    seconds: list[float] = []

    async def test(loop: MovedLoop) -> None:
        began = loop.time()
        clock = StreamClock(PATIENCE, LONGEST_S)
        try:
            async with clock:
                await stream(loop, clock)
        except TimeoutError:
            assert clock.has_expired
            seconds.append((began - loop.time()) if clock.is_too_long else (loop.time() - began))

    on_moved_time(test)
    return seconds[0] if seconds else None


@pytest.mark.parametrize("is_thinking", [False, True])
def test_any_byte_is_a_sign_of_life_before_the_first_words(is_thinking: bool) -> None:
    async def stream(loop: MovedLoop, clock: StreamClock) -> None:
        for _ in range(20):
            await loop.pass_time(59.0)
            clock.alive(1)
            if is_thinking:
                clock.thought()
        await loop.pass_time(59.0)
        await loop.pass_time(2.0)

    assert seconds_until_given_up(stream) == 21 * 59 + 2


def test_silence_in_the_middle_of_words_is_borne_for_a_shorter_time() -> None:
    async def stream(loop: MovedLoop, clock: StreamClock) -> None:
        await loop.pass_time(50.0)
        clock.alive(1)
        clock.words()
        for _ in range(20):
            await loop.pass_time(19.0)
            clock.alive(1)
        await loop.pass_time(21.0)

    assert seconds_until_given_up(stream) == 50 + 20 * 19 + 21


@pytest.mark.parametrize("words", [False, True])
def test_what_never_ends_is_ended_however_alive_it_is(words: bool) -> None:
    async def stream(loop: MovedLoop, clock: StreamClock) -> None:
        for _ in range(10_000):
            await loop.pass_time(1.0)
            clock.alive(1)
            if words and not clock.has_words:
                clock.words()

    assert seconds_until_given_up(stream) == pytest.approx(-LONGEST_S, abs=3.0)


def test_the_end_is_kept_though_words_may_be_waited_for_longer() -> None:
    async def stream(loop: MovedLoop, clock: StreamClock) -> None:
        for _ in range(30):
            await loop.pass_time(59.0)
            clock.alive(1)
        await loop.pass_time(20.0)
        clock.alive(1)
        clock.words()
        await loop.pass_time(11.0)

    assert seconds_until_given_up(stream) == -LONGEST_S - 1.0


def test_more_bytes_than_any_thought_has_are_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_clock, "LONGEST_STREAM", 100)

    async def stream(loop: MovedLoop, clock: StreamClock) -> None:
        clock.alive(100)
        await loop.pass_time(1.0)
        clock.alive(1)
        await loop.pass_time(1.0)

    assert seconds_until_given_up(stream) == -2.0


def test_the_time_of_a_reader_that_is_behind_does_not_count() -> None:
    async def test(loop: MovedLoop) -> None:
        async with StreamClock(PATIENCE, LONGEST_S) as clock:
            clock.words()
            clock.pause()
            for _ in range(5):
                await loop.pass_time(1000.0)
            clock.resume()
            await loop.pass_time(19.0)
            clock.alive(1)
            await loop.pass_time(19.0)
        assert not clock.has_expired

    on_moved_time(test)


def test_being_late_is_told_once_and_only_when_nothing_of_a_reply_has_come() -> None:
    async def test(loop: MovedLoop) -> None:
        late = Late()
        async with StreamClock(PATIENCE, LONGEST_S, late) as clock:
            await loop.pass_time(7.0)
            clock.alive(1)
            assert late.times == 0
            await loop.pass_time(1.5)
            assert late.times == 1
            await loop.pass_time(50.0)
            clock.thought()
        assert late.times == 1
        async with StreamClock(PATIENCE, LONGEST_S, late) as clock:
            clock.thought()
            await loop.pass_time(50.0)
        async with StreamClock(PATIENCE, LONGEST_S, late):
            await loop.pass_time(1.0)
        await loop.pass_time(50.0)
        assert late.times == 1

    on_moved_time(test)


@pytest.mark.parametrize(
    ("url", "is_near"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://192.168.1.5:11434/v1", True),
        ("http://ollama:11434/v1", True),
        ("https://api.example.com/v1", False),
        ("https://8.8.8.8/v1", False),
    ],
)
def test_a_server_of_this_network_has_minutes_and_any_other_one_a_minute(url: str, is_near: bool) -> None:
    patience = Timeouts().patience(url)
    assert patience.first_words_timeout_s == (600.0 if is_near else 60.0)
