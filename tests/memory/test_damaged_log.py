"""Logs that are damaged, or not where they were: what can be read is taken over, nothing is written into nowhere."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from neko import set_aside
from neko.errors import DamagedLogError, DataFolderInUseError, LogMovedError, LogReplacedError, MemoryStoreError
from neko.memory import damaged_log
from neko.memory.service import MemoryService
from neko.types.lines import Line
from tests.memory.memory_folder import MIO, MemoryFolder, new_line, say, texts

PAGE = 4096
LINES = 400
"""Some 50 pages of lines."""


async def filled(folder: MemoryFolder) -> list[Line]:
    """A log of several levels of pages, all in the file itself, and no recent window; its lines."""
    memory = await folder.open()
    said = [
        (await memory.store(MIO, new_line(f"line {number} " + "x" * 150, client_id=f"c{number}"))).line
        for number in range(LINES)
    ]
    await memory.aclose()
    folder.recent.unlink()
    assert folder.log.stat().st_size > 20 * PAGE
    return said


def page_of(folder: MemoryFolder, statement: str) -> int:
    """The root page of a table or index."""
    ((page,),) = folder.sql(f"SELECT rootpage FROM sqlite_master WHERE name = '{statement}'")
    return int(page)


def spoil(path: Path, page: int, content: bytes = b"\xff" * PAGE) -> None:
    """Overwrite a page, counted from 1."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(content)


async def everything(memory: MemoryService) -> list[Line]:
    return await memory.lines(MIO, limit=10 * LINES)


def leaves(folder: MemoryFolder) -> list[int]:
    """Pages whose loss leaves most of the lines readable: leaves of the table with lines."""
    pages = folder.log.read_bytes()
    return [
        at // PAGE + 1
        for at in range(PAGE, len(pages), PAGE)
        if pages[at] == 0x0D
        and b"additional_kwargs" in pages[at : at + PAGE]
        and b"CREATE" not in pages[at : at + PAGE]
    ]


@pytest.mark.parametrize("seed", range(8))
async def test_all_but_the_lines_of_bad_pages_is_saved(memory_folder: MemoryFolder, seed: int) -> None:
    said = await filled(memory_folder)
    random = Random(seed)
    bad = random.sample(leaves(memory_folder), 1 + seed % 4)
    if seed == 7:
        bad = [leaves(memory_folder)[-1], leaves(memory_folder)[0]]
    lost = set()
    for page in bad:
        content = memory_folder.log.read_bytes()[(page - 1) * PAGE : page * PAGE]
        lost |= {line.id for line in said if f"line {line.id - 1} x".encode() in content}
        noise = random.randbytes(PAGE) if seed % 2 else b"\xff" * PAGE
        spoil(memory_folder.log, page, b"\0" + noise[1:])
    assert 0 < len(lost) < LINES // 2
    memory = await memory_folder.open()
    expected = [line for line in said if line.id not in lost]
    assert await everything(memory) == expected
    assert await say(memory, "and on") == LINES + 1
    assert [line.id for line in await everything(memory)] == [*(line.id for line in expected), LINES + 1]
    (report,) = memory_folder.reports
    assert isinstance(report, DamagedLogError)
    assert Path(str(report.params["kept"])).stat().st_size > 20 * PAGE


@pytest.mark.parametrize("name", ["neko_original_timestamp", "neko_original_session", "neko_original_client"])
async def test_a_bad_page_of_an_index_costs_no_line(memory_folder: MemoryFolder, name: str) -> None:
    said = await filled(memory_folder)
    spoil(memory_folder.log, page_of(memory_folder, name))
    memory = await memory_folder.open()
    stored = await memory.store(MIO, new_line("and on", client_id="new"))
    assert [line.text for line in await everything(memory)] == [*(line.text for line in said), "and on"]
    assert stored.line.id == LINES + 1


