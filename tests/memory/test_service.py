"""Opening and closing, and staying out of the loop's way."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from neko.errors import MemoryStoreError
from neko.memory.service import MemoryService
from neko.tasks import TaskOwner
from tests.memory.memory_folder import MIO, MemoryFolder, new_line, said, say, shown


async def test_many_first_calls_at_once_open_one_log(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await asyncio.gather(*(memory.store(MIO, new_line(f"line {number}")) for number in range(10)), memory.lines(MIO))
    assert len(await said(memory)) == 10


async def test_a_first_call_that_is_cancelled_does_not_spoil_the_next(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    first = asyncio.create_task(say(memory, "never mind"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await say(memory, "hello")
    assert (await said(memory))[-1] == "hello"


@pytest.mark.parametrize("steps", range(0, 40, 4))
async def test_an_owner_that_ends_while_a_log_opens_leaves_nothing_open(
    memory_folder: MemoryFolder, steps: int
) -> None:
    owner = TaskOwner("test")
    memory = MemoryService(memory_folder.folder, owner)
    first = asyncio.create_task(memory.lines(MIO))
    for _ in range(steps):
        await asyncio.sleep(0)
    await owner.aclose()
    await memory.aclose()
    with suppress(asyncio.CancelledError, MemoryStoreError):
        await first


async def test_closing_writes_what_the_window_has_not_written(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for number in range(5):
        await say(memory, f"line {number}")
    await memory.aclose()
    assert len(memory_folder.entries()) == 5
    assert [path.name for path in memory_folder.folder.iterdir() if path.name.endswith(("-wal", "-shm", ".tmp"))] == []


async def test_characters_are_closed_and_opened_apart(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    memory_folder.log.mkdir()
    await memory.store("小澪", new_line("你好"))
    assert [entry.text for entry in await memory.recent("小澪")] == ["你好"]


@pytest.mark.loop_watchdog
async def test_the_loop_is_never_held(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for number in range(200):
        await say(memory, f"the cat said {number} " + "blah blah. " * 60)
    await shown(memory)
    await memory.lines(MIO, after=0, limit=1000)
    await memory.search(MIO, "what did the cat say?")
    await memory.compress(MIO, None)
