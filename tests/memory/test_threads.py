"""Many characters: their files share a few threads, few of them are open, and nobody notices."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from neko.errors import LogMovedError
from neko.memory.connection import Connection
from neko.memory.sqlite_errors import ConnectionClosedError
from neko.memory.threads import Lane, Threads
from tests.memory.memory_folder import MemoryFolder, new_line

CHARACTERS = 140
DESCRIPTORS = Path("/proc/self/fd")


AT_ONCE = 8 * 5
"""Descriptors beyond the most that are held: each thread may be opening a file, its WAL and what belongs to them."""


def _open_logs() -> list[str]:
    """The names of logs and of their companions, one for each descriptor."""
    names = []
    for link in DESCRIPTORS.iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            names.append(link.readlink().name)
    return [name for name in names if name.startswith(("time_indexed_", "file"))]


async def test_more_characters_than_files_may_be_open_are_written_and_read(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(find_timeout_s=60.0)
    names = [f"character {number}" for number in range(CHARACTERS)]
    before = threading.active_count()
    for text in ("one", "two"):
        await asyncio.gather(*(memory.store(name, new_line(f"{text} of {name}")) for name in names))
    said = await asyncio.gather(*(memory.lines(name) for name in names))
    assert [[line.text for line in lines] for lines in said] == [[f"one of {name}", f"two of {name}"] for name in names]
    found = await asyncio.gather(*(memory.find(name, "TWO") for name in names))
    assert [line.text for lines in found for line in lines] == [f"two of {name}" for name in names]
    assert threading.active_count() - before <= 7 + 6, "SQLite's, and those of the loop's executor"
    if DESCRIPTORS.exists():
        assert 0 < len(_open_logs()) <= 390
    await memory.aclose()
    if DESCRIPTORS.exists():
        assert _open_logs() == []
    assert not [path for path in memory_folder.folder.iterdir() if path.name.endswith(("-wal", "-shm"))]


async def test_many_that_are_brought_in_and_searched_hold_few_descriptors(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neko.memory.threads._MOST_DESCRIPTORS", 120)
    memory = await memory_folder.open(find_timeout_s=60.0, recall_timeout_s=60.0)
    names = [f"character {number}" for number in range(80)]

    async def use(name: str) -> list[str]:
        await memory.store_many(name, [new_line(f"tea for {name}"), new_line("yes", "assistant")])
        await memory.lines(name)
        return [line.text for line in await memory.find(name, "tea")]

    async def look(name: str) -> list[str]:
        await memory.recall(name, "tea")
        return [line.text for line in await memory.find(name, "tea")]

    for work in (use, look):
        for at in range(0, len(names), 10):
            some = names[at : at + 10]
            assert await asyncio.gather(*map(work, some)) == [[f"tea for {name}"] for name in some]
            if DESCRIPTORS.exists():
                assert len(_open_logs()) <= 120 + AT_ONCE
    newest = names[-20:]
    await asyncio.gather(*map(look, newest))
    if DESCRIPTORS.exists():
        assert len({name for name in _open_logs() if name.endswith("-wal")}) >= 10, "those that are used are kept open"


async def test_a_log_that_is_taken_away_while_it_is_closed_is_told_and_begun_anew(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neko.memory.threads._IDLE_S", 0.0)
    memory = await memory_folder.open(write_delay_s=60.0)
    await memory.store("Mio", new_line("before"))
    await asyncio.gather(*(memory.store(f"character {number}", new_line("hello")) for number in range(CHARACTERS)))
    memory_folder.log.rename(memory_folder.folder / "elsewhere")
    stored = await memory.store("Mio", new_line("after"))
    assert [line.text for line in await memory.lines("Mio")] == ["after"]
    assert stored.line.id == 2, "ids go on, so that the window does not take it for another line"
    (report,) = memory_folder.reports
    assert isinstance(report, LogMovedError)
    assert report.sentence == "memory_gone", "not that nothing is lost"


# ── one lane ─────────────────────────────────────────────────────────────────


def _file(lane: Lane, path: Path) -> Connection:
    return Connection(lane, path, lock_timeout_s=1.0, prepare=lambda _: None)


def _one(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT 1").fetchone()[0])


async def test_a_file_that_takes_long_is_in_no_other_ones_way(tmp_path: Path) -> None:
    lane = Lane(2, most_open=4)
    go_on = threading.Event()
    slow, *others = (_file(lane, tmp_path / str(number)) for number in range(5))
    waiting = [asyncio.create_task(slow.read(lambda _: go_on.wait(30))) for _ in range(3)]
    async with asyncio.timeout(15):
        assert await asyncio.gather(*(other.read(_one) for other in others)) == [1] * 4
    assert not any(task.done() for task in waiting)
    go_on.set()
    assert await asyncio.gather(*waiting) == [True] * 3
    await lane.aclose()


async def test_work_on_one_file_is_done_in_order_and_never_two_pieces_at_once(tmp_path: Path) -> None:
    lane = Lane(3, most_open=1)
    done: list[tuple[str, int]] = []
    inside: dict[str, int] = {"a": 0, "b": 0}

    def work(name: str, number: int) -> None:
        inside[name] += 1
        assert inside[name] == 1
        done.append((name, number))
        inside[name] -= 1

    files = {name: _file(lane, tmp_path / name) for name in "ab"}
    pieces = ((name, number) for number in range(200) for name in "ab")
    await asyncio.gather(*(files[name].read(lambda _, at=(name, number): work(*at)) for name, number in pieces))  # type: ignore[misc]
    for name in "ab":
        assert [number for of, number in done if of == name] == list(range(200))
    await lane.aclose()


async def test_whoever_waits_longest_gets_a_turn_beside_files_that_are_open(tmp_path: Path) -> None:
    lane = Lane(1, most_open=1)
    busy, other = _file(lane, tmp_path / "busy"), _file(lane, tmp_path / "other")
    order: list[str] = []
    go_on = threading.Event()
    first = asyncio.create_task(busy.read(lambda _: go_on.wait(30)))
    await asyncio.sleep(0)
    works = [busy.read(lambda _: order.append("busy")) for _ in range(100)]
    works.insert(1, other.read(lambda _: order.append("other")))
    tasks = [asyncio.create_task(work) for work in works]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *tasks)
    assert 0 < order.index("other") < 20
    await lane.aclose()


async def _openings_of_turns(folder: Path, files: int, most_open: int) -> list[int]:
    """How often a file is opened in each of five rounds in which all are used one after the other."""
    lane = Lane(1, most_open=most_open)
    opened = 0

    def prepare(_: sqlite3.Connection) -> None:
        nonlocal opened
        opened += 1

    connections = [
        Connection(lane, folder / str(number), lock_timeout_s=1.0, prepare=prepare) for number in range(files)
    ]
    rounds = []
    for _ in range(5):
        before = opened
        for connection in connections:
            assert await connection.read(_one) == 1
        rounds.append(opened - before)
    await lane.aclose()
    return rounds


async def test_of_more_files_than_may_be_open_that_are_used_in_turn_most_of_those_open_stay_open(
    tmp_path: Path,
) -> None:
    first, *others = await _openings_of_turns(tmp_path, files=12, most_open=8)
    assert first == 12
    assert max(others) <= 12 - 8 + 2


async def test_files_that_nobody_uses_any_more_give_way_before_those_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = Lane(1, most_open=4)
    old = [_file(lane, tmp_path / f"old{number}") for number in range(4)]
    new = [_file(lane, tmp_path / f"new{number}") for number in range(4)]
    for file in old:
        await file.read(_one)
    monkeypatch.setattr("neko.memory.threads._IDLE_S", 0.0)
    for file in new:
        await file.read(_one)
    assert [lane.has_open(file) for file in (*old, *new)] == [False] * 4 + [True] * 4
    await lane.aclose()


async def test_a_file_that_waits_is_not_opened_in_two_threads_while_others_wait_too(tmp_path: Path) -> None:
    lane = Lane(2, most_open=8)
    opened: list[str] = []
    files = {
        name: Connection(
            lane,
            tmp_path / name,
            lock_timeout_s=1.0,
            prepare=lambda _, name=name: opened.append(name),  # type: ignore[misc]
        )
        for name in "abcdefgh"
    }
    for _ in range(20):
        await asyncio.gather(*(file.read(_one) for file in files.values() for _ in range(4)))
    assert len(opened) <= 2 * len(files)
    await lane.aclose()


async def test_what_nobody_waits_for_any_more_is_not_begun(tmp_path: Path) -> None:
    lane = Lane(1, most_open=1)
    slow, other = _file(lane, tmp_path / "slow"), _file(lane, tmp_path / "other")
    go_on = threading.Event()
    first = asyncio.create_task(slow.read(lambda _: go_on.wait(30)))
    await asyncio.sleep(0)
    begun: list[int] = []
    with pytest.raises(TimeoutError):
        await other.read(lambda _: begun.append(1), timeout_s=0.0)
    go_on.set()
    await first
    assert await other.read(_one) == 1
    assert begun == []
    await lane.aclose()


async def test_a_file_that_is_closed_is_let_go_of_and_serves_nobody_any_more(tmp_path: Path) -> None:
    lane = Lane(2, most_open=4)
    file = _file(lane, tmp_path / "file")
    assert await file.read(_one) == 1
    await file.aclose()
    with pytest.raises(ConnectionClosedError):
        await file.read(_one)
    if DESCRIPTORS.exists():
        assert str(tmp_path / "file") not in {
            str(link.readlink()) for link in DESCRIPTORS.iterdir() if link.is_symlink()
        }
    await lane.aclose()


async def test_work_after_the_end_of_the_threads_is_refused(tmp_path: Path) -> None:
    threads = Threads()
    file = _file(threads.reading, tmp_path / "file")
    assert await file.read(_one) == 1
    await threads.aclose()
    with pytest.raises(ConnectionClosedError):
        async with asyncio.timeout(15):
            await file.read(_one)
