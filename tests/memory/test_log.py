"""The verbatim log: what is in the file, and what happens when it cannot be used."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from neko.errors import InputError, MemoryStoreError, NekoError
from neko.memory import index
from neko.memory.connection import STEPS_BETWEEN_CHECKS
from neko.memory.line_codec import Names
from neko.memory.log import Log
from neko.memory.running_time import RunningTime
from neko.memory.schema import BY_CLIENT_ID
from neko.memory.search import Query, search
from neko.memory.sqlite_errors import store_error
from neko.memory.threads import Threads
from neko.tasks import in_thread
from neko.types.lines import Line, NewLine
from tests.memory.memory_folder import MIO, NAMES, START, MemoryFolder, new_line, say, texts, until_indexed, window


async def _open(folder: Path, threads: Threads, **timeouts: float) -> Log:
    return await Log.open(folder / "log", threads, lambda: NAMES, _unexpected, **timeouts)  # type: ignore[arg-type]


def _unexpected(error: NekoError) -> None:
    raise AssertionError(error)


async def test_a_row_is_a_message_dict_that_other_programs_read(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("hello 猫", "hi")
    rows = memory_folder.sql("SELECT id, session_id, message, timestamp FROM time_indexed_original ORDER BY id")
    user, reply = (json.loads(row[2]) for row in rows)
    assert rows[0][:2] == (1, "s1")
    assert rows[0][3] == "2026-02-22 10:00:00.000000"
    assert rows[0][2].isascii()
    assert user["type"] == user["data"]["type"] == "human"
    assert user["data"]["content"] == [{"type": "text", "text": "hello 猫"}]
    assert set(user["data"]) == {"content", "additional_kwargs", "response_metadata", "type", "name", "id"}
    assert reply["type"] == "ai"
    assert reply["data"]["content"] == [{"type": "text", "text": "[20260222 Sun 10:00] hi"}]
    assert reply["data"]["additional_kwargs"]["neko"]["turn_id"] == "t1"
    assert reply["data"]["tool_calls"] == []


@pytest.mark.parametrize("begun", [False, True], ids=["new", "opened-again"])
async def test_another_program_that_looks_into_the_log_takes_nothing_away_log_locked(
    tmp_path: Path, threads: Threads, begun: bool
) -> None:
    """The last connection that closes deletes the WAL: another process has to see the locks of this one."""
    if begun:
        await (await _open(tmp_path, threads)).aclose()
    log = await _open(tmp_path, threads)
    await log.append(new_line("before"))
    lock = "BEGIN IMMEDIATE; ROLLBACK"
    await _in_another_process(tmp_path / "log", lock)
    await log.append(new_line("after"))
    count = await _in_another_process(tmp_path / "log", "SELECT count(*) FROM time_indexed_original")
    assert count == "2"
    await log.aclose()


async def _in_another_process(path: Path, statements: str) -> str:
    """What another program reads that opens the file and closes it."""
    program = (
        "import sqlite3, sys\n"
        "log = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "found = [log.execute(one).fetchone() for one in sys.argv[2].split(';')]\n"
        "log.close()\n"
        "print(found[-1][0] if found[-1] else '')"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(path), statements, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()


async def test_a_new_file_has_the_columns_and_indexes_of_the_contract(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("hello")
    for table in ("time_indexed_original", "time_indexed_compressed"):
        columns = [(row[1], row[2], row[5]) for row in memory_folder.sql(f"PRAGMA table_info({table})")]
        assert columns == [
            ("id", "INTEGER", 1),
            ("session_id", "TEXT", 0),
            ("message", "TEXT", 0),
            ("timestamp", "DATETIME", 0),
        ]
    assert memory_folder.sql("PRAGMA journal_mode") == [("wal",)]
    for column in ("timestamp", "session_id"):
        plan = memory_folder.sql(f"EXPLAIN QUERY PLAN SELECT id FROM time_indexed_original WHERE {column} = 'x'")
        assert "USING" in plan[0][3]


async def test_a_client_id_is_looked_up_in_an_index(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("hello")
    plan = memory_folder.sql("EXPLAIN QUERY PLAN " + BY_CLIENT_ID, ("c1",))
    assert "neko_original_client" in plan[0][3]


async def test_a_summary_is_kept_with_the_ids_it_was_made_from(memory_folder: MemoryFolder) -> None:
    async def summarise(prompt: str) -> str:
        return "记录"

    memory = await memory_folder.open()
    ids = [await say(memory, f"line {number}") for number in range(11)]
    assert await memory.compress(MIO, summarise)
    ((raw,),) = memory_folder.sql("SELECT message FROM time_indexed_compressed")
    kept = json.loads(raw)
    assert (kept["type"], kept["data"]["content"]) == ("system", "记录")
    assert kept["data"]["additional_kwargs"]["neko"]["sources"] == ids[:2]


async def test_a_replaced_reply_keeps_its_text_in_the_file(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "a joke")
    old = await say(memory, "no", "assistant")
    await say(memory, "why not", "assistant", replaces=old)
    ((raw,),) = memory_folder.sql("SELECT message FROM time_indexed_original WHERE id = ?", (old,))
    data = json.loads(raw)["data"]
    assert data["content"][0]["text"] == "[20260222 Sun 10:00] no"
    assert data["additional_kwargs"]["neko"]["status"] == "replaced"


async def test_a_chosen_version_survives_a_restart_also_in_a_window_that_was_not_written(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open()
    await say(memory, "a joke")
    old = await say(memory, "no", "assistant")
    await say(memory, "why not", "assistant", replaces=old, at=START + timedelta(minutes=1))
    await memory.close(MIO)
    before = memory_folder.recent.read_bytes()
    chosen = await memory.choose_version(MIO, old)
    assert chosen is not None
    await memory.close(MIO)
    memory_folder.recent.write_bytes(before)
    memory_folder.sql("UPDATE neko_state SET value = ?", (chosen.id - 1,))
    memory = await memory_folder.open()
    assert await texts(memory) == ["a joke", "no"]
    assert await window(memory) == ["a joke", "no"]


async def test_lines_survive_a_restart(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "two")
    memory = await memory_folder.open()
    assert await texts(memory) == ["one", "two"]
    assert await say(memory, "three") == 3


async def test_many_writers_at_once_lose_nothing(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    ids = await asyncio.gather(*(say(memory, f"line {number}", client_id=f"c{number}") for number in range(60)))
    assert sorted(ids) == list(range(1, 61))
    assert sorted(await window(memory)) == sorted(f"line {number}" for number in range(60))


async def test_an_exception_in_a_transaction_rolls_all_of_it_back(tmp_path: Path, threads: Threads) -> None:
    log = await _open(tmp_path, threads)

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM time_indexed_original")
        raise LookupError

    await log.append(new_line("one"))
    with pytest.raises(LookupError):
        await log.transaction(work)
    assert [line.text for line in await log.lines(before=None, after=None, limit=9)] == ["one"]
    await log.aclose()


async def test_a_cancelled_transaction_is_whole_and_blocks_nobody(tmp_path: Path, threads: Threads) -> None:
    log = await _open(tmp_path, threads)
    begun, go_on = threading.Event(), threading.Event()

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM time_indexed_original WHERE id = 1")
        begun.set()
        go_on.wait(10)
        connection.execute("DELETE FROM time_indexed_original WHERE id = 2")

    for text in ("one", "two", "three"):
        await log.append(new_line(text))
    task = asyncio.create_task(log.transaction(work))
    await in_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(await log.lines(before=None, after=None, limit=9)) == 3
    go_on.set()
    await log.append(new_line("four"))
    assert [line.text for line in await log.lines(before=None, after=None, limit=9)] == ["three", "four"]
    await log.aclose()


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


async def test_a_long_recall_is_in_the_way_of_no_page_and_no_write(tmp_path: Path, threads: Threads) -> None:
    log = await _open(tmp_path, threads)
    async with asyncio.timeout(10):
        recall = asyncio.create_task(log.recall(lambda connection, _: connection.execute(ENDLESS).fetchall()))
        await log.append(new_line("hello"))
        assert [line.text for line in await log.lines(before=None, after=None, limit=9)] == ["hello"]
        assert not recall.done()
        recall.cancel()
        await log.aclose()


async def test_a_statement_that_nobody_waits_for_is_interrupted(tmp_path: Path, threads: Threads) -> None:
    log = await _open(tmp_path, threads)
    async with asyncio.timeout(10):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await log.recall(lambda connection, _: connection.execute(ENDLESS).fetchall())
        assert await log.recall(lambda connection, _: connection.execute("SELECT 1").fetchall()) == [(1,)]
        await log.aclose()


async def test_a_search_that_nobody_waits_for_takes_no_further_step(tmp_path: Path, threads: Threads) -> None:
    """Its statements are too short to be interrupted, and what is counted between them is no statement."""
    log = await _open(tmp_path, threads)
    await log.append(new_line("a garden"))
    searching, given_up = threading.Event(), threading.Event()
    looked_up: list[int] = []

    class Slow:
        def nearest(self, *_: object) -> list[int]:
            searching.set()
            given_up.wait(10)
            return []

        def cosines(self, _: object, ids: Sequence[int]) -> dict[int, float]:
            looked_up.extend(ids)
            return {}

        def likenesses(self, *_: object) -> dict[int, Any]:
            return {}

    query = Query("a garden", 5, end=9, now=datetime.now(), nearness=Slow())
    async with asyncio.timeout(10):
        recall = asyncio.create_task(log.recall(partial(search, query=query)))
        await in_thread(searching.wait, 10)
        recall.cancel()
        await asyncio.wait([recall])
        given_up.set()
        assert await log.recall(lambda connection, _: connection.execute("SELECT 1").fetchall()) == [(1,)]
    assert looked_up == []
    await log.aclose()


async def test_of_a_search_that_is_given_up_sqlite_visits_few_more_rows(tmp_path: Path, threads: Threads) -> None:
    """What looks through the texts of all lines is interrupted within the statement, between two looks of SQLite's."""
    log = await _open(tmp_path, threads)
    with closing(sqlite3.connect(log.path)) as connection, connection:
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
        connection.execute(f"{numbers} INSERT INTO neko_words SELECT i, 0, 1, 0, 'anna', 'a garden', '' FROM n")
    searching, given_up = threading.Event(), threading.Event()
    visited: list[str] = []
    ends: list[str] = []

    def look(text: str, word: str) -> int:
        visited.append(text)
        if len(visited) == 100:
            searching.set()
            given_up.wait(10)
        return text.find(word) + 1

    def find_heron(connection: sqlite3.Connection, names: Names) -> list[Line]:
        connection.create_function("instr", 2, look, deterministic=True)  # an index uses it
        try:
            return index.find(connection, names, ["heron"], limit=5, end=100_000)
        except sqlite3.OperationalError as error:
            ends.append(str(error))
            raise

    async with asyncio.timeout(20):
        recall = asyncio.create_task(log.recall(find_heron))
        await in_thread(searching.wait, 10)
        recall.cancel()
        await asyncio.wait([recall])
        given_up.set()
        assert await log.recall(lambda connection, _: connection.execute("SELECT 1").fetchall()) == [(1,)]
    assert ends == ["interrupted"]
    assert len(visited) - 100 <= STEPS_BETWEEN_CHECKS < 30_000, "a row takes more steps than one"
    await log.aclose()


