"""What is deleted is in no file of the memory any more, whatever was made of it meanwhile."""

from __future__ import annotations

import asyncio
import errno
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from neko import storage
from neko.errors import MemoryStoreError
from neko.memory.character_files import move
from neko.memory.line_codec import message, turn_message
from neko.memory.log import Log
from neko.memory.paths import log_path
from neko.memory.service import MemoryService
from neko.memory.sqlite_errors import store_error
from neko.tasks import in_thread
from tests.memory.memory_folder import MIO, START, MemoryFolder, new_line, say, texts, window

WORD = "xyzzy"


def holding(folder: Path, word: str = WORD) -> list[str]:
    """The files in whose bytes the word stands, as itself or escaped as JSON does it."""
    spellings = (word.encode(), json.dumps(word)[1:-1].encode())
    found = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):  # it was being written
            content = path.read_bytes()
            found += [path.name] if any(one in content for one in spellings) else []
    return sorted(found)


async def quoting(prompt: str) -> str:
    """A memo that keeps every word."""
    return " ".join(sorted({word for word in prompt.split() if word[-1].isdigit() or word == WORD}))


async def tell(memory: MemoryService, first: int, last: int) -> list[int]:
    return [await say(memory, f"line-{number}") for number in range(first, last)]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Another program is in the middle of reading the log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM time_indexed_original").fetchall()
        yield


async def until_nowhere(folder: Path) -> None:
    async with asyncio.timeout(30):
        while await in_thread(holding, folder):
            pass


@pytest.mark.parametrize("word", [WORD, "葡萄"])
async def test_neither_the_memo_nor_a_summary_keeps_what_is_deleted(memory_folder: MemoryFolder, word: str) -> None:
    async def keeping(prompt: str) -> str:
        return f"She said {word}."

    memory = await memory_folder.open()
    secret = await say(memory, f"the password is {word}")
    await tell(memory, 0, 12)
    assert await memory.compress(MIO, keeping)
    await tell(memory, 12, 24)
    assert await memory.compress(MIO, keeping)
    assert {"recent_Mio.json", "recent_Mio.json.bak"} <= set(holding(memory_folder.folder, word))
    assert await memory.delete(MIO, [secret]) == [secret]
    assert holding(memory_folder.folder, word) == []
    assert not any(word in shown for shown in await window(memory))


