"""What a search's time is counted from."""

from __future__ import annotations

import asyncio

import pytest

from neko.memory.running_time import RunningTime, begun_within


async def test_a_search_whose_turn_has_come_goes_on_after_the_time_to_wait_for_it() -> None:
    running_time = RunningTime(60.0, 60.0)
    async with begun_within(0.0, running_time):
        running_time.begin()
        for _ in range(5):
            await asyncio.sleep(0)
    assert not running_time.is_up


async def test_what_was_found_is_taken_however_late_the_loop_looks() -> None:
    running_time = RunningTime(60.0, 0.0)
    async with begun_within(0.0, running_time):
        running_time.begin()
        running_time.end()
        for _ in range(5):
            await asyncio.sleep(0)


async def test_a_search_whose_turn_does_not_come_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        async with begun_within(0.0, RunningTime(60.0, 60.0)):
            await asyncio.Event().wait()


@pytest.mark.parametrize("seconds", [(0.0, 60.0), (60.0, 0.0)])
def test_a_search_is_over_when_either_of_its_times_is_up(seconds: tuple[float, float]) -> None:
    running_time = RunningTime(*seconds)
    running_time.begin()
    assert running_time.is_up
