"""Chats in the files: old logs, other programs, and a crash in between."""

from __future__ import annotations

import json

import pytest

from neko.memory import schema
from neko.types.memory import InChats
from tests.memory.memory_folder import MIO, MemoryFolder, say, window


async def test_a_log_from_before_chats_is_the_first_chat(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("I have a cat", "How nice")
    memory_folder.sql("DROP INDEX neko_original_chat")
    memory_folder.sql("DROP TABLE neko_chats")
    memory_folder.sql("PRAGMA user_version = 1")
    memory = await memory_folder.open()
    assert [(chat.id, chat.title) for chat in (await memory.chats(MIO)).chats] == [(0, "I have a cat")]
    new = await memory.change_chat(MIO, None)
    await say(memory, "good morning")
    assert new == 1
    assert [line.text for line in await memory.lines(MIO)] == ["good morning"]


async def test_lines_of_the_first_chat_are_written_as_ever_and_others_carry_their_number(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    await memory.change_chat(MIO, None)
    await say(memory, "two")
    rows = [json.loads(row[0]) for row in memory_folder.sql(f"SELECT message FROM {schema.ORIGINAL} ORDER BY id")]
    assert [row["data"]["additional_kwargs"]["neko"].get("chat") for row in rows] == [None, 1]


async def test_the_open_chat_and_the_titles_are_there_after_a_restart(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    await memory.rename_chat(MIO, 0, "Cats")
    await memory.change_chat(MIO, None)
    await say(memory, "two")
    await memory.aclose()
    memory = await memory_folder.open()
    assert await memory.open_chat(MIO) == 1
    assert [chat.title for chat in (await memory.chats(MIO)).chats] == ["two", "Cats"]
    assert await window(memory) == ["two"]


async def test_a_new_chat_that_nothing_was_said_in_is_still_open_after_a_restart(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    await memory.change_chat(MIO, None)
    await memory.aclose()
    memory = await memory_folder.open()
    assert await memory.lines(MIO) == []
    assert await window(memory) == []


@pytest.mark.parametrize("then", [None, 0], ids=["a new chat", "an earlier chat"])
async def test_a_crash_between_the_change_and_the_window_file_leaves_no_words_of_the_other_chat_in_it(
    memory_folder: MemoryFolder, then: int | None
) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    if then == 0:
        await memory.change_chat(MIO, None)
        await say(memory, "two")
    await memory.aclose()
    before = memory_folder.recent.read_bytes()
    memory = await memory_folder.open()
    await memory.change_chat(MIO, then)
    await memory.aclose()
    memory_folder.recent.write_bytes(before)
    memory = await memory_folder.open()
    assert await window(memory) == ([] if then is None else ["one"])


async def test_what_n_e_k_o_writes_meanwhile_is_in_the_first_chat(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    await memory.change_chat(MIO, None)
    await say(memory, "two")
    row = json.dumps({"type": "human", "data": {"content": [{"type": "text", "text": "foreign"}]}})
    memory_folder.sql(
        f"INSERT INTO {schema.ORIGINAL} (session_id, message, timestamp) VALUES ('x', ?, '2026-02-23 10:00:00')", (row,)
    )
    assert [line.text for line in await memory.lines(MIO, chat=0)] == ["one", "foreign"]
    assert [line.text for line in await memory.lines(MIO)] == ["two"]
    assert len(await memory.lines(MIO, chat=InChats.ALL)) == 3


async def test_the_lines_of_a_chat_are_looked_up_in_an_index(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("hello")
    for statement, values in ((schema.BEFORE_IN_CHAT, (1, 9, 9)), (schema.AFTER_IN_CHAT, (1, 0, 9, 9))):
        plan = memory_folder.sql("EXPLAIN QUERY PLAN " + statement, values)
        assert "neko_original_chat" in plan[0][3]


async def test_a_memo_that_goes_with_a_deleted_line_brings_back_lines_of_the_open_chat_only(
    memory_folder: MemoryFolder,
) -> None:
    async def summarise(prompt: str) -> str:
        return "what was said"

    memory = await memory_folder.open()
    deleted = [await say(memory, f"first {number}") for number in range(4)]
    await memory.change_chat(MIO, None)
    for number in range(12):
        await say(memory, f"second {number}")
    assert await memory.compress(MIO, summarise)
    await memory.delete(MIO, deleted[:1])
    assert await window(memory) == [f"second {number}" for number in range(12)]
