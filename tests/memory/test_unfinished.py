"""A change of several files that was cut off in the middle is ended at the next start; a whole memory is cleared."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from neko import storage
from neko.errors import MemoryStoreError
from neko.memory import backup, deletion
from neko.memory.recent import RecentWindow
from neko.memory.service import MemoryService
from tests.memory.memory_folder import MIO, MemoryFolder, new_line, say, texts, window
from tests.memory.test_deletion import WORD, holding, quoting, tell


class CutOffError(BaseException):
    """The process ends here."""


async def _cut_off(*_: object, **__: object) -> None:
    raise CutOffError


async def _with_everything(memory: MemoryService, folder: Path) -> int:
    """A memory that has the word in each of its layers; the id of its line."""
    await tell(memory, 0, 6)
    [picture] = await memory.keep_pictures(MIO, [b"\xff\xd8 " + WORD.encode()])
    line = new_line(f"My name is {WORD} and I live in {WORD}.", images=1, pictures=(picture,))
    secret = (await memory.store(MIO, line)).line.id
    await memory.rename_chat(MIO, 0, f"about {WORD}")
    await tell(memory, 6, 18)
    await memory.compress(MIO, quoting)
    await memory.learn(MIO, None)
    await memory.keep_unkept(MIO, [new_line(f"{WORD} waits")])
    (folder / "settings_Mio.json").write_text(f'{{"Anna": {{"city": "{WORD}"}}}}', encoding="utf-8")
    (folder / "semantic_memory_Mio").mkdir()
    (folder / "semantic_memory_Mio" / "chroma").write_text(WORD, encoding="utf-8")
    (folder / "time_indexed_Mio.damaged-20260222-100000").write_text(WORD, encoding="utf-8")
    return secret


async def test_a_cleared_memory_has_nothing_left_in_any_file(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await _with_everything(memory, memory_folder.folder)
    assert await memory.back_up()
    assert len(holding(memory_folder.folder)) > 6
    assert await memory.clear(MIO) == 19
    assert await texts(memory) == await window(memory) == []
    assert await memory.facts(MIO) == await memory.memos(MIO) == await memory.unkept(MIO) == []
    assert await memory.recall(MIO, WORD) == await memory.find(MIO, WORD) == []
    assert await memory.restore(MIO) == []
    assert [change.lines for change in await memory.changes(MIO)] == [19]
    assert await memory.rid_of_deleted(MIO)
    assert holding(memory_folder.folder) == []


@pytest.mark.parametrize("place", ["trash/20260101-000000-1234abcd", "before_restore/20260101-000000/memory"])
async def test_a_cleared_memory_has_nothing_left_in_the_trash_or_from_before_a_restore(
    memory_folder: MemoryFolder, place: str
) -> None:
    memory = await memory_folder.open()
    await _with_everything(memory, memory_folder.folder)
    assert await memory.back_up()
    await memory.aclose()
    data = memory_folder.folder.parent
    shutil.copytree(memory_folder.folder, data / place)
    (data / place / "character.json").write_text('{"name": "Mio", "card": {}}', encoding="utf-8")
    (data / place / "time_indexed_Mia").write_bytes(b"another's")
    memory = await memory_folder.open()
    await memory.clear(MIO)
    assert await memory.rid_of_deleted(MIO)
    assert holding(data) == []
    assert sorted(path.name for path in (data / place).iterdir()) == [".reserve", "character.json", "time_indexed_Mia"]


@pytest.mark.parametrize("restarts", [True, False])
async def test_after_a_clearing_what_is_said_is_remembered_under_new_ids(
    memory_folder: MemoryFolder, restarts: bool
) -> None:
    memory = await memory_folder.open()
    ids = await tell(memory, 0, 14)
    await memory.compress(MIO, quoting)
    await memory.learn(MIO, None)
    await memory.clear(MIO)
    if restarts:
        await memory.aclose()
        memory = await memory_folder.open()
    fresh = await say(memory, "I live in Oslo.")
    assert fresh > max(ids)
    assert await texts(memory) == await window(memory) == ["I live in Oslo."]
    assert [one.text for one in await memory.recall(MIO, "Where do I live? Oslo?")] == ["I live in Oslo."]
    await memory.learn(MIO, None)
    assert [fact.value for fact in await memory.facts(MIO)] == ["Oslo"]


async def test_when_the_newest_lines_are_deleted_later_ones_still_reach_the_window(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    ids = await tell(memory, 0, 3)
    await window(memory)
    await memory.delete(MIO, ids)
    await memory.aclose()
    memory = await memory_folder.open()
    assert await say(memory, "again") > max(ids)
    assert await window(memory) == ["again"]


@pytest.mark.parametrize("at", ["window", "log", "backups", "pictures", "end"])
async def test_a_deletion_that_was_cut_off_is_ended_at_the_next_start(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    memory = await memory_folder.open()
    secret = await _with_everything(memory, memory_folder.folder)
    for path in memory_folder.folder.rglob("*"):
        if path.name.startswith(("settings_", "chroma", "unkept_")) or ".damaged-" in path.name:
            path.unlink()
    await memory.rename_chat(MIO, 0, "")
    opened = await memory._opened(MIO)
    assert await memory.back_up()
    with monkeypatch.context() as patch:
        match at:
            case "window":
                patch.setattr(opened.window, "forget", _cut_off)
            case "log":
                patch.setattr(opened.log, "delete", _cut_off)
            case "backups":
                patch.setattr(opened.log, "_folded_in", _cut_off)
                patch.setattr(backup, "forget", lambda _: None)
            case "pictures":
                patch.setattr(memory._pictures, "forget", _cut_off)
            case "end":
                patch.setattr(opened, "deleted", _cut_off)
        with pytest.raises(CutOffError):
            await memory.delete(MIO, [secret])
        await memory.aclose()
    memory = await memory_folder.open()
    assert len(await texts(memory)) == 18
    assert not any(WORD in text for text in await window(memory))
    assert await memory.rid_of_deleted(MIO)
    assert holding(memory_folder.folder) == []
    assert memory_folder.sql("SELECT * FROM neko_state WHERE name GLOB 'forgetting*'") == []


@pytest.mark.parametrize("at", ["window", "files", "end"])
async def test_a_clearing_that_was_cut_off_is_ended_at_the_next_start(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    memory = await memory_folder.open()
    await _with_everything(memory, memory_folder.folder)
    opened = await memory._opened(MIO)
    with monkeypatch.context() as patch:
        match at:
            case "window":
                patch.setattr(opened.window, "clear", _cut_off)
            case "files":
                patch.setattr(memory, "_clear_beside", _cut_off)
            case "end":
                patch.setattr(opened, "cleared", _cut_off)
        with pytest.raises(CutOffError):
            await memory.clear(MIO)
        await memory.aclose()
    memory = await memory_folder.open()
    assert await texts(memory) == await window(memory) == []
    assert await memory.rid_of_deleted(MIO)
    assert holding(memory_folder.folder) == []
    await say(memory, "anew")
    await memory.aclose()
    memory = await memory_folder.open()
    assert await texts(memory) == ["anew"]


@pytest.mark.parametrize("at", ["log", "window"])
async def test_a_correction_that_was_cut_off_leaves_the_line_in_its_place(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    memory = await memory_folder.open()
    ids = await tell(memory, 0, 3)
    opened = await memory._opened(MIO)
    with monkeypatch.context() as patch:
        patch.setattr(opened.window, "put_back", _cut_off)
        if at == "log":
            patch.setattr(opened.log, "correct", _cut_off)
        with pytest.raises(CutOffError):
            await memory.correct(MIO, ids[1], "other")
        await memory.aclose()
    memory = await memory_folder.open()
    expected = ["line-0", "other" if at == "window" else "line-1", "line-2"]
    assert await texts(memory) == await window(memory) == expected


async def test_an_undo_that_was_cut_off_leaves_the_line_in_log_and_window_or_in_neither(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await memory_folder.open()
    ids = await tell(memory, 0, 3)
    await memory.delete(MIO, ids[1:2], may_be_undone=True)
    with monkeypatch.context() as patch:
        patch.setattr(RecentWindow, "put_back", _cut_off)
        with pytest.raises(CutOffError):
            await memory.restore(MIO)
        await memory.aclose()
    memory = await memory_folder.open()
    assert await texts(memory) == await window(memory) == ["line-0", "line-1", "line-2"]


async def test_a_deletion_that_the_disk_refuses_is_not_done_at_the_next_start(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await memory_folder.open()
    ids = await tell(memory, 0, 3)
    await window(memory)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_bytes", full)
        with pytest.raises(MemoryStoreError):
            await memory.delete(MIO, ids[:1])
    await memory.aclose()
    memory = await memory_folder.open()
    assert await texts(memory) == ["line-0", "line-1", "line-2"]


async def test_what_a_crash_leaves_untidy_takes_the_backups_too(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked(WORD)
    memory = await memory_folder.open()
    log = (await memory._opened(MIO)).log
    [copy] = await memory.back_up()
    await log.transaction(deletion.leave_untidy)
    await memory.aclose()
    memory = await memory_folder.open()
    await window(memory)
    assert await memory.rid_of_deleted(MIO)
    assert not copy.exists()
