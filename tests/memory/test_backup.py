"""Backups: one a day, whole, few, and never with a word that was forgotten; and an index that mends itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from neko.memory import backup
from neko.memory.character_files import files_of, move
from neko.memory.paths import backups_of
from neko.memory_errors import BackupFailedError
from tests.memory.memory_folder import MIO, MemoryFolder, new_line, say, texts

DAY_S = 24 * 3600


def words_of(copy: Path) -> list[str]:
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute(
            "SELECT json_extract(message, '$.data.content[0].text') FROM time_indexed_original ORDER BY id"
        )
        return [text for (text,) in rows]


def age(folder: MemoryFolder, days: float) -> None:
    """Let the backups be so old."""
    for copy in backup.copies(folder.log):
        at = copy.stat().st_mtime - days * DAY_S
        os.utime(copy, (at, at))
        copy.rename(copy.with_name(time.strftime("%Y%m%d-%H%M%S", time.localtime(at))))


async def test_a_log_that_changes_has_a_backup_of_each_day_and_the_oldest_go(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for number in range(5):
        await say(memory, f"day {number}")
        (made,) = await memory.back_up()
        assert words_of(made) == [f"day {day}" for day in range(number + 1)]
        assert await memory.back_up() == [], "once a day"
        age(memory_folder, 1)
    assert len(backup.copies(memory_folder.log)) == backup.KEPT
    await memory.close(MIO)
    assert sorted(path.name for path in files_of(memory_folder.folder, MIO)) == [
        "backups_Mio",
        "recent_Mio.json",
        "time_indexed_Mio",
    ]
    move(memory_folder.folder, MIO, memory_folder.folder, "Mia")
    assert len(backup.copies(memory_folder.folder / "time_indexed_Mia")) == backup.KEPT


async def test_a_log_that_has_not_changed_and_one_that_the_disk_has_no_room_for_are_not_copied(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10))
        assert await memory.back_up() == []
    (told,) = memory_folder.reports
    assert (type(told), told.params["why"]) == (BackupFailedError, "the disk is full")
    assert len(await memory.back_up()) == 1
    assert memory_folder.news.get_nowait() is told
    assert memory_folder.news.get_nowait() == backups_of(memory_folder.log), "it is over"
    age(memory_folder, 2)
    long_ago = time.time() - 3 * DAY_S
    for path in memory_folder.folder.glob("time_indexed_*"):
        os.utime(path, (long_ago, long_ago))
    assert await memory.back_up() == []


async def test_what_is_forgotten_stands_in_no_backup(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    secret = await say(memory, "the secret words")
    await say(memory, "the kept words")
    assert len(await memory.back_up()) == 1
    await memory.delete(MIO, [secret])
    await memory.close(MIO)
    files = [path for path in memory_folder.folder.rglob("*") if path.is_file()]
    assert [path.name for path in files if b"the secret words" in path.read_bytes()] == []


async def test_a_backup_is_made_by_itself(memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, made = asyncio.get_running_loop(), asyncio.Event()
    keep = backup.keep

    def told(log: Path) -> Path:
        copy = keep(log)
        loop.call_soon_threadsafe(made.set)
        return copy

    monkeypatch.setattr(backup, "keep", told)
    await memory_folder.talked("one")
    memory = await memory_folder.open(backup_check_s=0.01)
    await memory.lines(MIO)
    await asyncio.wait_for(made.wait(), 30)
    assert words_of(backup.copies(memory_folder.log)[0]) == ["one"]


async def test_a_damaged_index_is_made_anew_and_no_file_is_set_aside(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked(*(f"my cat number {number} is called Biscuit" for number in range(50)))
    memory_folder.sql("DELETE FROM neko_index_data WHERE id >= 10")
    memory = await memory_folder.open()
    found = await memory.recall(MIO, "what is my cat called?")
    assert "Biscuit" in found[0].text
    assert (await memory.store(MIO, new_line("and on"))).line.id == 51
    assert len(await texts(memory)) == 50
    assert memory_folder.reports == []
    await memory.close(MIO)
    assert memory_folder.sql("INSERT INTO neko_index (neko_index) VALUES ('integrity-check')") == []
