"""Looking through a log by days and memos, and setting right what stands there."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta

import pytest

from neko.memory import schema
from neko.memory.line_codec import line_json, turn_message
from tests.memory.memory_folder import MIO, START, MemoryFolder, new_line, say, texts, window
from tests.memory.test_deletion import WORD, holding, quoting, tell, until_nowhere


async def test_days_are_counted_without_what_was_replaced(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, 'the word "replaced"')
    first = await say(memory, "a reply", "assistant")
    await say(memory, "another reply", "assistant", replaces=first)
    await say(memory, "later", at=START + timedelta(days=400))
    found = [(day.date, day.lines) for day in await memory.days(MIO)]
    assert found == [(START.date(), 2), (START.date() + timedelta(days=400), 1)]
    assert [line.text for line in await memory.day(MIO, START.date())] == ['the word "replaced"', "another reply"]


async def test_a_line_read_from_outside_counts_after_another_has_replaced_it(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    first = await say(memory, "what the page says", "assistant", outside=True)
    await say(memory, 'a text with "outside":true', "assistant", replaces=first)
    found = memory_folder.sql(f"SELECT id FROM {schema.ORIGINAL} WHERE {schema.OUTSIDE}")
    assert found == [(first,)]
    plan = memory_folder.sql("EXPLAIN QUERY PLAN " + schema.FIRST_OUTSIDE, (first,))
    assert "neko_original_outside" in plan[0][3]


async def test_a_day_comes_in_pages_and_ends_at_midnight(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    midnight = START.replace(hour=0, minute=0)
    for minutes in (-1, 0, 720, 1439, 1440):
        await say(memory, f"at {minutes}", at=midnight + timedelta(minutes=minutes))
    page = await memory.day(MIO, START.date(), limit=2)
    assert [line.text for line in page] == ["at 0", "at 720"]
    assert [line.text for line in await memory.day(MIO, START.date(), after=page[-1].id)] == ["at 1439"]
    assert await memory.day(MIO, date.max) == []
    await say(memory, "at the end of time", at=datetime.max.replace(hour=3))
    assert [line.text for line in await memory.day(MIO, date.max)] == ["at the end of time"]


async def test_rows_without_a_time_are_on_no_day(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "hello")
    await memory.close(MIO)
    with closing(sqlite3.connect(memory_folder.log)) as log, log:
        rows = [(None, line_json(new_line("one"))), ("soon", line_json(new_line("two")))]
        log.executemany("INSERT INTO time_indexed_original (session_id, timestamp, message) VALUES ('s', ?, ?)", rows)
    assert [(day.date, day.lines) for day in await memory.days(MIO)] == [(START.date(), 1)]


async def test_lines_of_neko_s_forerunner_are_shown_at_the_times_that_its_replies_tell(
    memory_folder: MemoryFolder,
) -> None:
    """It dates all rows of a talk by when that was settled."""
    memory_folder.log.parent.mkdir(parents=True, exist_ok=True)
    settled = "2026-02-22 10:30:00.000000"
    said = [
        ("s", "human", "good morning", settled),
        ("s", "ai", "[20260222 Sun 10:01] morning!", settled),
        ("s", "human", "and now?", settled),
        ("s", "ai", "[20260222 Sun 10:20] tea", settled),
        ("s", "human", "bye", settled),
        ("t", "ai", "[20260201 Sun 09:00] what was said of long ago", "2026-02-23 11:00:00.000000"),
    ]
    with closing(sqlite3.connect(memory_folder.log)) as log, log:
        log.execute(
            "CREATE TABLE time_indexed_original (id INTEGER NOT NULL, session_id TEXT, message TEXT, "
            "timestamp DATETIME, PRIMARY KEY (id))"
        )
        rows = [
            (session, json.dumps({"type": kind, "data": {"content": [{"type": "text", "text": text}]}}), at)
            for session, kind, text, at in said
        ]
        log.executemany("INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)", rows)
    memory = await memory_folder.open()
    times = ["10:01", "10:01", "10:20", "10:20", "10:30", "11:00"]
    assert [f"{line.at:%H:%M}" for line in await memory.lines(MIO)] == times
    assert [f"{line.at:%H:%M}" for line in await memory.day(MIO, date(2026, 2, 22))] == times[:5]
    assert [f"{one.at:%H:%M}" for one in await memory.recent(MIO) if one.at] == times


async def test_what_nobody_can_date_has_no_time_rather_than_a_wrong_one(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await memory.lines(MIO)
    await memory.close(MIO)
    with closing(sqlite3.connect(memory_folder.log)) as log, log:
        rows = [
            (json.dumps({"type": kind, "data": {"content": text}}),) for kind, text in (("human", "hi"), ("ai", "ho"))
        ]
        log.executemany("INSERT INTO time_indexed_original (session_id, message) VALUES ('s', ?)", rows)
    assert [(one.text, one.at) for one in await memory.recent(MIO)] == [("hi", None), ("ho", None)]
    (line,) = await memory.lines(MIO, limit=1)
    assert "1970" not in str(turn_message("assistant", line.text, line.at)), "as it goes into the window's file"
    assert [chat.last_at for chat in (await memory.chats(MIO)).chats] == [None]
    assert await memory.days(MIO) == []


async def test_memos_are_found_by_all_their_words_and_name_their_lines(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    ids = await tell(memory, 0, 11)
    assert await memory.compress(MIO, quoting)
    (memo,) = await memory.memos(MIO)
    assert set(memo.sources) <= set(ids)
    assert await memory.memos(MIO, "LINE-0 line-1") == [memo]
    assert await memory.memos(MIO, "line-0 elsewhere") == []
    assert await memory.memos(MIO, before=memo.id) == []
    assert [line.id for line in await memory.named_lines(MIO, [*memo.sources, 999])] == sorted(memo.sources)


async def test_a_memo_that_is_rewritten_is_so_in_the_window_and_nowhere_else_as_it_was(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open()
    await say(memory, WORD)
    await tell(memory, 1, 11)
    assert await memory.compress(MIO, quoting)
    await memory.delete(MIO, [])
    (memo,) = await memory.memos(MIO)
    assert WORD in memo.text
    rewritten = await memory.rewrite_memo(MIO, memo.id, "She said little.")
    assert rewritten is not None
    assert (rewritten.text, rewritten.sources) == ("She said little.", memo.sources)
    assert await memory.memos(MIO) == [rewritten]
    assert (await window(memory))[0] == "She said little."
    assert await memory.rewrite_memo(MIO, 999, "x") is None
    await memory.aclose()
    with closing(sqlite3.connect(memory_folder.log)) as log:
        stored = "".join(row[0] for row in log.execute("SELECT message FROM time_indexed_compressed"))
    assert WORD not in stored + memory_folder.recent.read_text(encoding="utf-8")


async def test_the_old_words_of_a_line_are_in_no_file_and_no_memo(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    line_id = await say(memory, f"{WORD} " * 300)
    await tell(memory, 1, 30)
    assert await memory.compress(MIO, quoting)
    assert WORD in (await memory.memos(MIO))[0].text
    assert await memory.correct(MIO, line_id, "something else")
    await until_nowhere(memory_folder.folder)
    assert (await texts(memory))[0] == "something else"
    assert await memory.memos(MIO) == []
    await memory.close(MIO)
    assert holding(memory_folder.folder) == []
    assert (await texts(memory))[0] == "something else"


@pytest.mark.parametrize("content", ["[20260222 Sun 10:00] before", [{"type": "text", "text": "before"}]])
async def test_a_line_of_nekos_predecessor_keeps_its_form(memory_folder: MemoryFolder, content: object) -> None:
    memory = await memory_folder.open()
    await say(memory, "hello")
    await memory.close(MIO)
    row = turn_message("assistant", "", START)
    row["data"]["content"] = content
    with closing(sqlite3.connect(memory_folder.log)) as log, log:
        log.execute("INSERT INTO time_indexed_original (session_id, message) VALUES ('s', ?)", (json.dumps(row),))
        line_id = log.execute("SELECT max(id) FROM time_indexed_original").fetchone()[0]
    line = await memory.correct(MIO, line_id, "after 喵")
    assert line is not None
    assert (line.text, line.role) == ("after 喵", "assistant")
    with closing(sqlite3.connect(memory_folder.log)) as log:
        (raw,) = log.execute("SELECT message FROM time_indexed_original WHERE id = ?", (line_id,)).fetchone()
    prefix = "[20260222 Sun 10:00] " if isinstance(content, str) else ""
    assert json.loads(raw)["data"]["content"] == [{"type": "text", "text": f"{prefix}after 喵"}]
