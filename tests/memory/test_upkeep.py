"""A log that is damaged while it is in use: noticed, mended with what its backups hold, and never copied over them."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from neko import set_aside
from neko.errors import DamagedLogError, DiskFullError
from neko.memory import backup
from neko.memory.paths import backups_of
from neko.memory.service import MemoryService
from neko.memory_errors import BackupFailedError, LinesPutBackError
from neko.storage import write_json
from tests.memory.memory_folder import MIO, MemoryFolder, new_line, say, texts
from tests.memory.test_backup import age, words_of
from tests.memory.test_damaged_log import LINES, everything, filled, leaves, spoil

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n WHERE i < 0"


async def backed_up(folder: MemoryFolder, check_s: float = 600.0) -> MemoryService:
    """A log of ``LINES`` lines that is open, all in the file itself, and has a backup of a day ago. ``check_s``: until
    it is looked after, and checked."""
    await filled(folder)
    memory = await folder.open(backup_check_s=check_s, check_pause_s=check_s)
    await memory.lines(MIO)
    assert len(await memory.back_up()) == 1
    age(folder, 1)
    return memory


async def test_damage_is_found_while_she_runs_and_the_backup_gives_what_is_lost(memory_folder: MemoryFolder) -> None:
    memory = await backed_up(memory_folder, check_s=0.01)
    said = await everything(memory)
    said.append((await memory.store(MIO, new_line("after the backup"))).line)
    spoil(memory_folder.log, leaves(memory_folder)[3])
    async with asyncio.timeout(30):
        while not isinstance(report := await memory_folder.news.get(), DamagedLogError):
            pass
    assert await everything(memory) == said
    saved, restored = report.params["saved"], report.params["restored"]
    assert (saved, restored) == (LINES + 1 - int(restored), restored)
    assert 0 < int(restored) < LINES // 2
    assert report.sentence == "damaged_log_restored"
    assert Path(str(report.params["kept"])).is_file()
    assert await say(memory, "and on") == LINES + 2
    assert memory_folder.sql("PRAGMA integrity_check") == [("ok",)]


async def test_no_backup_is_made_of_a_damaged_log_and_the_good_one_stays(memory_folder: MemoryFolder) -> None:
    memory = await backed_up(memory_folder)
    (good,) = backup.copies(memory_folder.log)
    spoil(memory_folder.log, leaves(memory_folder)[3])
    assert await memory.back_up() == []
    assert len(memory_folder.reports) == 1
    assert backup.copies(memory_folder.log) == [good]
    (new,) = await memory.back_up()
    assert backup.copies(memory_folder.log) == [good, new]
    assert len(words_of(good)) == len(words_of(new)) == LINES


async def test_a_copy_that_is_not_sound_takes_no_backups_place(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await backed_up(memory_folder)
    before = backup.copies(memory_folder.log)
    make = backup.make

    def spoilt(connection: sqlite3.Connection, log: Path) -> int:
        lines = make(connection, log)
        spoil(backup.unfinished(log), 12)
        return lines

    def short(connection: sqlite3.Connection, log: Path) -> int:
        return make(connection, log) + 1

    for bad in (spoilt, short):
        monkeypatch.setattr(backup, "make", bad)
        assert await memory.back_up() == []
        assert isinstance(memory_folder.reports[-1], BackupFailedError)
        assert backup.copies(memory_folder.log) == before
        assert not backup.unfinished(memory_folder.log).exists()


@pytest.mark.parametrize("newest_is", ["damaged", "no database"])
async def test_of_several_backups_a_bad_one_gives_what_it_can_and_the_next_the_rest(
    memory_folder: MemoryFolder, newest_is: str
) -> None:
    memory = await backed_up(memory_folder)
    said = await everything(memory)
    await say(memory, "one more")
    (newest,) = await memory.back_up()
    await memory.aclose()
    memory_folder.recent.unlink()
    if newest_is == "damaged":
        spoil(newest, 20)
    else:
        newest.write_bytes(b"nothing")
    memory_folder.log.write_bytes(b"nothing either")
    memory = await memory_folder.open()
    assert (await everything(memory))[:LINES] == said
    assert len(await everything(memory)) == LINES + (newest_is == "damaged")


async def test_the_last_lines_which_no_backup_has_come_back_from_the_recent_window(memory_folder: MemoryFolder) -> None:
    memory = await backed_up(memory_folder)
    for number, text in enumerate(("after the backup", "so it was", "indeed")):
        await say(memory, text, "assistant" if number % 2 else "user")
    said = [(line.id, line.role, line.speaker, line.text, line.at) for line in await everything(memory)]
    await memory.aclose()
    memory_folder.log.write_bytes(b"nothing")
    memory = await memory_folder.open()
    assert [(line.id, line.role, line.speaker, line.text, line.at) for line in await everything(memory)] == said
    assert memory_folder.reports[0].params["restored"] == LINES + 3


async def test_last_lines_that_the_wal_has_lost_are_put_back_from_the_window_and_told(
    memory_folder: MemoryFolder,
) -> None:
    await memory_folder.talked("one", "two", "three", "four")
    memory_folder.sql("DELETE FROM time_indexed_original WHERE id > 2")
    memory = await memory_folder.open()
    assert [(line.id, line.role, line.text) for line in await everything(memory)] == [
        (1, "user", "one"),
        (2, "assistant", "two"),
        (3, "user", "three"),
        (4, "assistant", "four"),
    ]
    (told,) = memory_folder.reports
    assert (type(told), told.params["lines"]) == (LinesPutBackError, 2)
    assert await say(memory, "five") == 5
    await memory.aclose()
    memory_folder.reports.clear()
    assert await texts(await memory_folder.open()) == ["one", "two", "three", "four", "five"]
    assert memory_folder.reports == []


async def test_a_reply_that_was_replaced_after_the_backup_stays_replaced(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    first = await say(memory, "first answer", "assistant")
    assert len(await memory.back_up()) == 1
    second = await say(memory, "second answer", "assistant", replaces=first)
    await memory.aclose()
    with closing(sqlite3.connect(memory_folder.log, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema=ON")  # as if the row could not be read
        connection.execute("DELETE FROM time_indexed_original WHERE id = ?", (first,))
    spoil(memory_folder.log, 1)
    memory = await memory_folder.open()
    assert await texts(memory) == ["second answer"]
    assert [line.text for line in await memory.versions(MIO, second)] == ["first answer", "second answer"]


async def test_an_earlier_version_that_was_chosen_after_the_backup_does_not_come_back_beside_itself(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open()
    first = await say(memory, "first answer", "assistant")
    assert len(await memory.back_up()) == 1
    await say(memory, "second answer", "assistant", replaces=first)
    await memory.choose_version(MIO, first)
    await memory.aclose()
    spoil(memory_folder.log, 1)
    memory = await memory_folder.open()
    assert await texts(memory) == ["first answer"]
    assert memory_folder.reports[0].params["restored"] == 0


async def test_what_was_left_open_is_checked_at_the_next_start(memory_folder: MemoryFolder) -> None:
    memory = await backed_up(memory_folder)
    said = await everything(memory)
    await say(memory, "in the WAL")
    files = {path: path.read_bytes() for path in memory_folder.folder.glob("time_indexed_*") if path.is_file()}
    await memory.aclose()
    for path, content in files.items():
        path.write_bytes(content)
    spoil(memory_folder.log, leaves(memory_folder)[3])
    memory = await memory_folder.open()
    assert await texts(memory)
    async with asyncio.timeout(30):
        while not isinstance(await memory_folder.news.get(), DamagedLogError):
            pass
    assert (await everything(memory))[:LINES] == said


async def test_damage_that_is_met_when_deleted_words_are_cleaned_up_is_mended_at_once(
    memory_folder: MemoryFolder,
) -> None:
    memory = await backed_up(memory_folder)
    writer = (await memory._opened(MIO)).log.file._writer
    await writer.read(lambda connection: connection.execute("PRAGMA shrink_memory").fetchall())
    spoil(memory_folder.log, leaves(memory_folder)[3])
    await memory.delete(MIO, [LINES])
    assert [type(report) for report in memory_folder.reports] == [DamagedLogError]
    assert memory_folder.sql("PRAGMA integrity_check") == [("ok",)]
    assert LINES not in [line.id for line in await everything(memory)]


async def test_a_check_stops_when_the_log_is_closed(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await backed_up(memory_folder)
    file = (await memory._opened(MIO)).log.file
    loop, begun = asyncio.get_running_loop(), asyncio.Event()

    def endless(connection: sqlite3.Connection) -> list[str]:
        loop.call_soon_threadsafe(begun.set)
        connection.set_progress_handler(None, 0)  # as SQLite before 3.41, which calls none while it checks
        return [str(row) for row in connection.execute(ENDLESS)]

    monkeypatch.setattr("neko.memory.connection.findings", endless)
    checking = asyncio.create_task(file.check())
    await asyncio.wait_for(begun.wait(), 30)
    async with asyncio.timeout(10):
        await memory.aclose()
        await asyncio.wait([checking])
    assert checking.exception() is not None


async def test_backups_of_a_clock_that_went_ahead_do_not_keep_new_ones_away(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    for number in range(backup.KEPT):
        await say(memory, f"day {number}")
        await memory.back_up()
        age(memory_folder, 1)
    age(memory_folder, -2000)
    await say(memory, "the clock is right again")
    (made,) = await memory.back_up()
    kept = backup.copies(memory_folder.log)
    assert kept[-1] == made
    assert len(kept) == backup.KEPT
    assert words_of(made)[-1] == "the clock is right again"
    assert max(copy.stat().st_mtime for copy in kept) <= time.time()
    assert await memory.back_up() == [], "once a day"


async def test_a_copy_that_is_being_made_is_given_up_for_words_that_are_forgotten(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await memory_folder.open()
    secret = await say(memory, "the secret words")
    await say(memory, "the others")
    begun, make = threading.Event(), backup.make

    def slow(connection: sqlite3.Connection, log: Path) -> int:
        lines = make(connection, log)
        begun.set()
        connection.execute(ENDLESS).fetchall()
        return lines

    with monkeypatch.context() as patch:
        patch.setattr(backup, "make", slow)
        backing_up = asyncio.create_task(memory.back_up())
        await asyncio.to_thread(begun.wait, 30)
        async with asyncio.timeout(10):
            assert await memory.delete(MIO, [secret]) == [secret]
            assert await backing_up == []
    assert memory_folder.reports == []
    (made,) = await memory.back_up()
    assert words_of(made) == ["the others"]


async def test_a_backup_is_on_the_disk_before_it_counts(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await memory_folder.open()
    await say(memory, "hello")
    synced, sync = [], os.fsync

    def noted(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, backup.copies(memory_folder.log)))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    (made,) = await memory.back_up()
    assert (made.stat().st_ino, []) in synced


async def test_a_copy_that_was_given_up_before_its_next_statement_is_no_failure(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await memory_folder.open()
    await say(memory, "hello")
    file = (await memory._opened(MIO)).log.file
    begun, go_on = threading.Event(), threading.Event()

    def between_two(connection: sqlite3.Connection, log: Path) -> int:
        begun.set()
        go_on.wait(30)
        return make(connection, log)

    make = backup.make
    monkeypatch.setattr(backup, "make", between_two)
    backing_up = asyncio.create_task(memory.back_up())
    await asyncio.to_thread(begun.wait, 30)
    giving_up = asyncio.create_task(file.give_up_copy())
    await asyncio.sleep(0)
    go_on.set()
    await giving_up
    assert await backing_up == []
    assert memory_folder.reports == []


async def test_backups_that_a_power_cut_kept_from_going_go_the_next_time(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "hello")
    assert len(await memory.back_up()) == 1
    age(memory_folder, 1)
    (made,) = backup.copies(memory_folder.log)
    for number in range(backup.KEPT + 1):
        shutil.copy2(made, made.with_name(f"2026010{number}-120000"))
    backup.unfinished(memory_folder.log).write_bytes(b"cut short")
    (new,) = await memory.back_up()
    assert len(kept := backup.copies(memory_folder.log)) == backup.KEPT
    assert kept[-1] == new
    assert sorted(backups_of(memory_folder.log).iterdir()) == kept


async def test_words_that_wait_at_the_end_get_the_room_that_a_full_disk_has_reserved(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await memory_folder.open()
    reserved = memory_folder.folder / ".reserve"

    def full(path: Path, value: object) -> None:
        if reserved.exists():
            raise DiskFullError("full", file=str(path))
        write_json(path, value)

    monkeypatch.setattr("neko.memory.unkept_file.write_json", full)
    assert reserved.stat().st_size > 100_000
    await memory.keep_unkept(MIO, [new_line("the last words")])
    await memory.aclose()
    memory = await memory_folder.open()
    assert [line.text for line in await memory.unkept(MIO)] == ["the last words"]
    await memory.keep_unkept(MIO, [])
    assert await memory.unkept(MIO) == []
    assert reserved.stat().st_size > 100_000


async def test_a_name_that_ends_like_a_document_is_told_whole(memory_folder: MemoryFolder) -> None:
    aside = memory_folder.folder / "time_indexed_x.json.damaged-20260101-120000"
    aside.write_bytes(b"spoilt")
    assert set_aside.character_of(aside) == "x.json"
    assert isinstance(set_aside.report_of(aside), DamagedLogError)
