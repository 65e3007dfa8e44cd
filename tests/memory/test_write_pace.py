"""How often recent windows are written where many talk."""

from __future__ import annotations

import asyncio

from neko.memory.write_pace import WritePace
from tests.virtual_clock import InlineExecutor, run_virtually


async def _waited(pace: WritePace) -> float:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await pace.wait()
    return loop.time() - begun


def test_one_window_is_written_as_soon_as_it_would_be_alone() -> None:
    async def case(_: InlineExecutor) -> None:
        pace = WritePace(0.5)
        for _turn in range(10):
            assert round(await _waited(pace), 6) == 0.5

    run_virtually(case)


def test_of_hundreds_each_is_written_in_its_turn_and_seldom() -> None:
    async def case(_: InlineExecutor) -> None:
        pace = WritePace(0.5)
        waited = await asyncio.gather(*(_waited(pace) for _ in range(300)))
        assert waited == sorted(waited), "in the order in which they fell behind"
        assert waited[0] == 0.5
        assert waited[-1] > 10.0, "in which others' turns bring more lines, written at once"

    run_virtually(case)


def test_however_many_there_are_a_window_is_written_within_half_a_minute() -> None:
    async def case(_: InlineExecutor) -> None:
        pace = WritePace(0.5)
        for _round in range(3):
            assert max(await asyncio.gather(*(_waited(pace) for _ in range(3_000)))) < 30.0

    run_virtually(case)