async def test_the_memo_before_it_and_the_lines_since_come_in_place_of_a_memo(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await tell(memory, 0, 12)
    assert await memory.compress(MIO, quoting)
    before = (await window(memory))[0]
    await tell(memory, 12, 15)
    secret = await say(memory, f"now {WORD}")
    await tell(memory, 15, 27)
    assert await memory.compress(MIO, quoting)
    assert WORD in (await window(memory))[0]
    await memory.delete(MIO, [secret])
    assert await window(memory) == [before, *(f"line-{number}" for number in range(3, 27))]
    assert len(memory_folder.sql("SELECT id FROM time_indexed_compressed")) == 1
    assert await memory.compress(MIO, quoting)
    renewed = (await window(memory))[0]
    assert {"line-0", "line-12", "line-17"} <= set(renewed.split())
    assert holding(memory_folder.folder) == []


async def test_a_memo_of_other_lines_stays(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await tell(memory, 0, 14)
    assert await memory.compress(MIO, quoting)
    secret = await say(memory, WORD)
    before = await window(memory)
    await memory.delete(MIO, [secret])
    assert await window(memory) == before[:-1]
    assert len(memory_folder.sql("SELECT id FROM time_indexed_compressed")) == 1
    assert holding(memory_folder.folder) == []


async def test_a_memo_that_is_just_being_made_of_deleted_words_is_not_kept(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    secret = await say(memory, WORD)
    await tell(memory, 0, 12)

    async def slowly(prompt: str) -> str:
        await memory.delete(MIO, [secret])
        return f"She said {WORD}."

    assert not await memory.compress(MIO, slowly)
    assert holding(memory_folder.folder) == []


async def test_an_earlier_version_of_a_reply_leaves_no_copy(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "go on")
    first = await say(memory, f"{WORD} {'word ' * 100}", "assistant")
    second = await say(memory, "better", "assistant", replaces=first)
    await tell(memory, 0, 30)
    assert await memory.delete(MIO, [second]) == [first, second]
    assert holding(memory_folder.folder) == []


async def test_whatever_order_lines_are_deleted_in_none_leaves_a_copy(memory_folder: MemoryFolder) -> None:
    chosen = random.Random(3)
    memory = await memory_folder.open()
    ids = [await say(memory, f"{WORD} " * chosen.choice((1, 20, 400, 1500)), "assistant") for _ in range(60)]
    ids += [await say(memory, f"again {WORD}", "assistant", replaces=line_id) for line_id in ids[::5]]
    chosen.shuffle(ids)
    while ids:
        await memory.delete(MIO, [ids.pop() for _ in range(min(len(ids), chosen.randint(1, 9)))])
    assert await texts(memory) == []
    assert holding(memory_folder.folder) == []


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_was_done_meanwhile_no_file_keeps_what_was_deleted(
    memory_folder: MemoryFolder, seed: int
) -> None:
    chosen = random.Random(seed)
    memory = await memory_folder.open(write_delay_s=0.0)
    words: dict[int, str] = {}
    deleted: list[str] = []
    for step in range(150):
        word = f"{WORD}-{step}."
        last = next(iter(await memory.lines(MIO, limit=1)), None)
        is_reply = last is not None and last.role == "assistant"
        match chosen.choices(("say", "again", "delete", "memo", "chat", "version", "close"), (9, 2, 4, 2, 1, 1, 1))[0]:
            case "again" if last and is_reply:
                words[await say(memory, word, "assistant", replaces=last.id)] = word
            case "delete" if words:
                ids = chosen.sample(sorted(words), chosen.randint(1, min(3, len(words))))
                gone = await memory.delete(MIO, ids, may_be_undone=chosen.random() < 0.3)
                deleted += [words.pop(line_id) for line_id in gone]
            case "memo":
                await memory.compress(MIO, chosen.choice((None, keeping_words)))
            case "chat":
                await memory.change_chat(MIO, chosen.choice((None, 0, 1)))
            case "version" if last and is_reply:
                version = chosen.choice(await memory.versions(MIO, last.id))
                line = await memory.choose_version(MIO, version.id)
                if line:
                    words[line.id] = words.pop(version.id)
            case "close":
                await memory.close(MIO)
            case _:
                words[await say(memory, word, chosen.choice(("user", "assistant")))] = word
    await memory.close(MIO)
    assert deleted
    assert [word for word in deleted if holding(memory_folder.folder, word)] == []


async def keeping_words(prompt: str) -> str:
    """A memo of all that must not stay."""
    return " ".join(word for word in prompt.split() if word.startswith(WORD))[-480:]


async def test_what_a_reader_keeps_in_the_wal_goes_once_it_has_read(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    secret = await say(memory, WORD)
    with reading(memory_folder.log):
        await memory.delete(MIO, [secret])
        assert await texts(memory) == []
        assert holding(memory_folder.folder) == ["time_indexed_Mio-wal"]
        await say(memory, "a reader keeps nobody from writing")
    await until_nowhere(memory_folder.folder)


async def test_what_a_crash_left_in_the_wal_goes_when_the_log_is_opened(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("hello")
    with reading(memory_folder.log):
        memory = await memory_folder.open()
        secret = await say(memory, WORD)
        await memory.delete(MIO, [secret])
        await memory.aclose()
        assert holding(memory_folder.folder) == ["time_indexed_Mio-wal"]
        again = await memory_folder.open()
        assert await texts(again) == ["hello"]
    await until_nowhere(memory_folder.folder)


async def test_what_the_original_wrote_goes_from_its_window_and_its_summaries(memory_folder: MemoryFolder) -> None:
    """It keeps no ids: lines are known by their words and those around them, summaries by their time."""
    await memory_folder.talked("hello")
    memory_folder.sql("DELETE FROM neko_state")
    said = [
        "we went to the harbour",
        f"where she said {WORD}",
        "we took the tram",
        "and came home",
        "at half past nine",
    ]
    for minute, text in enumerate(said):
        stamp = f"2026-02-23 10:0{minute}:00.000000"
        row = (json.dumps(turn_message("user", text, START)), stamp)
        memory_folder.sql("INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES ('o', ?, ?)", row)
    for text, minute in (("nothing yet", 0), (f"she said {WORD}", 2)):
        stamp = f"2026-02-23 10:0{minute}:30.000000"
        row = (json.dumps(message("system", text)), stamp)
        memory_folder.sql(
            "INSERT INTO time_indexed_compressed (session_id, message, timestamp) VALUES ('o', ?, ?)", row
        )
    entries = [
        message("system", f"先前对话的备忘录: {WORD}"),
        *(turn_message("user", text, START) for text in said[2:]),
    ]
    memory_folder.recent.write_text(json.dumps(entries))
    memory = await memory_folder.open()
    ids = {line.text: line.id for line in await memory.lines(MIO)}
    await memory.delete(MIO, [ids[said[1]]])
    assert holding(memory_folder.folder) == []
    assert await window(memory) == ["hello", said[0], *said[2:]]
    ((kept,),) = memory_folder.sql("SELECT message FROM time_indexed_compressed")
    assert "nothing yet" in kept
    await memory.delete(MIO, [ids[said[4]]])
    assert await window(memory) == ["hello", said[0], *said[2:4]]


async def test_that_a_full_disk_keeps_words_from_being_deleted_is_told_as_that(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    memory = await memory_folder.open()
    secret = await say(memory, WORD)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_bytes", full)
        with pytest.raises(MemoryStoreError) as caught:
            await memory.delete(MIO, [secret])
    assert caught.value.params["reason"] == "full"
    assert caught.value.sentence == "memory_not_forgotten", "not that it goes on and keeps in mind what is said"
    assert await memory.delete(MIO, [secret]) == [secret]
    assert holding(memory_folder.folder) == []


async def meets_full_disk(log: Log, *_: object, **__: object) -> None:
    """In place of a transaction."""
    raise store_error(OSError(errno.ENOSPC, "No space left on device"), log.path)


@pytest.mark.parametrize("what", ["a line", "a fact", "a summary", "words", "all"])
async def test_that_a_full_disk_keeps_the_log_from_forgetting_is_told_as_that(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    memory = await memory_folder.open()
    secret = await say(memory, f"I live in {WORD}.")
    await tell(memory, 0, 12)
    await memory.compress(MIO, quoting)
    await memory.learn(MIO, None)
    (fact,), (memo,) = await memory.facts(MIO), await memory.memos(MIO)
    book = await memory.fact_book(MIO)

    async def forget() -> object:
        match what:
            case "a line":
                return await memory.delete(MIO, [secret])
            case "a fact":
                return await book.forget([fact.id])
            case "a summary":
                return await memory.memo_edits.forget(MIO, memo.id)
            case "words":
                return await memory.forget_beside(MIO, WORD)
            case _:
                return await memory.clear(MIO)

    with monkeypatch.context() as patch:
        patch.setattr(Log, "transaction", meets_full_disk)
        with pytest.raises(MemoryStoreError) as caught:
            await forget()
    assert caught.value.sentence == "memory_not_forgotten"
    assert await forget(), "once there is room"


@pytest.mark.parametrize("what", ["add", "edit", "pin", "correct", "title"])
async def test_that_a_full_disk_keeps_a_fact_or_a_line_from_being_changed_is_told_as_that(
    memory_folder: MemoryFolder, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    memory = await memory_folder.open()
    book = await memory.fact_book(MIO)
    fact = (await book.add("user", "home", "Oslo", datetime.now())).fact
    assert fact is not None
    line = await say(memory, "hello")

    async def change() -> object:
        match what:
            case "add":
                return await book.add(fact.subject, "likes", "tea", datetime.now())
            case "edit":
                return await book.edit(replace(fact, value="Bergen"))
            case "correct":
                return await memory.correct(MIO, line, "good morning")
            case "title":
                return await memory.rename_chat(MIO, 0, "mornings")
            case _:
                return await book.pin(fact.id, on=True)

    with monkeypatch.context() as patch:
        patch.setattr(Log, "transaction", meets_full_disk)
        with pytest.raises(MemoryStoreError) as caught:
            await change()
    assert caught.value.sentence == "disk_full"
    assert await change(), "once there is room"


async def test_the_title_of_a_chat_goes_with_its_last_line(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    ids = [await say(memory, "hello"), await say(memory, "hello again")]
    assert await memory.rename_chat(MIO, 0, f"about {WORD}")
    await memory.delete(MIO, ids[:1])
    assert holding(memory_folder.folder)
    await memory.delete(MIO, ids[1:])
    assert holding(memory_folder.folder) == []


async def test_nothing_is_deleted_when_the_window_cannot_be_written(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    secret = await say(memory, WORD)
    await memory.recent(MIO)
    memory_folder.recent.unlink(missing_ok=True)
    memory_folder.recent.mkdir()
    with pytest.raises(MemoryStoreError):
        await memory.delete(MIO, [secret])
    assert await texts(memory) == [WORD]
    memory_folder.recent.rmdir()
    await memory.delete(MIO, [secret])
    assert await memory.store(MIO, new_line("hello"))
    assert holding(memory_folder.folder) == []


async def test_it_goes_from_logs_that_stay_beside_it_and_the_rest_of_them_stays(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, f"the password is {WORD}")
    await tell(memory, 0, 12)
    await memory.close(MIO)
    folder, entry = memory_folder.folder, memory_folder.folder.parent / "trash" / "20260101-000000-1234abcd"
    log = log_path(folder, MIO)
    replaced = log.with_name(f"{log.name}.replaced-20260101-000000")
    replaced.write_bytes(log.read_bytes())
    move(folder, MIO, entry, MIO)
    replaced = entry / replaced.name
    replaced.rename(folder / replaced.name)
    secret = await say(memory, f"the password is {WORD}")
    assert len(holding(folder.parent)) > 2
    assert await memory.delete(MIO, [secret]) == [secret]
    assert holding(folder.parent) == []
    for kept in (folder / replaced.name, entry / log.name):
        with closing(sqlite3.connect(kept)) as connection:
            assert connection.execute("SELECT count(*) FROM time_indexed_original").fetchone() == (12,)
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_words_are_forgotten_in_the_trash_too(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await tell(memory, 0, 1)
    entry = memory_folder.folder.parent / "trash" / "20260101-000000-1234abcd"
    entry.mkdir(parents=True)
    window = [message("user", f"the password is {WORD}"), message("user", "good night")]
    (entry / "recent_Mio.json").write_text(json.dumps(window), encoding="utf-8")
    assert not await memory.forget_beside(MIO, WORD)
    assert json.loads((entry / "recent_Mio.json").read_text(encoding="utf-8")) == window[1:]
    assert holding(memory_folder.folder.parent) == []
