"""The index of a log holds the lines that count, whatever was done to them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neko.memory import index
from neko.memory.line_codec import turn_message
from neko.memory.service import MemoryService
from neko.memory.words import plain
from neko.types.lines import Line
from neko.types.memory import InChats
from tests.memory.memory_folder import MIO, NAMES, START, MemoryFolder, say, until_indexed

TEXTS = ("my cat Biscuit", "我的猫叫年糕", "ピアノを弾く", "What about C++?", "…", "the cat again", "walks")


@contextmanager
def reading(log: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(log, isolation_level=None)) as connection:
        yield connection


def texts_in_index(log: Path) -> dict[int, str]:
    """The texts by id; raises unless FTS5 has exactly their terms, by its own check and by its vocabulary."""
    with reading(log) as connection:
        connection.execute("INSERT INTO neko_index (neko_index) VALUES ('integrity-check')")
        connection.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'neko_index', 'instance')")
        found = set(connection.execute("SELECT term, doc FROM temp.vocabulary").fetchall())
        rows = connection.execute("SELECT id, text, terms FROM neko_words").fetchall()
    assert found == {(term, line) for line, _, held in rows for term in held.split()}
    return {line: text for line, text, _ in rows}


def expected(lines: list[Line]) -> dict[int, str]:
    return {line.id: plain(line.text) for line in lines}


async def all_lines(memory: MemoryService) -> list[Line]:
    return await memory.lines(MIO, limit=10_000, chat=InChats.ALL)


Step = tuple[str, int, str]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("say", "reply", "again", "delete", "undo", "version", "chat", "delete chat", "close", "memo")),
        st.integers(0, 5),
        st.sampled_from(TEXTS),
    ),
    max_size=25,
)


async def take(memory: MemoryService, step: Step) -> None:
    kind, number, text = step
    lines = await all_lines(memory)
    last = lines[-1] if lines else None
    is_reply = last is not None and last.role == "assistant"
    match kind:
        case "say":
            await say(memory, text, client_id=f"client {number}")
        case "reply":
            await say(memory, text, "assistant")
        case "again" if last and is_reply:
            await say(memory, text, "assistant", replaces=last.id)
        case "delete" if lines:
            await memory.delete(MIO, [lines[-1 - number % len(lines)].id], may_be_undone=True)
        case "undo":
            await memory.restore(MIO)
        case "version" if last and is_reply:
            versions = await memory.versions(MIO, last.id)
            await memory.choose_version(MIO, versions[number % len(versions)].id)
        case "chat":
            await memory.change_chat(MIO, None if number < 3 else number - 3)
        case "delete chat" if lines and number == 0:
            await memory.delete_chat(MIO, lines[0].chat)
        case "close":
            await memory.close(MIO)
        case "memo":
            await memory.compress(MIO, None)


@settings(max_examples=30, deadline=None)
@given(STEPS)
@example([("say", 0, TEXTS[0]), ("delete", 0, ""), ("undo", 0, "")])
@example([("say", 0, TEXTS[0]), ("reply", 0, TEXTS[1]), ("again", 0, TEXTS[2]), ("version", 0, "")])
@example([("say", 0, TEXTS[0]), ("chat", 0, ""), ("say", 1, TEXTS[1]), ("delete chat", 0, "")])
def test_after_any_course_of_things_the_index_holds_what_the_log_does(steps: list[Step]) -> None:
    async def take_all(folder: Path) -> None:
        async with AsyncExitStack() as stack:
            files = MemoryFolder(folder / "memory", stack)
            memory = await files.open()
            for step in steps:
                await take(memory, step)
            lines = await all_lines(memory)
            for line in lines:
                for word in line.text.split():
                    assert line.id in [one.id for one in await memory.find(MIO, word)]
            await memory.aclose()
            assert texts_in_index(files.log) == expected(lines)

    with TemporaryDirectory() as folder:
        asyncio.run(take_all(Path(folder)))


def write_as_another(folder: MemoryFolder, texts: list[str]) -> None:
    """As N.E.K.O. writes lines."""
    with reading(folder.log) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES ('o', ?, ?)",
            [(json.dumps(turn_message("user", text, START)), "2026-02-23 10:00:00.000000") for text in texts],
        )
        connection.execute("COMMIT")


async def test_a_log_from_before_there_was_an_index_gets_one_in_steps(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("my cat is called Biscuit")
    write_as_another(memory_folder, [f"nothing much {number}" for number in range(3 * index.STEP)])
    for table in ("neko_index", "neko_words", "neko_indexed"):
        memory_folder.sql(f"DROP TABLE {table}")
    for trigger in ("neko_original_out", "neko_original_changed"):
        memory_folder.sql(f"DROP TRIGGER {trigger}")
    memory_folder.sql("PRAGMA user_version = 2")
    memory = await memory_folder.open()
    await say(memory, "the newest is known at once")
    assert [one.text for one in await memory.recall(MIO, "newest?")] == ["the newest is known at once"]
    await until_indexed(memory_folder, 3 * index.STEP + 2)
    assert (await memory.recall(MIO, "what is my cat called?"))[0].text == "my cat is called Biscuit"
    lines = await all_lines(memory)
    await memory.aclose()
    assert texts_in_index(memory_folder.log) == expected(lines)


async def test_catching_up_goes_on_where_it_was_broken_off(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one")
    write_as_another(memory_folder, [f"line {number}" for number in range(10)])
    with reading(memory_folder.log) as connection:
        assert index.catch_up(connection, NAMES, 4)
    assert len(texts_in_index(memory_folder.log)) == 5
    with reading(memory_folder.log) as connection:
        assert index.catch_up(connection, NAMES, 4)
        assert not index.catch_up(connection, NAMES, 4)
    assert len(texts_in_index(memory_folder.log)) == 11


async def test_what_another_program_wrote_or_changed_is_taken_in_when_the_log_is_opened(
    memory_folder: MemoryFolder,
) -> None:
    ids = await memory_folder.talked("hello", "I am Mio", "goodbye")
    write_as_another(memory_folder, ["my parrot is called Coco"])
    changed = json.dumps(turn_message("user", "good morning", START))
    memory_folder.sql("UPDATE time_indexed_original SET message = ? WHERE id = ?", (changed, ids[0]))
    memory_folder.sql("DELETE FROM time_indexed_original WHERE id = ?", (ids[2],))
    memory = await memory_folder.open()
    await memory.lines(MIO)
    await until_indexed(memory_folder, 3)
    assert [line.text for line in await memory.find(MIO, "parrot")] == ["my parrot is called Coco"]
    assert [line.text for line in await memory.find(MIO, "morning")] == ["good morning"]
    assert await memory.find(MIO, "goodbye") == []


async def test_an_index_of_other_rules_is_made_anew(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await memory_folder.talked("my cat is called Biscuit")
    monkeypatch.setattr(index, "version", lambda: "other rules")
    monkeypatch.setattr(index, "terms", lambda text: [text.lower().replace(" ", "+")])
    memory = await memory_folder.open()
    await memory.lines(MIO)
    await until_indexed(memory_folder, 1)
    await memory.aclose()
    assert memory_folder.sql("SELECT terms FROM neko_words") == [("my+cat+is+called+biscuit",)]
    assert memory_folder.sql("SELECT version FROM neko_indexed") == [("other rules",)]


@pytest.mark.parametrize(
    "part", ["TABLE neko_index", "TABLE neko_words", "TABLE neko_indexed", "TRIGGER neko_words_in"]
)
async def test_an_index_of_which_a_part_is_missing_is_made_anew(memory_folder: MemoryFolder, part: str) -> None:
    await memory_folder.talked("my cat is called Biscuit")
    memory_folder.sql(f"DROP {part}")
    memory = await memory_folder.open()
    await say(memory, "my parrot is called Coco")
    await until_indexed(memory_folder, 2)
    for word in ("Biscuit", "Coco"):
        assert [word in found.text for found in await memory.recall(MIO, word, limit=1)] == [True]


async def test_a_salvaged_log_is_indexed_whole(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("my cat is called Biscuit", "A fine name", *(f"line {number}" for number in range(500)))
    content = bytearray(memory_folder.log.read_bytes())
    page = memory_folder.sql("SELECT rootpage FROM sqlite_master WHERE name = 'neko_original_session'")[0][0]
    size = memory_folder.sql("PRAGMA page_size")[0][0]
    content[(page - 1) * size : page * size] = b"\xff" * size
    memory_folder.log.write_bytes(content)
    memory = await memory_folder.open()
    await say(memory, "after the damage")
    assert memory_folder.reports
    await until_indexed(memory_folder, 503)
    assert (await memory.recall(MIO, "what is my cat called?"))[0].text == "my cat is called Biscuit"