async def test_closing_interrupts_a_recall(tmp_path: Path, threads: Threads) -> None:
    log = await _open(tmp_path, threads)
    begun = threading.Event()

    def work(connection: sqlite3.Connection, _: object) -> None:
        begun.set()
        connection.execute(ENDLESS).fetchall()

    async with asyncio.timeout(10):
        recall = asyncio.create_task(log.recall(work))
        await in_thread(begun.wait, 10)
        await log.aclose()
        with pytest.raises(MemoryStoreError) as caught:
            await recall
    assert caught.value.params["reason"] == "closed"


async def test_closing_waits_for_no_backup_and_for_no_file_that_is_written_anew(
    tmp_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await _open(tmp_path, threads)
    await log.append(new_line("hello"))
    begun = threading.Semaphore(0)

    def endless(connection: sqlite3.Connection, _: Path) -> None:
        begun.release()
        connection.execute(ENDLESS).fetchall()

    monkeypatch.setattr("neko.memory.backup.is_due", lambda _: True)
    monkeypatch.setattr("neko.memory.backup.make", endless)
    monkeypatch.setattr("neko.memory.deletion.tidy", endless)
    log.set_window_position(1)
    tasks = [asyncio.create_task(log.file.look_after(60.0)), asyncio.create_task(log.fold_in())]
    async with asyncio.timeout(20):
        for _ in tasks:
            await in_thread(begun.acquire)
        await log.aclose()
        with pytest.raises(MemoryStoreError):
            await tasks[0]
    tasks[1].cancel()
    await asyncio.wait(tasks)
    with closing(sqlite3.connect(log.path)) as connection:
        assert connection.execute("SELECT value FROM neko_state WHERE name = 'recent'").fetchone() == (1,)


async def test_a_page_that_takes_too_long_is_given_up_and_says_so(tmp_path: Path, threads: Threads) -> None:
    log = await _open(tmp_path, threads, read_timeout_s=0.0)
    with pytest.raises(MemoryStoreError) as caught:
        await log.lines(before=None, after=None, limit=9)
    assert caught.value.params["reason"] == "slow"
    await log.aclose()


async def test_every_line_in_the_file_names_its_speaker(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "hello")
    await say(memory, "hi", "assistant")
    await say(memory, "hey", "assistant", speaker="小澪")
    rows = memory_folder.sql("SELECT message FROM time_indexed_original ORDER BY id")
    extras = [json.loads(raw)["data"]["additional_kwargs"]["neko"] for (raw,) in rows]
    assert [extra["speaker"] for extra in extras] == ["Anna", "Mio", "小澪"]


async def test_a_cancelled_store_leaves_log_and_window_in_step(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "first")
    task = asyncio.create_task(say(memory, "perhaps"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await say(memory, "last")
    assert await window(memory) == await texts(memory)


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "a\\b", "../x", "a\0b", "a\nb", "x" * 300, "\ud800"])
async def test_a_name_that_is_no_file_name_is_refused(memory_folder: MemoryFolder, name: str) -> None:
    memory = await memory_folder.open()
    with pytest.raises(InputError):
        await memory.store(name, new_line("hello"))
    assert [path.name for path in memory_folder.folder.iterdir()] == [".reserve"]


@pytest.mark.parametrize("name", ["小澪", "ミオ", "Mr. Cat", "가나다", "Zoë 🐈", "a'b\"c%"])
async def test_any_other_name_has_its_own_files(memory_folder: MemoryFolder, name: str) -> None:
    memory = await memory_folder.open()
    await memory.store(name, new_line("hello"))
    await memory.aclose()
    assert (memory_folder.folder / f"time_indexed_{name}").is_file()
    assert (memory_folder.folder / f"recent_{name}.json").is_file()


# ── damage ───────────────────────────────────────────────────────────────────


async def test_a_file_that_is_no_database_is_set_aside_and_reported(memory_folder: MemoryFolder) -> None:
    memory_folder.log.write_bytes(b"this is my diary, do not read\n" * 300)
    memory = await memory_folder.open()
    await say(memory, "hello")
    assert await texts(memory) == ["hello"]
    (report,) = memory_folder.reports
    kept = Path(str(report.params["kept"]))
    assert kept.name.startswith("time_indexed_Mio.damaged-")
    assert kept.read_bytes().startswith(b"this is my diary")
    assert report.params["file"] == str(memory_folder.log)


async def test_ids_go_on_growing_after_damage(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "two", "three")
    memory_folder.log.write_bytes(b"x" * 5000)
    memory = await memory_folder.open()
    assert await say(memory, "four", "assistant") == 4
    assert await texts(memory) == ["one", "two", "three", "four"], "the window knew them"
    assert await window(memory) == ["one", "two", "three", "four"]
    assert len(memory_folder.reports) == 1


async def test_the_wal_of_a_damaged_file_is_kept_with_it(memory_folder: MemoryFolder) -> None:
    memory_folder.log.write_bytes(b"x" * 5000)
    memory_folder.log.with_name(memory_folder.log.name + "-wal").write_bytes(b"the last words")
    memory = await memory_folder.open()
    await say(memory, "hello")
    kept = str(memory_folder.reports[0].params["kept"])
    assert Path(kept + "-wal").read_bytes() == b"the last words"


async def test_damage_while_running_loses_no_acknowledged_line(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open(write_delay_s=60.0)
    for number in range(200):
        await say(memory, f"line {number} " + "x" * 200)
    assert len(await window(memory)) == 200
    ((pages,),) = memory_folder.sql("PRAGMA page_count")
    memory_folder.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with memory_folder.log.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * (pages - 1))
    ids = [await say(memory, f"later {number}") for number in range(3)]
    assert ids == sorted(set(ids))
    assert ids[0] == 201
    assert (await texts(memory))[-3:] == ["later 0", "later 1", "later 2"]
    assert (await window(memory))[-4:] == ["line 199 " + "x" * 200, "later 0", "later 1", "later 2"]
    assert len(memory_folder.reports) == 1


async def test_damage_that_many_calls_meet_at_once_loses_no_write_and_closes_no_read(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open(write_delay_s=60.0)
    for number in range(200):
        await say(memory, f"line {number} " + "x" * 200)
    ((pages,),) = memory_folder.sql("PRAGMA page_count")
    memory_folder.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with memory_folder.log.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * (pages - 1))
    writes = [say(memory, f"later {number}") for number in range(20)]
    reads = [read for _ in range(5) for read in (memory.recent(MIO), memory.lines(MIO), memory.recall(MIO, "cat"))]
    ids, results = await asyncio.gather(asyncio.gather(*writes), asyncio.gather(*reads, return_exceptions=True))
    assert len(set(ids)) == 20
    errors = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, MemoryStoreError) and error.params["reason"] == "damaged" for error in errors)
    assert sorted(await texts(memory)) == sorted(f"later {number}" for number in range(20))
    assert len(memory_folder.reports) == 1


