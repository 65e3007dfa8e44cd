"""The moment of a line is the same wherever it is read, while the contract's column keeps local time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.memory.memory_folder import MIO, MemoryFolder, new_line

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows cannot change the zone of a process")

ZONES = ("Asia/Tokyo", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC")
MOMENT = datetime(2026, 2, 22, 22, 30, 15, 123456, tzinfo=UTC)

InZone = Callable[[str], None]


@pytest.fixture
def in_zone() -> Iterator[InZone]:
    before = os.environ.get("TZ")

    def change(zone: str | None) -> None:
        os.environ.pop("TZ", None)
        if zone is not None:
            os.environ["TZ"] = zone
        time.tzset()

    yield change
    change(before)


@pytest.mark.parametrize("written", ZONES)
async def test_a_line_keeps_its_moment_when_the_computer_travels(
    memory_folder: MemoryFolder, in_zone: InZone, written: str
) -> None:
    in_zone(written)
    memory = await memory_folder.open()
    stored = await memory.store(MIO, new_line("one", at=MOMENT.astimezone().replace(tzinfo=None)))
    assert stored.line.at.astimezone(UTC) == MOMENT
    await memory.aclose()
    local = f"{MOMENT.astimezone():%Y-%m-%d %H:%M:%S.%f}"
    assert memory_folder.sql("SELECT timestamp FROM time_indexed_original") == [(local,)]
    kept = "$.data.additional_kwargs.neko.at"
    ((moment,),) = memory_folder.sql(f"SELECT json_extract(message, '{kept}') FROM time_indexed_original")
    assert moment == MOMENT.isoformat()
    for read in ZONES:
        in_zone(read)
        memory = await memory_folder.open()
        (line,) = await memory.lines(MIO)
        assert line.at.astimezone(UTC) == MOMENT
        assert (line.at.tzinfo, line.at) == (None, MOMENT.astimezone().replace(tzinfo=None))
        await memory.aclose()


async def test_the_two_hours_that_a_change_of_clocks_repeats_are_told_apart(
    memory_folder: MemoryFolder, in_zone: InZone
) -> None:
    in_zone("Europe/Berlin")
    first = datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    memory = await memory_folder.open()
    for moment in (first, first + timedelta(hours=1)):
        await memory.store(MIO, new_line("one", at=datetime.fromtimestamp(moment.timestamp())))
    lines = await memory.lines(MIO)
    assert [f"{line.at:%H:%M}" for line in lines] == ["02:30", "02:30"]
    assert [line.at.astimezone(UTC) for line in lines] == [first, first + timedelta(hours=1)]


async def test_what_the_original_wrote_is_read_as_local_time(memory_folder: MemoryFolder, in_zone: InZone) -> None:
    in_zone("Asia/Tokyo")
    await memory_folder.talked("one")
    memory_folder.sql(
        "UPDATE time_indexed_original SET timestamp = '2026-02-22 10:00:00', "
        """message = '{"type": "human", "data": {"content": "old"}}'"""
    )
    memory = await memory_folder.open()
    (line,) = await memory.lines(MIO)
    assert line.at.astimezone(UTC) == datetime(2026, 2, 22, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize("at", ["", "soon", "2026-13-40", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_moment_that_is_none_leaves_the_local_time(memory_folder: MemoryFolder, at: str) -> None:
    await memory_folder.talked("one")
    memory_folder.sql(
        "UPDATE time_indexed_original SET timestamp = '2026-02-22 10:00:00', "
        "message = json_set(message, '$.data.additional_kwargs.neko.at', ?)",
        (at,),
    )
    memory = await memory_folder.open()
    (line,) = await memory.lines(MIO)
    assert line.at == datetime(2026, 2, 22, 10, 0)
