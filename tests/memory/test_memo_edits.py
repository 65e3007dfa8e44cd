"""Summaries that are forgotten, merged and pinned by hand."""

from __future__ import annotations

from datetime import timedelta

from neko.memory.service import MemoryService
from neko.types.memory import ChangeKind, Memo
from tests.memory.memory_folder import MIO, START, MemoryFolder, new_line


async def summed_up(memory: MemoryService, *stated: str) -> list[Memo]:
    """A memo of each statement and the small talk around it, the newest first."""
    at = START
    for text in stated:
        for said in (text, *(f"well, {number}" for number in range(11))):
            at += timedelta(minutes=1)
            await memory.store(MIO, new_line(said, at=at))
        await memory.compress(MIO, None)
    return await memory.memos(MIO)


async def beginning(memory: MemoryService) -> str:
    return "\n".join(entry.text for entry in await memory.recent(MIO) if entry.role == "system")


async def test_a_forgotten_summary_is_in_no_file_and_comes_back(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    (memo,) = await summed_up(memory, "I live in Reykjavik")
    await memory.rewrite_memo(MIO, memo.id, "She keeps a quokka.")
    assert await memory.memo_edits.forget(MIO, memo.id)
    await memory.rid_of_deleted(MIO)
    assert (await memory.memos(MIO), await beginning(memory)) == ([], "")
    held = [path.name for path in memory_folder.folder.rglob("*") if path.is_file() and b"quokka" in path.read_bytes()]
    assert held == []
    assert await memory.memo_edits.undo(MIO)
    assert [one.text for one in await memory.memos(MIO)] == ["She keeps a quokka."]
    assert await beginning(memory) == "She keeps a quokka."
    assert not await memory.memo_edits.undo(MIO)
    assert not await memory.memo_edits.forget(MIO, 99)


async def test_of_a_chat_whose_summary_is_forgotten_no_other_is_made_after_a_restart(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open()
    for number in range(12):
        await memory.store(MIO, new_line(f"She keeps quokka {number}.", at=START + timedelta(minutes=number)))
    await memory.change_chat(MIO, None)
    await memory.store(MIO, new_line("Good morning!", at=START + timedelta(hours=1)))
    assert await memory.compress(MIO, None)
    (memo,) = await memory.memos(MIO)
    assert await memory.memo_edits.forget(MIO, memo.id)
    await memory.aclose()
    memory = await memory_folder.open()
    assert [entry.text for entry in await memory.recent(MIO, with_left=True)] == ["Good morning!"]
    assert not await memory.compress(MIO, None)


async def test_two_summaries_become_one_with_the_sources_of_both_and_are_two_again(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open()
    newer, older = await summed_up(memory, "I live in Oslo", "I work as a baker")
    merged = await memory.memo_edits.merge(MIO, newer.id, older.id, "A baker from Oslo.")
    assert merged is not None
    assert set(merged.sources) == {*newer.sources, *older.sources}
    assert await memory.memos(MIO) == [merged]
    assert await beginning(memory) == "A baker from Oslo."
    assert await memory.memo_edits.undo(MIO)
    assert await memory.memos(MIO) == [newer, older]
    assert await beginning(memory) == newer.text
    assert await memory.memo_edits.merge(MIO, newer.id, newer.id, "itself") is None


async def test_what_is_pinned_stays_in_every_memo_until_its_lines_are_forgotten(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    (memo,) = await summed_up(memory, "I live in Oslo")
    await memory.rewrite_memo(MIO, memo.id, "Never mention the sea.")
    pinned = await memory.memo_edits.pin(MIO, memo.id, on=True)
    assert pinned is not None
    assert pinned.pinned
    assert (await beginning(memory)).count("Never mention the sea.") == 1
    newest = (await summed_up(memory, "I work as a baker"))[0]
    await memory.rewrite_memo(MIO, newest.id, "She bakes.")
    assert await beginning(memory) == "Never mention the sea.\nShe bakes."
    await memory.memo_edits.pin(MIO, memo.id, on=False)
    assert await beginning(memory) == "She bakes."
    await memory.memo_edits.pin(MIO, memo.id, on=True)
    await memory.delete(MIO, [memo.sources[0]])
    assert "sea" not in await beginning(memory)
    kinds = [change.kind for change in await memory.changes(MIO)]
    assert kinds.count(ChangeKind.SUMMARY_PINNED) == 2


async def test_only_a_few_can_be_pinned(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    memos = await summed_up(memory, *(f"I live in house {number}" for number in range(5)))
    pinned = [await memory.memo_edits.pin(MIO, memo.id, on=True) for memo in memos]
    assert [memo is not None for memo in pinned] == [True] * 4 + [False]
