"""The recent file: its form, hand edits, and how it keeps up with the log."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from neko.memory.messages import cut_prefix, time_prefix
from neko.memory.service import MemoryService
from neko.types import RecentEntry
from tests.memory.house import MIO, START, House, new_line, said, say, shown


def _write(house: House, value: Any) -> None:
    house.recent.write_text(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), encoding="utf-8"
    )


def _human(text: Any) -> dict[str, Any]:
    return {"type": "human", "data": {"content": text, "type": "human", "example": False}}


async def test_the_file_has_the_form_of_the_contract(house: House) -> None:
    await house.talked("hello 猫", "hi")
    raw = house.recent.read_text(encoding="utf-8")
    assert "猫" in raw
    assert raw.startswith('[\n  {\n    "type": "human"')
    user, reply = house.entries()
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
    house: House, texts: list[str], prefix: str
) -> None:
    async def summarise(prompt: str) -> str:
        return "memo"

    memory = await house.open()
    for number in range(12):
        await say(memory, f"{texts[0]} {number}")
    assert await memory.compress(MIO, summarise)
    assert house.entries()[0]["type"] == "system"
    assert house.entries()[0]["data"]["content"] == prefix + "memo"
    assert [entry["type"] for entry in house.entries()[1:]] == ["human"] * 9
    assert (await memory.recent(MIO))[0] == RecentEntry("system", "memo")


async def test_both_forms_of_content_are_read(house: House) -> None:
    memo = {"type": "system", "data": {"content": "先前对话的备忘录: 很久以前", "type": "system"}}
    reply = {"type": "ai", "data": {"content": "[20250101 Wed 09:30] hello", "type": "ai"}}
    _write(
        house,
        [memo, _human("plain"), _human([{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]), reply],
    )
    memory = await house.open()
    assert await memory.recent(MIO) == [
        RecentEntry("system", "很久以前"),
        RecentEntry("user", "plain"),
        RecentEntry("user", "in parts"),
        RecentEntry("assistant", "hello"),
    ]


async def test_unknown_keys_and_entries_are_kept(house: House) -> None:
    strange = [_human("plain") | {"mood": "sunny"}, {"type": "human"}, "a stray string"]
    strange[0]["data"]["additional_kwargs"] = {"other": 1}  # type: ignore[index]
    _write(house, strange)
    memory = await house.open()
    await say(memory, "new")
    assert await shown(memory) == ["plain", "new"]
    await memory.aclose()
    assert house.entries()[:3] == strange


async def test_a_hand_edit_is_seen_at_once_and_kept(house: House) -> None:
    memory = await house.open()
    await say(memory, "my cat is called Biskuit")
    await memory.aclose()
    memory = await house.open()
    assert await shown(memory) == ["my cat is called Biskuit"]
    _write(house, [_human("my cat is called Biscuit")])
    assert await shown(memory) == ["my cat is called Biscuit"]
    await say(memory, "and she is three")
    assert await shown(memory) == ["my cat is called Biscuit", "and she is three"]
    await memory.aclose()
    assert house.entries()[0]["data"]["content"] == "my cat is called Biscuit"


async def test_an_edit_of_the_same_size_and_second_is_seen(house: House) -> None:
    await house.talked("cat A")
    memory = await house.open()
    assert await shown(memory) == ["cat A"]
    times = house.recent.stat()
    fresh = house.recent.with_suffix(".new")
    fresh.write_text(house.recent.read_text(encoding="utf-8").replace("cat A", "cat B"), encoding="utf-8")
    os.utime(fresh, ns=(times.st_atime_ns, times.st_mtime_ns))
    fresh.replace(house.recent)
    assert await shown(memory) == ["cat B"]


@pytest.mark.parametrize("while_running", [True, False])
async def test_a_window_that_was_cleared_by_hand_stays_clear(house: House, while_running: bool) -> None:
    await house.talked("one", "two")
    if while_running:
        memory = await house.open()
        assert len(await shown(memory)) == 2
        _write(house, [])
        assert await shown(memory) == []
        await memory.aclose()
    else:
        _write(house, [])
    memory = await house.open()
    assert await shown(memory) == []
    await say(memory, "three")
    assert await shown(memory) == ["three"]
    assert await said(memory) == ["one", "two", "three"]


async def test_an_edit_that_drops_all_extras_does_not_bring_lines_twice(house: House) -> None:
    await house.talked("one", "two")
    _write(house, [_human("one"), {"type": "ai", "data": {"content": "two", "additional_kwargs": {}, "type": "ai"}}])
    memory = await house.open()
    assert await shown(memory) == ["one", "two"]


async def test_lines_that_never_reached_the_file_are_taken_from_the_log(house: House) -> None:
    await house.talked("one", "two")
    before = house.recent.read_bytes()
    await house.talked("three", "four")
    house.recent.write_bytes(before)
    house.sql("UPDATE neko_state SET value = 2")
    memory = await house.open()
    assert await shown(memory) == ["one", "two", "three", "four"]
    await memory.aclose()
    assert len(house.entries()) == 4


async def test_a_missing_file_is_made_anew_from_the_log(house: House) -> None:
    await house.talked(*(f"line {number}" for number in range(15)))
    house.recent.unlink()
    memory = await house.open()
    assert await shown(memory) == [f"line {number}" for number in range(6, 15)]
    await memory.aclose()
    assert len(house.entries()) == 9


@pytest.mark.parametrize("damage", ['[{"type": "hum', '{"a": 1}', "\x00\x00"])
async def test_a_damaged_file_is_set_aside_and_the_one_before_it_used(house: House, damage: str) -> None:
    async def summarise(prompt: str) -> str:
        return "Her cat is called Biscuit."

    memory = await house.open()
    for number in range(12):
        await say(memory, f"line {number}")
    assert await memory.compress(MIO, summarise)
    await say(memory, "and on")
    await memory.aclose()
    _write(house, damage)
    memory = await house.open()
    assert await shown(memory) == [
        "Her cat is called Biscuit.",
        *(f"line {number}" for number in range(3, 12)),
        "and on",
    ]
    (report,) = house.reports
    assert report.code == "damaged_file"
    (kept,) = house.folder.glob("recent_Mio.json.damaged-*")
    assert kept.read_text(encoding="utf-8") == damage


async def test_damage_while_running_keeps_what_is_known(house: House) -> None:
    memory = await house.open()
    await say(memory, "one")
    await memory.aclose()
    memory = await house.open()
    assert await shown(memory) == ["one"]
    _write(house, "[oops")
    assert await shown(memory) == ["one"]
    await memory.aclose()
    assert len(house.entries()) == 1
    assert len(house.reports) == 1


async def test_a_file_that_cannot_be_written_does_not_stop_the_talk(house: House) -> None:
    memory = await house.open()
    await say(memory, "one")
    await memory.aclose()
    house.recent.unlink()
    house.recent.with_name("recent_Mio.json.bak").unlink(missing_ok=True)
    memory = await house.open()
    await memory.lines(MIO)
    house.recent.mkdir()
    (house.recent / "something").touch()
    stored = await memory.store(MIO, new_line("two"))
    assert stored.fresh
    assert await said(memory) == ["one", "two"]


async def test_the_backup_put_back_by_hand_does_not_confuse_the_ids(house: House) -> None:
    await house.talked("one", "two", "three", "four")
    house.sql("DELETE FROM time_indexed_original WHERE id > 2")
    memory = await house.open()
    assert await say(memory, "five") == 3
    assert await shown(memory) == ["one", "two", "three", "four", "five"]


async def test_lines_that_the_original_wrote_meanwhile_are_not_doubled(house: House) -> None:
    await house.talked("one", "two")
    _write(house, [*house.entries(), _human("from the original")])
    message = json.dumps(_human("from the original"))
    house.sql("INSERT INTO time_indexed_original (session_id, message) VALUES ('x', ?)", (message,))
    memory = await house.open()
    await say(memory, "three")
    assert await shown(memory) == ["one", "two", "from the original", "three"]


async def test_a_summary_made_of_lines_that_were_edited_meanwhile_is_discarded(house: House) -> None:
    memory: MemoryService = await house.open()

    async def summarise(prompt: str) -> str:
        _write(house, [_human("all new")])
        return "memo"

    for number in range(12):
        await say(memory, f"line {number}")
    await memory.aclose()
    memory = await house.open()
    assert not await memory.compress(MIO, summarise)
    assert await shown(memory) == ["all new"]
    assert house.sql("SELECT count(*) FROM time_indexed_compressed") == [(0,)]


async def test_the_summariser_reads_names_and_words_without_times(house: House) -> None:
    prompts: list[str] = []

    async def summarise(prompt: str) -> str:
        prompts.append(prompt)
        return "memo"

    memory = await house.open()
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
