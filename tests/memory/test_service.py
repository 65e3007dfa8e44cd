"""Opening and closing, and staying out of the loop's way."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from neko.errors import MemoryStoreError, RecallTimeoutError
from neko.i18n import describe, notice
from neko.language import LANGUAGES
from neko.memory.line_codec import turn_message
from neko.memory.service import MemoryService
from neko.tasks import TaskOwner, in_thread
from tests.memory.memory_folder import MIO, START, MemoryFolder, new_line, say, texts, window


async def test_many_first_calls_at_once_open_one_log(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await asyncio.gather(*(memory.store(MIO, new_line(f"line {number}")) for number in range(10)), memory.lines(MIO))
    assert len(await texts(memory)) == 10


async def test_a_first_call_that_is_cancelled_does_not_spoil_the_next(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    first = asyncio.create_task(say(memory, "never mind"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await say(memory, "hello")
    assert (await texts(memory))[-1] == "hello"


async def test_a_memory_that_crashes_as_it_opens_is_told_harms_no_other_and_is_opened_the_next_time(
    memory_folder: MemoryFolder,
) -> None:
    await memory_folder.talked("plum")
    memory_folder.recent.unlink()
    masters = iter([lambda: 1 / 0])

    def master() -> str:
        next(masters, lambda: 1)()
        return "Anna"

    async with TaskOwner("test") as owner:
        memory = MemoryService(memory_folder.folder, owner, master)
        with pytest.raises(MemoryStoreError) as crash:
            await memory.lines(MIO)
        assert crash.value.params["why"] == "ZeroDivisionError"
        await memory.store("Kimi", new_line("apple"))
        assert await memory.back_up()
        assert await texts(memory) == ["plum"]
        await memory.aclose()


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
    await window(memory)
    await memory.lines(MIO, after=0, limit=1000)
    await memory.recall(MIO, "what did the cat say?")
    await memory.compress(MIO, None)


# ── closing one character ────────────────────────────────────────────────────


def _open_files(folder: Path) -> list[str]:
    """Names of the files in ``folder`` that this process holds open."""
    links = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [link.name for link in links if link.parent == folder]


async def test_closing_a_character_writes_what_is_pending_and_holds_no_file_open(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(write_delay_s=60.0)
    await say(memory, "hello")
    await memory.store("小澪", new_line("你好"))
    await memory.close(MIO)
    assert [entry["data"]["content"][0]["text"] for entry in memory_folder.entries()] == ["hello"]
    assert sorted(path.name for path in memory_folder.folder.glob("*Mio*")) == ["recent_Mio.json", "time_indexed_Mio"]
    if Path("/proc/self/fd").exists():
        assert {name.partition("-")[0] for name in _open_files(memory_folder.folder)} == {"time_indexed_小澪"}


async def test_a_closed_characters_files_can_be_renamed_and_used_under_the_new_name(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open()
    await say(memory, "hello")
    await memory.close(MIO)
    memory_folder.log.rename(memory_folder.folder / "time_indexed_Mia")
    memory_folder.recent.rename(memory_folder.folder / "recent_Mia.json")
    assert [line.text for line in await memory.lines("Mia")] == ["hello"]
    assert [entry.text for entry in await memory.recent("Mia")] == ["hello"]
    assert await texts(memory) == []


async def test_a_use_during_the_closing_waits_for_it_and_opens_anew(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    async with asyncio.timeout(15):
        closing = asyncio.create_task(memory.close(MIO))
        await asyncio.sleep(0)
        stored = await asyncio.gather(*(say(memory, f"later {number}") for number in range(5)), memory.close(MIO))
        await closing
    assert len(stored) == 6
    assert len(await texts(memory)) == 6
    assert await window(memory) == await texts(memory)
    assert memory_folder.reports == []


# ── what cannot be read ──────────────────────────────────────────────────────


async def _nothing(prompt: str) -> str:
    return ""


EVERY_METHOD: dict[str, Callable[[MemoryService], Awaitable[object]]] = {
    "store": lambda memory: memory.store(MIO, new_line("one")),
    "lines": lambda memory: memory.lines(MIO),
    "recent": lambda memory: memory.recent(MIO),
    "recall": lambda memory: memory.recall(MIO, "cat"),
    "compress": lambda memory: memory.compress(MIO, None),
    "review": lambda memory: memory.review(MIO, _nothing),
}


@pytest.mark.parametrize("method", EVERY_METHOD)
@pytest.mark.parametrize("file", ["log", "recent"])
async def test_every_method_says_that_a_file_cannot_be_read(
    memory_folder: MemoryFolder, method: str, file: str
) -> None:
    path: Path = getattr(memory_folder, file)
    path.mkdir()
    memory = await memory_folder.open()
    with pytest.raises(MemoryStoreError) as caught:
        await EVERY_METHOD[method](memory)
    assert caught.value.params["reason"] == "unreadable"
    assert caught.value.params["file"] == str(path)
    for language in LANGUAGES:
        assert describe(caught.value, language).text != notice("internal", language).text
    await memory.close(MIO)


@pytest.mark.parametrize("method", EVERY_METHOD)
async def test_every_method_says_that_the_memory_is_closed(memory_folder: MemoryFolder, method: str) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    await memory.aclose()
    with pytest.raises(MemoryStoreError) as caught:
        await EVERY_METHOD[method](memory)
    assert caught.value.params["reason"] == "closed"
    await memory.close(MIO)


async def test_a_recent_file_that_becomes_unreadable_is_told_by_whoever_needs_it(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(write_delay_s=60.0)
    await say(memory, "one")
    memory_folder.recent.mkdir()
    for method in ("recent", "compress", "review"):
        with pytest.raises(MemoryStoreError) as caught:
            await EVERY_METHOD[method](memory)
        assert caught.value.params["file"] == str(memory_folder.recent)
    assert await texts(memory) == ["one"]
    memory_folder.recent.rmdir()


# ── deadlines ────────────────────────────────────────────────────────────────


def _fill(memory_folder: MemoryFolder, count: int) -> None:
    """Lines as N.E.K.O. writes them, which do not belong in the recent window."""
    raw = json.dumps(turn_message("user", "the garden was full of " + "flowers " * 20, START))
    with closing(sqlite3.connect(memory_folder.log)) as connection, connection:
        rows = (("s1", raw, str(START)) for _ in range(count))
        connection.executemany(
            "INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)", rows
        )


async def test_a_recall_past_its_deadline_says_so_and_finds_again_with_more_time(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("my cat is called Biscuit")
    await in_thread(_fill, memory_folder, 30_000)
    hasty = await memory_folder.open(recall_timeout_s=0.0)
    await hasty.lines(MIO)
    with pytest.raises(RecallTimeoutError) as caught:
        await hasty.recall(MIO, "what is my cat's name?")
    assert caught.value.params["seconds"] == 0.0
    assert not caught.value.permanent
    await asyncio.gather(hasty.lines(MIO), hasty.recent(MIO), say(hasty, "go on"))
    await hasty.aclose()
    patient = await memory_folder.open(recall_timeout_s=60.0)
    assert (await patient.recall(MIO, "what is my cat's name?"))[0].text == "my cat is called Biscuit"


async def test_a_recall_that_its_caller_gives_up_leaves_the_memory_in_order(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("my cat is called Biscuit")
    await in_thread(_fill, memory_folder, 30_000)
    memory = await memory_folder.open(recall_timeout_s=60.0)
    await memory.lines(MIO)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await memory.recall(MIO, "what is my cat's name?")
    assert (await memory.recall(MIO, "what is my cat's name?"))[0].text == "my cat is called Biscuit"


async def test_what_is_deleted_is_overwritten_in_the_files(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await memory.store(MIO, new_line("the kept words"))
    gone = await memory.store(MIO, new_line("the secret words"))
    await memory.close(MIO)
    assert await memory.delete(MIO, [gone.line.id]) == [gone.line.id]
    files = [path for path in memory_folder.folder.rglob("*") if path.is_file()]
    assert any(b"the kept words" in path.read_bytes() for path in files)
    assert [path.name for path in files if b"the secret words" in path.read_bytes()] == []
