"""Pictures beside the log: in files, as long as a line names them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from neko.errors import MemoryStoreError
from neko.memory.character_files import move
from neko.memory.pictures import Pictures
from neko.memory.service import MemoryService
from neko.types.lines import LineElsewhere, Remark
from tests.memory.memory_folder import MIO, MemoryFolder, new_line, say

CAT, DOG = b"\xff\xd8 a cat", b"\xff\xd8 a dog"


def files(memory_folder: MemoryFolder) -> list[bytes]:
    return sorted(path.read_bytes() for path in memory_folder.folder.glob("pictures_Mio/*"))


def is_full(path: Path, _content: bytes) -> None:
    """In place of a write."""
    raise OSError(errno.ENOSPC, "full", str(path))


async def show(memory: MemoryService, *pictures: bytes) -> int:
    """Say something with these pictures; the id of the line."""
    names = await memory.keep_pictures(MIO, pictures)
    return await say(memory, "look", images=len(pictures), pictures=names)


async def test_a_line_brings_its_pictures_back_after_a_restart(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await show(memory, CAT, DOG)
    await memory.aclose()
    memory = await memory_folder.open()
    [line] = await memory.lines(MIO)
    assert [await memory.picture(MIO, name) for name in line.pictures] == [CAT, DOG]
    folder = memory_folder.folder / "pictures_Mio"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


async def test_a_picture_goes_with_the_last_line_that_names_it(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    once, again = await show(memory, CAT), await show(memory, CAT, DOG)
    assert files(memory_folder) == [CAT, DOG]
    await memory.delete(MIO, [once])
    assert files(memory_folder) == [CAT, DOG]
    await memory.delete(MIO, [again])
    assert not (memory_folder.folder / "pictures_Mio").exists()


async def test_a_picture_goes_with_its_line_also_when_it_could_not_be_kept_beside_another(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await memory_folder.open()
    line = await show(memory, CAT)
    with monkeypatch.context() as disk:
        disk.setattr("neko.memory.pictures.write_bytes", is_full)
        with pytest.raises(MemoryStoreError):
            await memory.keep_pictures(MIO, [CAT, DOG])
    await memory.delete(MIO, [line])
    assert files(memory_folder) == []


async def test_a_picture_that_is_sent_again_while_its_line_is_deleted_stays(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    first = await show(memory, CAT)
    names = await memory.keep_pictures(MIO, [CAT])
    await memory.delete(MIO, [first])
    await say(memory, "again", images=1, pictures=names)
    assert files(memory_folder) == [CAT]


async def test_beyond_the_bound_the_oldest_give_way(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, most_bytes=3 * len(CAT))
    names: list[str] = []
    for number in range(5):
        names += await pictures.keep(MIO, [b"\xff\xd8 nr %d" % number])
        os.utime(tmp_path / "pictures_Mio" / names[-1], (number, number))
    kept = [await pictures.read(MIO, name) for name in names]
    assert kept == [None, None, b"\xff\xd8 nr 2", b"\xff\xd8 nr 3", b"\xff\xd8 nr 4"]


async def test_pictures_move_with_their_character(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await show(memory, CAT)
    await memory.close(MIO)
    move(memory_folder.folder, MIO, memory_folder.folder, "小澪")
    [line] = await memory.lines("小澪")
    assert await memory.picture("小澪", line.pictures[0]) == CAT
    assert files(memory_folder) == []


async def test_lines_that_wait_for_the_log_keep_their_pictures(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    names = await memory.keep_pictures(MIO, [CAT])
    reply = new_line(
        "a", "assistant", remark=Remark("model_reply_cut"), recalled=(1,), recalled_elsewhere=(LineElsewhere("Rin", 2),)
    )
    lines = [new_line("look", images=1, pictures=names), reply]
    await memory.keep_unkept(MIO, lines)
    assert await memory.unkept(MIO) == lines


async def test_a_name_that_was_written_into_the_log_by_hand_reaches_no_other_file(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await show(memory, CAT)
    memory_folder.sql(
        "UPDATE time_indexed_original SET message = json_set(message, '$.data.additional_kwargs.neko.pictures', "
        "json_array('../recent_Mio.json', 7))"
    )
    [line] = await memory.lines(MIO)
    assert line.pictures == ()
    assert await memory.picture(MIO, "../recent_Mio.json") is None


async def test_a_folder_that_cannot_be_written_is_told(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    (memory_folder.folder / "pictures_Mio").write_text("in the way")
    with pytest.raises(MemoryStoreError):
        await memory.keep_pictures(MIO, [CAT])


async def test_a_deletion_that_could_not_be_undone_can_be_undone_once_that_works(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await memory_folder.open()
    line = await show(memory, CAT)
    await memory.delete(MIO, [line], may_be_undone=True)
    with monkeypatch.context() as disk:
        disk.setattr("neko.memory.pictures.write_bytes", is_full)
        with pytest.raises(MemoryStoreError):
            await memory.restore(MIO)
    assert [restored.id for restored in await memory.restore(MIO)] == [line]
    assert files(memory_folder) == [CAT]
    assert await memory.restore(MIO) == []


async def test_a_deletion_that_is_undone_brings_its_pictures_back(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    names = await memory.keep_pictures(MIO, [b"\xff\xd8 a cat"])
    line_id = await say(memory, "look", images=1, pictures=names)
    await memory.delete(MIO, [line_id], may_be_undone=True)
    assert await memory.picture(MIO, names[0]) is None
    assert [line.pictures for line in await memory.restore(MIO)] == [names]
    assert await memory.picture(MIO, names[0]) == b"\xff\xd8 a cat"
    await memory.delete(MIO, [line_id])
    assert await memory.picture(MIO, names[0]) is None
