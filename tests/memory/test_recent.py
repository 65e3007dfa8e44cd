"""The recent file: its form, hand edits, and how it keeps up with the log."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest

from neko.errors import UnwritableFileError
from neko.memory.line_codec import cut_prefix, time_prefix, turn_message
from neko.memory.service import MemoryService
from neko.types.memory import RecentEntry
from tests.memory.memory_folder import MIO, START, MemoryFolder, new_line, say, texts, window


def _write(memory_folder: MemoryFolder, value: Any) -> None:
    memory_folder.recent.write_text(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), encoding="utf-8"
    )


def _human(text: Any) -> dict[str, Any]:
    return {"type": "human", "data": {"content": text, "type": "human", "example": False}}


async def test_the_file_has_the_form_of_the_contract(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("hello 猫", "hi")
    raw = memory_folder.recent.read_text(encoding="utf-8")
    assert "猫" in raw
    assert raw.startswith('[\n  {\n    "type": "human"')
    user, reply = memory_folder.entries()
    assert user["data"]["content"] == [{"type": "text", "text": "hello 猫"}]
    assert reply["data"]["content"] == [{"type": "text", "text": "[20260222 Sun 10:00] hi"}]
    assert list(reply["data"]) == [
        "content", "additional_kwargs", "response_metadata", "type", "name", "id",
        "tool_calls", "invalid_tool_calls", "usage_metadata",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "prefix"),
    [
        (["I went home early"], "Previous conversation memo: "),
        (["我们今天说了很多话"], "先前对话的备忘录: "),
        (["我們今天說了很多話"], "先前對話的備忘錄: "),
        (["今日はたくさん話しました"], "前回の会話のメモ: "),
    ],
)
async def test_the_memo_stands_first_with_the_prefix_of_its_language(
    memory_folder: MemoryFolder, texts: list[str], prefix: str
) -> None:
    async def summarise(prompt: str) -> str:
        return "memo"

    memory = await memory_folder.open()
    for number in range(12):
        await say(memory, f"{texts[0]} {number}")
    assert await memory.compress(MIO, summarise)
    assert memory_folder.entries()[0]["type"] == "system"
    assert memory_folder.entries()[0]["data"]["content"] == prefix + "memo"
    assert [entry["type"] for entry in memory_folder.entries()[1:]] == ["human"] * 9
    assert (await memory.recent(MIO))[0] == RecentEntry("system", "memo")


async def test_both_forms_of_content_are_read(memory_folder: MemoryFolder) -> None:
    memo = {"type": "system", "data": {"content": "先前对话的备忘录: 很久以前", "type": "system"}}
    reply = {"type": "ai", "data": {"content": "[20250101 Wed 09:30] hello", "type": "ai"}}
    _write(
        memory_folder,
        [memo, _human("plain"), _human([{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]), reply],
    )
    memory = await memory_folder.open()
    assert await memory.recent(MIO) == [
        RecentEntry("system", "很久以前"),
        RecentEntry("user", "plain"),
        RecentEntry("user", "in parts"),
        RecentEntry("assistant", "hello"),
    ]


async def test_unknown_keys_and_entries_are_kept(memory_folder: MemoryFolder) -> None:
    strange = [_human("plain") | {"mood": "sunny"}, {"type": "human"}, "a stray string"]
    strange[0]["data"]["additional_kwargs"] = {"other": 1}  # type: ignore[index]
    _write(memory_folder, strange)
    memory = await memory_folder.open()
    await say(memory, "new")
    assert await window(memory) == ["plain", "new"]
    await memory.aclose()
    kept = memory_folder.entries()
    assert kept[0]["data"]["additional_kwargs"].pop("neko")["id"] == 1
    assert kept[:3] == strange


async def test_a_hand_edit_is_seen_at_once_and_kept(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "my cat is called Biskuit")
    await memory.aclose()
    memory = await memory_folder.open()
    assert await window(memory) == ["my cat is called Biskuit"]
    _write(memory_folder, [_human("my cat is called Biscuit")])
    assert await window(memory) == ["my cat is called Biscuit"]
    await say(memory, "and she is three")
    assert await window(memory) == ["my cat is called Biscuit", "and she is three"]
    await memory.aclose()
    assert memory_folder.entries()[0]["data"]["content"] == "my cat is called Biscuit"


async def test_an_edit_of_the_same_size_and_second_is_seen(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("cat A")
    memory = await memory_folder.open()
    assert await window(memory) == ["cat A"]
    times = memory_folder.recent.stat()
    fresh = memory_folder.recent.with_suffix(".new")
    fresh.write_text(memory_folder.recent.read_text(encoding="utf-8").replace("cat A", "cat B"), encoding="utf-8")
    os.utime(fresh, ns=(times.st_atime_ns, times.st_mtime_ns))
    fresh.replace(memory_folder.recent)
    assert await window(memory) == ["cat B"]


@pytest.mark.parametrize("while_running", [True, False])
async def test_a_window_that_was_cleared_by_hand_stays_clear(memory_folder: MemoryFolder, while_running: bool) -> None:
    await memory_folder.talked("one", "two")
    if while_running:
        memory = await memory_folder.open()
        assert len(await window(memory)) == 2
        _write(memory_folder, [])
        assert await window(memory) == []
        await memory.aclose()
    else:
        _write(memory_folder, [])
    memory = await memory_folder.open()
    assert await window(memory) == []
    await say(memory, "three")
    assert await window(memory) == ["three"]
    assert await texts(memory) == ["one", "two", "three"]


async def test_an_edit_that_drops_all_extras_does_not_bring_lines_twice(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "two")
    _write(
        memory_folder,
        [_human("one"), {"type": "ai", "data": {"content": "two", "additional_kwargs": {}, "type": "ai"}}],
    )
    memory = await memory_folder.open()
    assert await window(memory) == ["one", "two"]


async def test_lines_that_never_reached_the_file_are_taken_from_the_log(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "two")
    before = memory_folder.recent.read_bytes()
    await memory_folder.talked("three", "four")
    memory_folder.recent.write_bytes(before)
    memory_folder.sql("UPDATE neko_state SET value = 2")
    memory = await memory_folder.open()
    assert await window(memory) == ["one", "two", "three", "four"]
    await memory.aclose()
    assert len(memory_folder.entries()) == 4


async def test_a_burst_of_lines_reaches_the_file_whole(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(write_delay_s=60.0)
    for number in range(50):
        await memory.store("Mio", new_line(f"line {number}"))
    assert await memory.delete("Mio", [10, 50]) == [10, 50]
    await memory.store("Mio", new_line("last"))
    assert [entry.id for entry in await memory.recent("Mio")] == [*range(1, 10), *range(11, 50), 51]


@pytest.mark.parametrize("said", [15, 120])
async def test_a_missing_file_is_made_anew_from_the_log_so_that_a_memo_can_take_what_none_has(
    memory_folder: MemoryFolder, said: int
) -> None:
    await memory_folder.talked(*(f"line {number}" for number in range(said)))
    memory_folder.recent.unlink()
    memory = await memory_folder.open()
    assert await window(memory) == [f"line {number}" for number in range(max(0, said - 100), said)]
    await memory.aclose()
    assert len(memory_folder.entries()) == min(said, 100)


@pytest.mark.parametrize("damage", ['[{"type": "hum', '{"a": 1}', "\x00\x00"])
async def test_a_damaged_file_is_set_aside_and_the_one_before_it_used(memory_folder: MemoryFolder, damage: str) -> None:
    async def summarise(prompt: str) -> str:
        return "Her cat is called Biscuit."

    memory = await memory_folder.open()
    for number in range(12):
        await say(memory, f"line {number}")
    assert await memory.compress(MIO, summarise)
    await say(memory, "and on")
    await memory.aclose()
    _write(memory_folder, damage)
    memory = await memory_folder.open()
    assert await window(memory) == [
        "Her cat is called Biscuit.",
        *(f"line {number}" for number in range(3, 12)),
        "and on",
    ]
    (report,) = memory_folder.reports
    assert report.code == "damaged_file"
    (kept,) = memory_folder.folder.glob("recent_Mio.json.damaged-*")
    assert kept.read_text(encoding="utf-8") == damage


async def test_damage_while_running_keeps_what_is_known(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    await memory.aclose()
    memory = await memory_folder.open()
    assert await window(memory) == ["one"]
    _write(memory_folder, "[oops")
    assert await window(memory) == ["one"]
    await memory.aclose()
    assert len(memory_folder.entries()) == 1
    assert len(memory_folder.reports) == 1


async def test_a_file_that_cannot_be_written_does_not_stop_the_talk(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    await memory.aclose()
    memory_folder.recent.unlink()
    memory_folder.recent.with_name("recent_Mio.json.bak").unlink(missing_ok=True)
    memory = await memory_folder.open()
    await memory.lines(MIO)
    memory_folder.recent.mkdir()
    (memory_folder.recent / "something").touch()
    stored = await memory.store(MIO, new_line("two"))
    assert stored.fresh
    assert await texts(memory) == ["one", "two"]


async def test_the_backup_put_back_by_hand_does_not_confuse_the_ids(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "two", "three", "four")
    memory_folder.sql("DELETE FROM time_indexed_original WHERE id > 2")
    memory = await memory_folder.open()
    assert await say(memory, "five") == 5
    assert await window(memory) == ["one", "two", "three", "four", "five"]


async def test_lines_that_the_original_wrote_meanwhile_are_not_doubled(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "two")
    _write(memory_folder, [*memory_folder.entries(), _human("from the original")])
    message = json.dumps(_human("from the original"))
    memory_folder.sql("INSERT INTO time_indexed_original (session_id, message) VALUES ('x', ?)", (message,))
    memory = await memory_folder.open()
    await say(memory, "three")
    assert await window(memory) == ["one", "two", "from the original", "three"]


async def test_a_summary_made_of_lines_that_were_edited_meanwhile_is_discarded(memory_folder: MemoryFolder) -> None:
    memory: MemoryService = await memory_folder.open()

    async def summarise(prompt: str) -> str:
        _write(memory_folder, [_human("all new")])
        return "memo"

    for number in range(12):
        await say(memory, f"line {number}")
    await memory.aclose()
    memory = await memory_folder.open()
    assert not await memory.compress(MIO, summarise)
    assert await window(memory) == ["all new"]
    assert memory_folder.sql("SELECT count(*) FROM time_indexed_compressed") == [(0,)]


async def test_the_summariser_reads_names_and_words_without_times(memory_folder: MemoryFolder) -> None:
    prompts: list[str] = []

    async def summarise(prompt: str) -> str:
        prompts.append(prompt)
        return "memo"

    memory = await memory_folder.open()
    for number in range(11):
        await say(memory, f"line {number}", "assistant" if number % 2 else "user")
    assert await memory.compress(MIO, summarise)
    assert "Anna | line 0\nMio | line 1" in prompts[0]
    assert "2026" not in prompts[0]


def test_the_time_before_assistant_text_is_english_and_can_be_cut_off() -> None:
    assert time_prefix(START) == "[20260222 Sun 10:00] "
    assert cut_prefix("[20260222 Sun 10:00] [x] hi") == (START, "[x] hi")
    assert cut_prefix("[20269922 Sun 10:00] hi") == (None, "[20269922 Sun 10:00] hi")
    assert cut_prefix("[note] hi") == (None, "[note] hi")


async def test_a_window_that_cannot_be_written_is_told_and_its_end_too(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one")
    memory = await memory_folder.open(write_delay_s=0.0)
    before = memory_folder.recent.read_bytes()
    blocked = memory_folder.recent.with_name(memory_folder.recent.name + ".bak")
    blocked.mkdir()
    await say(memory, "two")
    assert isinstance(await memory_folder.news.get(), UnwritableFileError)
    assert memory_folder.recent.read_bytes() == before
    blocked.rmdir()
    await say(memory, "three")
    assert await memory_folder.news.get() == memory_folder.recent
    for _ in range(500):  # "two" may be tried again by itself before "three" is there
        if len(memory_folder.entries()) == 3:
            break
        await asyncio.sleep(0.01)
    assert len(memory_folder.entries()) == 3


async def test_what_other_programs_call_role_and_text_is_read(memory_folder: MemoryFolder) -> None:
    entries = [
        {"type": "SystemMessage", "data": {"content": "先前对话的备忘录: 很久以前"}},
        {"role": "user", "content": "as a chat request"},
        {"role": "assistant", "content": [{"type": "text", "text": "in "}, "parts"], "mood": "sunny"},
        {"role": "human", "text": "as the editor of the original"},
        {"type": "AIMessage", "data": {"content": {"type": "text", "text": "one part"}}},
        {"data": {"type": "human", "content": "the type inside"}},
        {"type": "HumanMessageChunk", "data": {"content": "a chunk", "additional_kwargs": None}},
    ]
    _write(memory_folder, entries)
    memory = await memory_folder.open()
    assert await memory.recent(MIO) == [
        RecentEntry("system", "很久以前"),
        RecentEntry("user", "as a chat request"),
        RecentEntry("assistant", "in parts"),
        RecentEntry("user", "as the editor of the original"),
        RecentEntry("assistant", "one part"),
        RecentEntry("user", "the type inside"),
        RecentEntry("user", "a chunk"),
    ]
    assert memory_folder.reports == []
    await say(memory, "new")
    await memory.aclose()
    kept = memory_folder.entries()
    assert (kept[2]["type"], kept[2]["data"]["content"], kept[2]["mood"]) == ("ai", "in parts", "sunny")
    assert (kept[6]["type"], kept[6]["data"]["content"]) == ("HumanMessageChunk", "a chunk")


async def test_what_cannot_be_read_is_told_by_its_number_and_stays(memory_folder: MemoryFolder) -> None:
    unread = [
        {"type": "tool", "data": {"content": "42"}},
        {"type": "human", "data": {"content": 7}},
        None,
        {"role": "ai"},
    ]
    _write(memory_folder, [_human("one"), *unread, _human("two")])
    memory = await memory_folder.open()
    assert await window(memory) == ["one", "two"]
    (report,) = memory_folder.reports
    assert (report.code, report.params) == (
        "unread_entries",
        {"file": str(memory_folder.recent), "places": "2, 3, 4, 5"},
    )
    for number in range(12):
        await say(memory, f"line {number}")
    assert await memory.compress(MIO, None)
    assert [entry for entry in memory_folder.entries() if entry in unread] == unread
    assert not any("42" in text for text in await window(memory))
    while not memory_folder.news.empty():
        memory_folder.news.get_nowait()
    _write(memory_folder, [_human("mended")])
    assert await window(memory) == ["mended"]
    assert memory_folder.news.get_nowait() == memory_folder.recent


async def test_of_what_upstream_wrote_there_is_a_memo_when_its_chat_is_left(memory_folder: MemoryFolder) -> None:
    told = [f"word {number} of before" for number in range(12)]
    _write(memory_folder, [_human(text) for text in told])
    memory = await memory_folder.open()
    await say(memory, "hello")
    await memory.change_chat(MIO, None)
    assert [entry.text for entry in await memory.recent(MIO, with_left=True)] == [*told, "hello"]
    assert await memory.compress(MIO, _told_shortly)
    assert (await window(memory))[0] == "They talked before."


async def _told_shortly(question: str) -> str:
    return "They talked before."


async def test_what_is_said_stands_in_a_file_that_came_from_another_log(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    _write(memory_folder, [turn_message("user", "elsewhere", START, {"id": 50})])
    await say(memory, "two")
    assert await window(memory) == ["one", "two", "elsewhere"]
