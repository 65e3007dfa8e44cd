"""A window of N.E.K.O.'s, which has most of what was said alone, comes into the log before anything of it is cut."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from neko.memory import only_in_window
from neko.memory.line_codec import message, time_prefix
from neko.memory.service import MemoryService
from neko.types.lines import Line
from neko.types.memory import InChats, RecentEntry
from tests.memory.memory_folder import MIO, START, MemoryFolder, say, texts, until_learnt, window

MEMO = "先前对话的备忘录: she likes stars"


def talk(count: int, first: int = 0, begin: datetime = START) -> list[dict[str, Any]]:
    """Turns as N.E.K.O. puts them into the window."""
    return [
        entry(number, f"line {number}", begin + timedelta(minutes=number)) for number in range(first, first + count)
    ]


def entry(number: int, text: str, at: datetime) -> dict[str, Any]:
    role, shown = ("user", text) if number % 2 == 0 else ("assistant", time_prefix(at) + text)
    return message(role, [{"type": "text", "text": shown}])  # type: ignore[arg-type]


def undated(*said: str) -> list[dict[str, Any]]:
    """Turns of one whose replies carry no time."""
    return [message("assistant" if at % 2 else "user", text) for at, text in enumerate(said)]


def put(folder: MemoryFolder, entries: Sequence[Any]) -> None:
    folder.recent.write_text(json.dumps(entries, ensure_ascii=False, indent=2), encoding="utf-8")


def settle(folder: MemoryFolder, entries: Sequence[Any], at: datetime = START + timedelta(hours=2)) -> None:
    """Put them into the log as N.E.K.O. does when a talk ends."""
    for table in ("time_indexed_original", "time_indexed_compressed"):
        folder.sql(f"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)")
        columns = [row[1] for row in folder.sql(f"PRAGMA table_info({table})")]
        if "timestamp" not in columns:
            folder.sql(f"ALTER TABLE {table} ADD COLUMN timestamp DATETIME")
    for one in entries:
        row = ("a talk", json.dumps(one), at.isoformat(sep=" ", timespec="microseconds"))
        folder.sql("INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)", row)


async def every_line(memory: MemoryService) -> list[Line]:
    return list(await memory.lines(MIO, limit=10_000, chat=InChats.ALL))


def lines(count: int, first: int = 0) -> list[str]:
    return [f"line {number}" for number in range(first, first + count)]


async def told(question: str) -> str:
    return "They talked."


@pytest.mark.parametrize("settled", [range(0), range(20, 23), range(38, 40), range(40), range(0, 40, 7)], ids=str)
async def test_all_of_it_is_in_the_log_in_its_order(settled: range, memory_folder: MemoryFolder) -> None:
    said = talk(40)
    put(memory_folder, [message("system", MEMO), *said])
    settle(memory_folder, [said[number] for number in settled])
    memory = await memory_folder.open()
    assert [line.text for line in await memory.lines(MIO, limit=99)] == lines(40)
    assert [line.at for line in await memory.lines(MIO, limit=99)][1::2] == [
        START + timedelta(minutes=number) for number in range(1, 40, 2)
    ]
    assert [found.text for found in await memory.find(MIO, "line 23")] == ["line 23"]
    assert await window(memory) == ["she likes stars", *lines(40)]
    assert await memory.compress(MIO, told)
    assert [line.text for line in await every_line(memory)] == lines(40)
    assert (await window(memory))[0] == "They talked."


async def test_what_is_folded_can_be_forgotten_with_the_memo_of_it(memory_folder: MemoryFolder) -> None:
    put(memory_folder, talk(40))
    memory = await memory_folder.open()
    assert await memory.compress(MIO, told)
    (third, last) = [one.id for one in await every_line(memory) if one.text in ("line 3", "line 39")]
    await memory.delete(MIO, [third, last])
    assert "They talked." not in await window(memory)
    assert not {"line 3", "line 39"}.intersection(await window(memory))
    await memory.aclose()
    memory = await memory_folder.open()
    assert not {"line 3", "line 39"}.intersection([*await window(memory), *await texts(memory)])


async def test_it_comes_once(memory_folder: MemoryFolder) -> None:
    before = [*talk(10), entry(10, "yes", START), entry(12, "yes", START), entry(14, "yes", START)]
    put(memory_folder, before)
    for _ in range(3):
        memory = await memory_folder.open()
        assert await texts(memory) == [*lines(10), "yes", "yes", "yes"]
        await memory.aclose()
        put(memory_folder, before)  # as if a crash had come before the window was written


async def test_the_same_window_that_was_imported_is_not_doubled(memory_folder: MemoryFolder) -> None:
    said = talk(12)
    await memory_folder.talked(*lines(12))
    memory_folder.sql(
        "UPDATE time_indexed_original SET timestamp = '2026-02-22 10:' || printf('%02d', id - 1) || ':30'"
    )
    memory_folder.sql(
        "UPDATE time_indexed_original SET message = json_remove(message, '$.data.additional_kwargs.neko.at')"
    )
    put(memory_folder, said)
    memory = await memory_folder.open()
    assert [line.text for line in await every_line(memory)] == lines(12)


async def test_who_goes_back_for_a_while_has_what_was_said_there(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "yes", "three")
    there = [*memory_folder.entries(), *talk(4, begin=START + timedelta(days=2)), entry(4, "yes", START)]
    put(memory_folder, there)
    memory = await memory_folder.open()
    expected = ["one", "yes", "three", *lines(4), "yes"]
    assert await texts(memory) == expected == await window(memory)
    await say(memory, "here again")
    assert await window(memory) == [*expected, "here again"]


async def test_what_its_review_has_reworded_is_no_other_line(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked(
        "I like the old lighthouse", "I like lighthouses too, they shine", "And the sea beside it"
    )
    reworded = [
        message("user", "I like the old lighthouse"),
        message("assistant", "I like lighthouses, they shine"),
        message("user", "And the sea beside it"),
    ]
    put(memory_folder, [*reworded, *talk(2, begin=START + timedelta(days=2))])
    memory = await memory_folder.open()
    assert [line.text for line in await every_line(memory)] == [
        "I like the old lighthouse",
        "I like lighthouses too, they shine",
        "And the sea beside it",
        *lines(2),
    ]
    assert (await window(memory))[1] == "I like lighthouses, they shine"


async def test_what_was_said_before_gets_a_chat_of_its_own(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "two")
    put(memory_folder, [*talk(4, begin=START - timedelta(days=9)), *memory_folder.entries()])
    for _ in range(2):
        memory = await memory_folder.open()
        assert await texts(memory) == ["one", "two"]
        assert await window(memory) == [*lines(4), "one", "two"]
        assert sorted(line.text for line in await every_line(memory)) == [*lines(4), "one", "two"]
        await memory.aclose()


async def test_what_was_written_into_the_window_in_neko_was_said_by_nobody(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "two")
    memory = await memory_folder.open()
    await memory.rewrite_recent(MIO, [RecentEntry("user", "another one"), RecentEntry("assistant", "two")])
    await memory.aclose()
    memory = await memory_folder.open()
    assert await texts(memory) == ["one", "two"]
    assert await window(memory) == ["another one", "two"]


async def test_what_is_put_there_while_neko_runs_comes_too(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    put(memory_folder, [message("system", MEMO), *talk(20)])
    assert await memory.compress(MIO, told)
    assert sorted(line.text for line in await every_line(memory)) == sorted([*lines(20), "one"])


async def test_of_very_many_a_memo_is_made_in_the_background(memory_folder: MemoryFolder) -> None:
    count = 3 * only_in_window.LONGEST
    put(memory_folder, [message("system", MEMO), *talk(count)])
    memory = await memory_folder.open(quiet_s=0.0)
    assert [line.text for line in await memory.lines(MIO, limit=9_999)] == lines(count)
    await until_learnt(memory)
    memo, *last = await window(memory)
    assert memo.startswith("she likes stars\n")
    assert last == lines(only_in_window.LONGEST, count - only_in_window.LONGEST)


async def test_nothing_is_cut_while_it_cannot_be_stored(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(memory_folder, talk(40))

    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr("neko.memory.only_in_window.append_all", full)
    memory = await memory_folder.open()
    assert await window(memory) == lines(40)
    assert not await memory.compress(MIO, told)
    assert await window(memory) == lines(40)
    assert [error.params["reason"] for error in memory_folder.reports] == ["full"]
    monkeypatch.undo()
    await say(memory, "hello")
    assert await texts(memory) == [*lines(40), "hello"] == await window(memory)
    assert memory_folder.news.get_nowait() is memory_folder.reports[0]
    assert memory_folder.news.get_nowait() == memory_folder.log


@pytest.mark.parametrize("damage", ["cut off", "twice"])
async def test_what_can_be_read_of_a_damaged_window_comes(damage: str, memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "two")
    put(memory_folder, [message("system", MEMO), *memory_folder.entries(), *talk(20, begin=START + timedelta(days=1))])
    content = memory_folder.recent.read_bytes()
    memory_folder.recent.write_bytes(content[:-200] if damage == "cut off" else 2 * content)
    memory = await memory_folder.open()
    expected = ["one", "two", *lines(19 if damage == "cut off" else 20)]
    assert await texts(memory) == expected
    assert await window(memory) == ["she likes stars", *expected]
    assert [error.code for error in memory_folder.reports] == ["damaged_file"]


async def test_it_comes_without_anybody_asking_for_that_memory(memory_folder: MemoryFolder) -> None:
    put(memory_folder, talk(20))
    memory = await memory_folder.open(quiet_s=0.0)
    async with asyncio.timeout(30):
        while only_in_window.windows_in(memory_folder.folder):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.01)
    await memory.aclose()
    assert memory_folder.sql("SELECT count(*) FROM time_indexed_original") == [(20,)]


async def test_what_is_being_cleared_does_not_come_back(memory_folder: MemoryFolder) -> None:
    put(memory_folder, talk(20))
    memory = await memory_folder.open()
    assert await texts(memory) == lines(20)
    await memory.aclose()
    memory_folder.sql("DELETE FROM time_indexed_original")
    memory_folder.sql("INSERT INTO neko_state VALUES ('clearing 0', 0)")
    put(memory_folder, talk(20))
    memory = await memory_folder.open()
    assert (await texts(memory), await window(memory)) == ([], [])


GREETINGS = ["good morning", "morning!", "slept well?", "yes"]


@pytest.mark.parametrize("is_own", [True, False], ids=["of Neko's", "of N.E.K.O.'s"])
async def test_who_greets_as_half_a_year_ago_has_said_it_again(is_own: bool, memory_folder: MemoryFolder) -> None:
    first, then = START - timedelta(days=180), START
    before = [entry(at, text, first) for at, text in enumerate(GREETINGS[:2])]
    if is_own:
        put(memory_folder, before)
        memory = await memory_folder.open()
        assert await texts(memory) == GREETINGS[:2]
        await memory.aclose()
    else:
        settle(memory_folder, before, first + timedelta(minutes=5))
    again = ["good morning", "you again!", "slept well?", "yes"]
    put(memory_folder, [message("system", MEMO), *(entry(at, text, then) for at, text in enumerate(again))])
    memory = await memory_folder.open()
    assert await texts(memory) == [*GREETINGS[:2], *again]


@pytest.mark.parametrize("settled", [[0], [2, 3, 0, 1], [0, 1]], ids=str)
async def test_without_times_a_few_words_said_before_are_said_again(
    settled: list[int], memory_folder: MemoryFolder
) -> None:
    before = [undated(*GREETINGS)[at] for at in settled]
    settle(memory_folder, before)
    put(memory_folder, undated(*GREETINGS, "good night", "good night"))
    memory = await memory_folder.open()
    expected = [*(GREETINGS[at] for at in settled), *GREETINGS, "good night", "good night"]
    assert await texts(memory) == expected
    assert await window(memory) == [*GREETINGS, "good night", "good night"]


@pytest.mark.parametrize("settled", [range(30), range(12, 30), range(4, 12)], ids=str)
async def test_without_times_a_talk_that_is_there_is_not_doubled(settled: range, memory_folder: MemoryFolder) -> None:
    said = undated(*lines(30))
    settle(memory_folder, [said[at] for at in settled])
    put(memory_folder, said)
    memory = await memory_folder.open()
    assert sorted(line.text for line in await every_line(memory)) == sorted(lines(30))


async def test_without_times_and_names_a_talk_is_not_doubled_by_what_was_said_since(
    memory_folder: MemoryFolder,
) -> None:
    put(memory_folder, undated(*lines(6)))
    memory = await memory_folder.open()
    assert await texts(memory) == lines(6)
    await say(memory, "here again", "assistant")
    await memory.aclose()
    nameless = memory_folder.entries()
    for one in nameless:
        one["data"]["additional_kwargs"] = {}
    put(memory_folder, [*nameless, *talk(2, 6, START + timedelta(days=1))])
    memory = await memory_folder.open()
    assert await texts(memory) == [*lines(6), "here again", *lines(2, 6)]
    assert [line.text for line in await every_line(memory)] == await texts(memory)


async def test_without_times_a_word_that_stands_before_a_known_run_is_not_taken_for_another(
    memory_folder: MemoryFolder,
) -> None:
    before = undated("what a day", "good night")
    said = undated("good night", "good night", "who was there?", "good night", *lines(4))
    settle(memory_folder, [*before, *said[3:]])
    put(memory_folder, said)
    memory = await memory_folder.open()
    found = Counter(line.text for line in await every_line(memory))
    assert found == Counter(["what a day", "good night", *["good night"] * 3, "who was there?", *lines(4)])


async def test_what_was_put_into_the_log_long_after_it_was_said_is_there_once(memory_folder: MemoryFolder) -> None:
    said = talk(12)
    settle(memory_folder, said[2:10], START + timedelta(days=60))
    put(memory_folder, said)
    memory = await memory_folder.open()
    assert sorted(line.text for line in await every_line(memory)) == sorted(lines(12))


async def test_what_was_answered_before_is_said_again_after_it_though_the_log_tells_only_when_the_talk_ended(
    memory_folder: MemoryFolder,
) -> None:
    said = [entry(at, text, START + timedelta(minutes=at)) for at, text in enumerate(["no", "why?", "so", "good"])]
    again = [entry(at, text, START + timedelta(minutes=60 + at)) for at, text in enumerate(["no", "again?"])]
    settle(memory_folder, said, START + timedelta(minutes=5))
    put(memory_folder, [message("system", MEMO), said[3], *again])
    memory = await memory_folder.open()
    assert await texts(memory) == ["no", "why?", "so", "good", "no", "again?"]


async def test_what_a_review_has_taken_out_and_put_in_doubles_no_talk(memory_folder: MemoryFolder) -> None:
    said = undated(*(f"{at} times I saw the lighthouse" for at in range(30)))
    settle(memory_folder, said)
    reviewed = [*said[:5], *said[6:10], message("user", "of its own"), *said[10:20], *undated("quite new"), *said[21:]]
    put(memory_folder, reviewed)
    memory = await memory_folder.open()
    found = Counter(line.text for line in await every_line(memory))
    assert found == Counter([f"{at} times I saw the lighthouse" for at in range(30)] + ["of its own", "quite new"])


@pytest.mark.parametrize("seed", range(12))
async def test_every_line_is_there_once_in_its_order(seed: int, memory_folder: MemoryFolder) -> None:
    """Of windows of N.E.K.O., Neko's own before them, and what N.E.K.O. settled of it, whatever is said again."""
    chance = random.Random(seed)
    words = ["yes", "no", "hm", *lines(12)]
    own = [chance.choice(words) for _ in range(chance.choice([0, 3, 8]))]
    if own:
        await memory_folder.talked(*own)
    begin = START + timedelta(days=1)
    said = [entry(number, chance.choice(words), begin + timedelta(minutes=number)) for number in range(30)]
    there = memory_folder.entries() if own else [message("system", MEMO)]
    put(memory_folder, [*there, *said])
    settle(
        memory_folder, [one for one in said if chance.random() < chance.choice([0, 0.2, 1])], begin + timedelta(hours=1)
    )
    memory = await memory_folder.open()
    expected = [*own, *(str(one["data"]["content"][0]["text"]).rpartition("] ")[2] for one in said)]
    found = await memory.lines(MIO, limit=99, chat=InChats.ALL)
    assert Counter(line.text for line in found) == Counter(expected)
    assert [line.text for line in found] == expected
    assert [entry.text for entry in await memory.recent(MIO) if entry.role != "system"] == expected


@pytest.mark.parametrize("seed", range(12))
async def test_no_line_is_lost_whatever_was_said_long_before(seed: int, memory_folder: MemoryFolder) -> None:
    """Of few words, with times and without, of N.E.K.O.'s old logs and Neko's own; the order is kept."""
    chance = random.Random(seed)
    words = ["yes", "no", "hm", "hello"]
    before = [chance.choice(words) for _ in range(chance.choice([1, 6, 20]))]
    if chance.random() < 0.5:
        await memory_folder.talked(*before)
    else:
        settle(memory_folder, undated(*before), START)
    said = [chance.choice(words) for _ in range(chance.choice([1, 6, 20]))]
    begin = START + timedelta(days=200)
    entries = [entry(at, text, begin + timedelta(minutes=at)) for at, text in enumerate(said)]
    if chance.random() < 0.5:
        for one in entries:
            one["data"]["content"] = one["data"]["content"][0]["text"]
    put(memory_folder, entries)
    memory = await memory_folder.open()
    assert [line.text for line in await every_line(memory)] == [*before, *said]
    assert await window(memory) == said