@pytest.mark.parametrize("content", [b"\0" * 16, b"garbage " * 64, b"\xff" * PAGE], ids=["magic", "512 bytes", "page"])
async def test_a_spoilt_beginning_costs_no_line(memory_folder: MemoryFolder, content: bytes) -> None:
    said = await filled(memory_folder)
    spoil(memory_folder.log, 1, content)
    memory = await memory_folder.open()
    assert await everything(memory) == said
    assert isinstance(memory_folder.reports[0], DamagedLogError)


@pytest.mark.parametrize("dismissed", [False, True])
async def test_what_is_forgotten_goes_from_the_damaged_files_that_were_set_aside_too(
    memory_folder: MemoryFolder, dismissed: bool
) -> None:
    await memory_folder.talked("the vault is in Lisbon", "and it rains")
    spoil(memory_folder.log, 1, b"garbage " * 64)
    (memory_folder.folder / "recent_Mio.json").write_text("[the vault is in Lisbon", encoding="utf-8")
    memory = await memory_folder.open()
    await memory.recent(MIO)
    asides = [path for path in memory_folder.folder.iterdir() if ".damaged-" in path.name]
    assert [path.name[:8] for path in asides if b"Lisbon" in path.read_bytes()]
    for aside in asides if dismissed else ():
        set_aside.dismiss(aside)
    foreign = memory_folder.folder / "time_indexed_Mio.damaged-by-me"
    foreign.write_bytes(b"no stamp of ours")
    first = (await everything(memory))[0]
    await memory.delete(MIO, [first.id])
    await memory.aclose()
    assert [path.name for path in memory_folder.folder.iterdir() if ".damaged-" in path.name] == [foreign.name]
    assert not [path for path in memory_folder.folder.rglob("*") if path.is_file() and b"Lisbon" in path.read_bytes()]