# ── errors a user can act on ─────────────────────────────────────────────────


async def test_a_locked_file_is_reported_as_locked_and_works_again_afterwards(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    with closing(sqlite3.connect(memory_folder.log, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MemoryStoreError) as caught:
            await say(memory, "two")
        other.execute("ROLLBACK")
    assert caught.value.params["reason"] == "locked"
    assert caught.value.params["file"] == str(memory_folder.log)
    await say(memory, "three")
    assert await texts(memory) == ["one", "three"]


async def test_what_waits_behind_others_for_a_locked_file_waits_no_longer_than_one_alone(
    memory_folder: MemoryFolder,
) -> None:
    lock_timeout_s = 0.5
    memory = await memory_folder.open(lock_timeout_s=lock_timeout_s)
    await say(memory, "one")
    loop = asyncio.get_running_loop()
    with closing(sqlite3.connect(memory_folder.log, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = loop.time()
        answers = await asyncio.gather(*(say(memory, f"line {n}") for n in range(6)), return_exceptions=True)
        took = loop.time() - begun
    assert [getattr(one, "params", {}).get("reason") for one in answers] == ["locked"] * 6
    assert took < 4 * lock_timeout_s, "each waited for those before it, and then for itself"
    await say(memory, "two")
    assert await texts(memory) == ["one", "two"]


async def test_a_log_that_cannot_be_opened_is_tried_again_at_the_next_call(memory_folder: MemoryFolder) -> None:
    memory_folder.log.mkdir()
    memory = await memory_folder.open()
    with pytest.raises(MemoryStoreError) as caught:
        await say(memory, "one")
    assert caught.value.params["reason"] == "unreadable"
    memory_folder.log.rmdir()
    await say(memory, "two")
    assert await texts(memory) == ["two"]
    assert memory_folder.reports == []


def test_a_full_disk_is_told_apart(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "full", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.execute("INSERT INTO t VALUES (zeroblob(99999))")
    assert store_error(caught.value, tmp_path).params["reason"] == "full"


def test_a_read_only_file_is_told_apart(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "log")) as connection:
        connection.execute("CREATE TABLE t (x)")
    address = f"file:{tmp_path / 'log'}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection, pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("INSERT INTO t VALUES (1)")
    assert store_error(caught.value, tmp_path).params["reason"] == "read_only"


async def test_a_closed_memory_says_so(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "one")
    await memory.aclose()
    await memory.aclose()
    for call in (say(memory, "two"), memory.lines(MIO), memory.recent(MIO), memory.recall(MIO, "cat")):
        with pytest.raises(MemoryStoreError) as caught:
            await call
        assert caught.value.params["reason"] == "closed"


async def test_no_word_of_the_user_reaches_the_log_text(
    memory_folder: MemoryFolder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    memory = await memory_folder.open()
    await say(memory, "my secret is xyzzy")
    await memory.recall(MIO, "xyzzy")
    await memory.aclose()
    assert "xyzzy" not in caplog.text


async def test_half_a_surrogate_pair_can_be_stored_and_asked_for(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    stored = await memory.store(MIO, NewLine("s1", "t1", "user", "broken \ud83d emoji", START, client_id="c\ud83d"))
    assert stored.line.id == 1
    assert (await memory.lines(MIO))[0].text == "broken \ufffd emoji"
    assert not (await memory.store(MIO, new_line("again", client_id="c\ud83d"))).fresh
    await memory.recall(MIO, "broken \ud83d")


# ── files made by N.E.K.O. ───────────────────────────────────────────────────


def _old_log(memory_folder: MemoryFolder, *, timestamps: bool) -> None:
    stamp = ", timestamp DATETIME" if timestamps else ""
    for table in ("time_indexed_original", "time_indexed_compressed"):
        memory_folder.sql(
            f"CREATE TABLE {table} (id INTEGER NOT NULL, session_id TEXT, message TEXT{stamp}, PRIMARY KEY (id))"
        )
    messages = [
        {
            "type": "human",
            "data": {"content": [{"type": "text", "text": "我的猫"}, {"type": "text", "text": "叫年糕"}]},
        },
        {"type": "ai", "data": {"content": "[20250101 Wed 09:30] 好可爱", "type": "ai", "custom": 1}},
        {"type": "system", "data": {"content": "a note"}},
    ]
    for message in messages:
        memory_folder.sql(
            "INSERT INTO time_indexed_original (session_id, message) VALUES ('old', ?)", (json.dumps(message),)
        )
    memory_folder.sql("INSERT INTO time_indexed_original (session_id, message) VALUES ('old', 'not json')")
    if timestamps:
        memory_folder.sql("UPDATE time_indexed_original SET timestamp = '2025-01-01 09:45:00.123456'")


@pytest.mark.parametrize("timestamps", [True, False])
async def test_a_log_of_the_original_opens_and_stays_as_it_was(memory_folder: MemoryFolder, timestamps: bool) -> None:
    _old_log(memory_folder, timestamps=timestamps)
    before = memory_folder.sql("SELECT id, session_id, message FROM time_indexed_original")
    memory = await memory_folder.open()
    lines = await memory.lines(MIO)
    assert [(line.role, line.text) for line in lines] == [
        ("user", "我的猫叫年糕"),
        ("assistant", "好可爱"),
        ("system", "a note"),
        ("system", "not json"),
    ]
    said, settled = datetime(2025, 1, 1, 9, 30), datetime(2025, 1, 1, 9, 45, 0, 123456)
    assert [line.at for line in lines] == [said, said, *([settled] if timestamps else [said]) * 2]
    assert [line.speaker for line in lines] == ["Anna", "Mio", "SYSTEM_MESSAGE", "SYSTEM_MESSAGE"]
    assert await say(memory, "new") == 5
    await until_indexed(memory_folder, 3)
    assert (await memory.recall(MIO, "我的猫叫什么"))[0].text == "我的猫叫年糕"
    await memory.aclose()
    assert memory_folder.sql("SELECT id, session_id, message FROM time_indexed_original WHERE id < 5") == before
    assert memory_folder.reports == []


async def test_a_log_that_lacks_only_one_timestamp_column_gets_it(memory_folder: MemoryFolder) -> None:
    _old_log(memory_folder, timestamps=False)
    memory_folder.sql("ALTER TABLE time_indexed_original ADD COLUMN timestamp DATETIME")
    memory = await memory_folder.open()
    await say(memory, "new")
    await memory.aclose()
    assert "timestamp" in [row[1] for row in memory_folder.sql("PRAGMA table_info(time_indexed_compressed)")]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
async def test_what_was_said_can_be_read_by_its_owner_only(memory_folder: MemoryFolder) -> None:
    memory = await memory_folder.open()
    await say(memory, "a secret")
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in memory_folder.folder.glob("time_indexed_*")}
    assert modes
    assert set(modes.values()) == {"0o600"}, modes


async def test_a_search_of_a_short_log_is_answered_while_those_of_others_take_long(
    tmp_path: Path, threads: Threads
) -> None:
    logs = []
    for name in "abc":
        (folder := tmp_path / name).mkdir()
        logs.append(await _open(folder, threads))
    begun, go_on = threading.Barrier(3), threading.Event()
    long = [asyncio.create_task(log.recall(lambda *_: begun.wait(30) >= 0 and go_on.wait(30))) for log in logs[:2]]
    await in_thread(begun.wait, 30)
    await logs[2].append(new_line("tea"))
    async with asyncio.timeout(15):
        found = await logs[2].search(
            lambda connection, _: connection.execute("SELECT text FROM neko_words").fetchall(), 0.0, RunningTime(9, 9)
        )
    assert found == [("tea",)]
    assert not any(task.done() for task in long)
    go_on.set()
    assert await asyncio.gather(*long) == [True, True]
    for log in logs:
        await log.aclose()
