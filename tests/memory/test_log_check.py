"""Logs looked over from outside, as ``doctor`` does: sound or not, how many lines, and nothing of them changed."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from neko.errors import MemoryTooNewError
from neko.memory.log_check import LogState, look_over
from neko.memory.paths import logs_in
from tests.memory.memory_folder import MemoryFolder, say, texts
from tests.memory.test_damaged_log import LINES, PAGE, everything, filled, leaves, page_of, spoil

ENOUGH_S = 60.0


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def looked_over_elsewhere(path: Path) -> str:
    """What a process of its own finds."""
    program = (
        "import pathlib, sys\n"
        "from neko.memory.log_check import look_over\n"
        f"print(look_over(pathlib.Path(sys.argv[1]), {ENOUGH_S}))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(path), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()


async def test_the_lines_of_a_sound_log_are_counted_and_its_folder_stays_as_it_is(memory_folder: MemoryFolder) -> None:
    await filled(memory_folder)
    before = contents(memory_folder.folder)
    assert look_over(memory_folder.log, ENOUGH_S) == LogState((), LINES)
    assert contents(memory_folder.folder) == before


async def test_what_only_the_wal_holds_counts_after_a_crash(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "in the wal")
    copy = memory_folder.folder / "copy"
    copy.mkdir()
    for ending in ("", "-wal"):
        path = memory_folder.log.with_name(memory_folder.log.name + ending)
        (copy / path.name).write_bytes(path.read_bytes())
    await memory.aclose()
    before = contents(copy)
    assert look_over(copy / memory_folder.log.name, ENOUGH_S) == LogState((), 1)
    assert before.items() <= contents(copy).items()


async def test_a_log_that_is_open_elsewhere_is_counted_and_loses_nothing(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "before")
    assert await looked_over_elsewhere(memory_folder.log) == repr(LogState((), 1))
    await say(memory, "after")
    assert await looked_over_elsewhere(memory_folder.log) == repr(LogState((), 2))
    await memory.aclose()
    memory = await memory_folder.open()
    assert await texts(memory) == ["before", "after"]


async def test_a_log_that_is_opened_and_written_meanwhile_is_not_called_damaged(memory_folder: MemoryFolder) -> None:
    await filled(memory_folder)
    looking = [asyncio.ensure_future(looked_over_elsewhere(memory_folder.log)) for _ in range(4)]
    while not all(look.done() for look in looking):
        memory = await memory_folder.open()
        for number in range(5):
            await say(memory, f"word {number} " * 200)
        await memory.aclose()
    for look in looking:
        assert look.result().startswith("LogState(damage=(), ")


@pytest.mark.parametrize("what", ["leaf", "root", "index", "beginning", "cut", "no-database", "empty", "gone"])
async def test_the_lines_of_a_damaged_log_are_those_that_are_taken_over(memory_folder: MemoryFolder, what: str) -> None:
    await filled(memory_folder)
    log = memory_folder.log
    match what:
        case "leaf":
            spoil(log, leaves(memory_folder)[3])
        case "root":
            spoil(log, page_of(memory_folder, "time_indexed_original"))
        case "index":
            spoil(log, page_of(memory_folder, "neko_original_client"))
        case "beginning":
            spoil(log, 1)
        case "cut":
            os.truncate(log, log.stat().st_size // 2 // PAGE * PAGE)
        case "no-database":
            log.write_bytes(b"no database at all\n" * 100)
        case "empty" | "gone":
            with_only_its_wal(memory_folder, is_gone=what == "gone")
    before = contents(memory_folder.folder)
    assert logs_in(memory_folder.folder) == [log]
    state = look_over(log, ENOUGH_S)
    assert state.damage
    assert contents(memory_folder.folder) == before
    assert all("\n" not in finding for finding in state.damage)
    memory = await memory_folder.open()
    assert len(await everything(memory)) == state.lines
    assert len(memory_folder.reports) == (what != "index"), "nobody has come upon a bad index yet"
    assert logs_in(memory_folder.folder) == [log], "what was set aside is no log"


def with_only_its_wal(folder: MemoryFolder, *, is_gone: bool) -> None:
    """A log whose pages are all in the WAL, and whose file was emptied or is gone."""
    wal = folder.log.with_name(folder.log.name + "-wal")
    with closing(sqlite3.connect(folder.log, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("VACUUM")
        content = wal.read_bytes()
    folder.log.unlink()
    if not is_gone:
        folder.log.touch()
    wal.write_bytes(content)


async def test_time_is_up_for_a_log_that_takes_long(memory_folder: MemoryFolder) -> None:
    await filled(memory_folder)
    assert look_over(memory_folder.log, 0.0) == LogState((), None)


async def test_a_check_that_runs_is_stopped_when_its_time_is_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with closing(sqlite3.connect(log)) as connection, connection:
        for table in ("time_indexed_original", "time_indexed_compressed"):
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, message TEXT)")
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) "
            "INSERT INTO time_indexed_compressed SELECT i, 'words' FROM n"
        )
    assert look_over(log, ENOUGH_S) == LogState((), 0)
    spoil(log, 4)
    with closing(sqlite3.connect(log)) as connection:
        ((found,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
        assert "Page 4" in found, "the first page of all is looked at last"
    hurried = (look_over(log, 0.001) for _ in range(30))  # a busy machine may let the alarm sleep beyond the end
    assert LogState((), None) in hurried, "it never stops before it comes to the damage"


async def test_a_log_that_another_program_holds_alone_is_told_as_such(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("hello")
    with closing(sqlite3.connect(memory_folder.log, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as caught:
            look_over(memory_folder.log, ENOUGH_S)
    assert caught.value.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


async def test_a_log_of_a_newer_neko_is_left_alone(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("hello")
    memory_folder.sql("PRAGMA user_version = 99")
    with pytest.raises(MemoryTooNewError):
        look_over(memory_folder.log, ENOUGH_S)


async def test_an_empty_file_and_one_of_neko_s_forerunner_are_sound(tmp_path: Path) -> None:
    (tmp_path / "time_indexed_Mio").touch()
    assert look_over(tmp_path / "time_indexed_Mio", ENOUGH_S) == LogState((), 0)
    with closing(sqlite3.connect(tmp_path / "time_indexed_Rin")) as connection, connection:
        connection.execute("CREATE TABLE time_indexed_original (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)")
        connection.execute("INSERT INTO time_indexed_original VALUES (1, 's', '{}')")
    assert look_over(tmp_path / "time_indexed_Rin", ENOUGH_S) == LogState((), 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["time_indexed_Mio", "time_indexed_Rin"]