async def test_what_is_forgotten_goes_from_what_was_there_before_a_restore_too(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("the vault is in Lisbon", "and it rains")
    folder = memory_folder.folder
    before = folder.parent / "before_restore" / "20260101-000000" / folder.name
    shutil.copytree(folder, before)
    other = before / "time_indexed_Ada"
    other.write_bytes(b"hers")
    memory = await memory_folder.open()
    await memory.delete(MIO, [(await everything(memory))[0].id])
    await memory.aclose()
    assert other.read_bytes() == b"hers"
    kept = [path for path in folder.parent.rglob("*") if path.is_file() and b"Lisbon" in path.read_bytes()]
    assert kept == []


async def test_a_stop_between_two_renames_does_not_write_the_old_wal_into_the_new_log(
    memory_folder: MemoryFolder,
) -> None:
    said = await filled(memory_folder)
    log, kept = memory_folder.log, memory_folder.log.with_name(memory_folder.log.name + ".damaged-20260101-000000")
    with closing(sqlite3.connect(log, isolation_level=None)) as connection:
        connection.execute("UPDATE time_indexed_original SET message = 'old'")
        wal = log.with_name(log.name + "-wal").read_bytes()
        new = log.with_name(f".{log.name}.new")
        connection.execute("DELETE FROM time_indexed_original WHERE id > 10")
        connection.execute("VACUUM INTO ?", (str(new),))
    log.rename(kept)
    log.with_name(log.name + "-wal").write_bytes(wal)
    memory = await memory_folder.open()
    assert [line.id for line in await everything(memory)] == [line.id for line in said[:10]]
    assert kept.with_name(kept.name + "-wal").read_bytes() == wal
    assert memory_folder.sql("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("lost", ["emptied", "gone"])
async def test_lines_that_only_the_wal_holds_outlive_the_file_itself(memory_folder: MemoryFolder, lost: str) -> None:
    await memory_folder.talked("one", "two")
    wal = memory_folder.log.with_name(memory_folder.log.name + "-wal")
    with closing(sqlite3.connect(memory_folder.log, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        content = wal.read_bytes()
    memory_folder.log.unlink()
    if lost == "emptied":
        memory_folder.log.touch()
    wal.write_bytes(content)
    memory = await memory_folder.open()
    assert await texts(memory) == ["one", "two"]
    (report,) = memory_folder.reports
    kept = Path(str(report.params["kept"]))
    assert kept.with_name(kept.name + "-wal").read_bytes() == content


async def test_a_damaged_log_from_before_lines_had_times_keeps_its_lines(memory_folder: MemoryFolder) -> None:
    with closing(sqlite3.connect(memory_folder.log)) as connection, connection:
        connection.execute("CREATE TABLE time_indexed_original (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)")
        rows = [(f"line {number} " + "x" * 150,) for number in range(LINES)]
        connection.executemany("INSERT INTO time_indexed_original (message) VALUES (?)", rows)
    spoil(memory_folder.log, memory_folder.log.stat().st_size // PAGE)
    memory = await memory_folder.open()
    saved = await everything(memory)
    assert LINES // 2 < len(saved) < LINES
    assert [line.text for line in saved] == [text for (text,) in rows[: len(saved)]]


async def test_the_journal_of_a_damaged_log_is_not_played_into_the_new_one(memory_folder: MemoryFolder) -> None:
    await filled(memory_folder)
    journal = memory_folder.log.with_name(memory_folder.log.name + "-journal")
    memory_folder.sql("PRAGMA journal_mode=DELETE")
    with closing(sqlite3.connect(memory_folder.log, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size=1")
        connection.execute("BEGIN")
        connection.execute("UPDATE time_indexed_original SET session_id = 'cut short'")
        hot = journal.read_bytes()
        cut = memory_folder.log.read_bytes()
        connection.execute("ROLLBACK")
    memory_folder.log.write_bytes(b"spoilt" + cut[6:])
    journal.write_bytes(hot)
    memory = await memory_folder.open()
    saved = await everything(memory)
    assert len(saved) == LINES
    assert {line.session_id for line in saved} == {"s1"}, "what had not been committed was taken back"
    kept = Path(str(memory_folder.reports[0].params["kept"]))
    assert kept.with_name(kept.name + "-journal").read_bytes() == hot
    assert memory_folder.sql("PRAGMA integrity_check") == [("ok",)]


async def test_a_file_that_was_cut_keeps_the_lines_before_the_cut(memory_folder: MemoryFolder) -> None:
    said = await filled(memory_folder)
    os.truncate(memory_folder.log, memory_folder.log.stat().st_size // 2 // PAGE * PAGE)
    memory = await memory_folder.open()
    await say(memory, "and on")
    saved = (await everything(memory))[:-1]
    assert len(saved) > LINES // 4
    assert all(line in said for line in saved)


async def test_damage_that_a_reader_meets_counts_as_damage(memory_folder: MemoryFolder) -> None:
    said = await filled(memory_folder)
    spoil(memory_folder.log, leaves(memory_folder)[3])
    memory = await memory_folder.open()
    assert (await memory.lines(MIO, limit=1))[0] == said[-1]
    saved = await everything(memory)
    assert LINES // 2 < len(saved) < LINES
    assert all(line in said for line in saved)
    assert await memory.recall(MIO, "nothing of that") == []


async def test_a_search_that_meets_damage_looks_through_all_that_was_saved(memory_folder: MemoryFolder) -> None:
    await filled(memory_folder)
    spoil(memory_folder.log, page_of(memory_folder, "neko_words"))
    memory = await memory_folder.open()
    found = await memory.recall(MIO, "line 7", timeout_s=20.0, is_search=True)
    assert memory_folder.reports
    assert any("line 7 " in one.text for one in found)


async def test_the_damaged_file_is_kept_as_it_was_with_what_its_wal_held(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "in the file")
    await memory.aclose()
    memory = await memory_folder.open()
    await say(memory, "in the wal")
    copy = memory_folder.folder / "copy"
    copy.mkdir()
    for path in memory_folder.folder.glob("time_indexed_*"):
        shutil.copyfile(path, copy / path.name)
    await memory.aclose()
    for path in memory_folder.folder.glob("time_indexed_*"):
        path.unlink()
    for path in copy.iterdir():
        path.rename(memory_folder.folder / path.name)
    spoil(memory_folder.log, 1, b"spoilt")
    before = memory_folder.log.read_bytes()
    memory = await memory_folder.open()
    assert await texts(memory) == ["in the file", "in the wal"]
    kept = Path(str(memory_folder.reports[0].params["kept"]))
    assert kept.read_bytes() == before
    assert kept.with_name(kept.name + "-wal").stat().st_size > 0


async def test_a_disk_that_has_no_room_for_what_can_be_saved_leaves_the_damaged_file_for_later(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await filled(memory_folder)
    spoil(memory_folder.log, 1)
    memory = await memory_folder.open()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(MemoryStoreError) as caught:
            await everything(memory)
    assert caught.value.params["reason"] == "full"
    assert await everything(memory) == said


async def test_a_crash_before_the_saved_lines_take_their_place_loses_none(memory_folder: MemoryFolder) -> None:
    said = await filled(memory_folder)
    spoil(memory_folder.log, 1)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(damaged_log, "sync_folder", crash)
        patch.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            damaged_log.replace_damaged(memory_folder.log, "spoilt")
    assert not memory_folder.log.exists()
    memory = await memory_folder.open()
    assert await everything(memory) == said


# ── a log that is not where it was ───────────────────────────────────────────


async def _deleted(folder: MemoryFolder) -> None:
    for path in folder.folder.glob("time_indexed_*"):
        path.unlink()


async def _only_the_file_deleted(folder: MemoryFolder) -> None:
    folder.log.unlink()


async def _folder_deleted(folder: MemoryFolder) -> None:
    shutil.rmtree(folder.folder)


async def _moved(folder: MemoryFolder) -> None:
    folder.log.rename(folder.folder / "elsewhere")


async def _folder_moved(folder: MemoryFolder) -> None:
    folder.folder.rename(folder.folder.with_name("elsewhere"))


GONE = {
    "deleted": _deleted,
    "file": _only_the_file_deleted,
    "folder": _folder_deleted,
    "moved": _moved,
    "folder-moved": _folder_moved,
}


@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
async def test_no_line_is_acknowledged_into_a_file_that_has_gone(memory_folder: MemoryFolder, gone: object) -> None:
    memory = await memory_folder.open(write_delay_s=60.0)
    await say(memory, "before")
    await gone(memory_folder)  # type: ignore[operator]
    await say(memory, "while it was gone")
    words = memory_folder.sql("SELECT json_extract(message, '$.data.content[0].text') FROM time_indexed_original")
    assert words == [("before",), ("while it was gone",)]
    await asyncio.gather(*(say(memory, f"after {number}") for number in range(5)))
    (report,) = memory_folder.reports
    assert isinstance(report, LogMovedError)
    await memory.aclose()
    again = await memory_folder.open()
    assert await texts(again) == ["before", "while it was gone", *(f"after {number}" for number in range(5))]


async def test_a_file_that_is_put_in_the_place_of_the_log_is_set_aside(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "old")
    await memory.aclose()
    other = memory_folder.folder / "from a sync tool"
    shutil.copyfile(memory_folder.log, other)
    memory = await memory_folder.open()
    await say(memory, "one")
    other.replace(memory_folder.log)
    await say(memory, "two")
    assert await texts(memory) == ["old", "one", "two"]
    (report,) = memory_folder.reports
    assert isinstance(report, LogReplacedError)
    await memory.aclose()
    assert await texts(await memory_folder.open()) == ["old", "one", "two"]
    with closing(sqlite3.connect(str(report.params["kept"]))) as kept:
        assert kept.execute("SELECT count(*) FROM time_indexed_original").fetchone() == (1,)


async def test_a_folder_that_another_neko_has_taken_is_left_alone(memory_folder: MemoryFolder) -> None:
    def taken() -> None:
        raise DataFolderInUseError("taken", file="folder")

    memory = await memory_folder.open(claim=taken)
    await say(memory, "ours")
    await _deleted(memory_folder)
    memory_folder.log.write_bytes(b"theirs")
    with pytest.raises(MemoryStoreError) as caught:
        await say(memory, "again")
    assert caught.value.params["reason"] == "taken"
    assert memory_folder.log.read_bytes() == b"theirs"
