"""What becomes of work that fails while nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from neko.memory.background import BackgroundWork
from neko.memory.sqlite_errors import ConnectionClosedError, store_error
from neko.tasks import TaskOwner
from tests.memory.memory_folder import MIO


@pytest.mark.parametrize(
    ("error", "level"), [(ConnectionClosedError(), logging.INFO), (TimeoutError(), logging.WARNING)]
)
async def test_work_that_meets_a_memory_that_is_closed_by_now_is_nothing_to_warn_of(
    error: Exception, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "neko.memory.background")

    async def fails() -> None:
        raise store_error(error, Path("time_indexed_Mio"))

    async with TaskOwner("test") as owner:
        work = BackgroundWork(owner)
        work.submit(MIO, "compress", fails)
        await work.idle(MIO)
    assert [record.levelno for record in caplog.records] == [level]


async def test_work_that_is_handed_in_while_other_work_is_being_stopped_is_done() -> None:
    begun, done = asyncio.Event(), asyncio.Event()

    async def lasts() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            work.submit(MIO, "index", indexes)

    async def indexes() -> None:
        done.set()

    async with TaskOwner("test") as owner, asyncio.timeout(10):
        work = BackgroundWork(owner)
        work.submit(MIO, "compress", lasts)
        await begun.wait()
        await work.cancel(MIO, timeout_s=5)
        await done.wait()
        await work.idle(MIO)
