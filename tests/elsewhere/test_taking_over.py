"""Neko is started on a folder of N.E.K.O. whose memory lies in a folder per character: everything is there."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from neko.app import taking_over
from neko.faults import Fault
from neko.i18n import describe
from neko.memory.import_files import look_into
from neko.types.lines import NewLine
from neko.types.memory import InChats
from tests.elsewhere.neko_layouts import MEMO, SAID, per_character
from tests.elsewhere.programs import write
from tests.elsewhere.test_import_command import said, state_of
from tests.elsewhere.test_neko_layouts import FACTS, facts
from tests.page.running_neko import RunningNeko

ROOT = Path(__file__).parents[2]
NAME = "Mio"
LOG = "time_indexed.db"
ENDED_S = 30.0


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A data folder as N.E.K.O. leaves it, with what it remembers of Mio."""
    return left_by_neko(tmp_path / "data")


def left_by_neko(folder: Path) -> Path:
    cards = {NAME: {"昵称": NAME}, "Rin": {"昵称": "Rin"}}
    write(folder / "config" / "characters.json", {"主人": {"档案名": "Ann"}, "猫娘": cards, "当前猫娘": NAME})
    per_character(folder / "memory", NAME, "Ann")
    return folder


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be taken over is tried again without a pause."""
    monkeypatch.setattr(taking_over, "_AGAIN_S", 0.05)


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[RunningNeko]:
    """It leaves every file of N.E.K.O. as it was."""
    before = state_of(folder / "memory" / NAME)
    async with RunningNeko(folder) as running:
        yield running
    assert state_of(folder / "memory" / NAME) == before


async def told(running: RunningNeko, code: str) -> Fault:
    """What stands under this code, once it does."""
    standing = running.neko._standing
    found: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()
    tell = standing.on_stand

    def stand(fault: Fault) -> None:
        tell(fault)
        if fault.error.code == code and not found.done():
            found.set_result(fault)

    standing.on_stand = stand
    for fault in standing.all():
        if fault.error.code == code and not found.done():
            found.set_result(fault)
    async with asyncio.timeout(ENDED_S):
        return await found


def sentence(fault: Fault) -> str:
    notice = describe(fault.error, "en", files_by_name=True)
    return f"{notice.text} {notice.remedy}"


async def test_everything_is_there_for_the_first_who_asks_and_it_is_told(theirs: Path) -> None:
    async with started(theirs) as running:
        neko = running.neko
        assert [line.text for line in await neko.memory.lines(NAME)] == SAID
        window = await neko.memory.recent(NAME)
        assert [entry.text for entry in window] == [MEMO, *SAID]
        known = await neko.memory.facts(NAME)
        assert {(one.subject, one.attribute, one.value) for one in known} >= FACTS
        assert [one.text for one in await neko.memory.recall(NAME, "Where do I live?")][:1] == ["I live in Oslo"]
        assert neko.extracted.of(NAME) is not None
        fault = await told(running, "taken_over")
        assert fault.character == NAME
        assert fault.dismissible
        assert "4 lines, 5 facts" in sentence(fault)
        await neko.faults.dismiss(fault.id)
        assert not neko.faults.all()
    settings = json.loads((theirs / "memory" / f"settings_{NAME}.json").read_text(encoding="utf-8"))
    assert settings == {NAME: {"hobby": "stars"}, "Ann": {"city": "Oslo"}}


async def test_a_second_start_takes_nothing_twice_and_tells_nothing(theirs: Path) -> None:
    for _ in range(3):
        async with started(theirs) as running:
            assert [line.text for line in await running.neko.memory.lines(NAME, chat=InChats.ALL)] == SAID
    assert not running.neko.faults.all()
    assert len(facts(theirs, NAME)) == len(set(facts(theirs, NAME)))


async def test_what_is_forgotten_taken_back_or_cleared_does_not_come_again(theirs: Path) -> None:
    async with started(theirs) as running:
        gone = [line.id for line in await running.neko.memory.lines(NAME) if "Oslo" in line.text]
        await running.neko.conversations.forget(NAME, gone)
    async with started(theirs) as running:
        memory = running.neko.memory
        assert [line.text for line in await memory.lines(NAME, chat=InChats.ALL)] == SAID[1:]
        [change] = [one for one in await memory.changes(NAME) if one.kind.value == "imported"]
        assert await running.neko.imports.take_back(NAME, change.number)
        assert running.neko.imports._task is not None
        await running.neko.imports._task
        assert not await memory.facts(NAME)
    async with started(theirs) as running:
        assert not await running.neko.memory.lines(NAME, chat=InChats.ALL)
        await running.neko.characters.clear_memory(NAME)
    async with started(theirs) as running:
        assert not await running.neko.memory.lines(NAME, chat=InChats.ALL)
        assert not running.neko.faults.all()


async def test_what_is_said_in_the_other_program_later_comes_at_the_next_start_and_nothing_else(theirs: Path) -> None:
    log = theirs / "memory" / NAME / LOG
    async with started(theirs) as running:
        gone = [line.id for line in await running.neko.memory.lines(NAME) if "Oslo" in line.text]
        await running.neko.conversations.forget(NAME, gone)
    for number, said_since in enumerate((["line 0", "line 1"], ["line 0", "line 1"])):
        many(log, 2, day=23 + number)
        async with started(theirs) as running:
            lines = await running.neko.memory.lines(NAME)
            assert [line.text for line in lines] == SAID[1:] + said_since * (number + 1)
            assert "2 lines, 0 facts" in sentence(await told(running, "taken_over"))
            facts_then = len(facts(theirs, NAME))
    async with started(theirs) as running:
        assert len(await running.neko.memory.lines(NAME)) == len(lines)
        assert not running.neko.faults.all()
    assert len(facts(theirs, NAME)) == facts_then


async def test_the_rest_of_a_talk_that_the_log_holds_takes_its_place_in_the_talk(theirs: Path) -> None:
    log = theirs / "memory" / NAME / LOG
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("DELETE FROM time_indexed_original WHERE id < 3")
    async with started(theirs) as running:
        lines = await running.neko.memory.lines(NAME, chat=InChats.ALL)
        assert [line.text for line in lines] == SAID
        assert [entry.text for entry in await running.neko.memory.recent(NAME)] == [MEMO, *SAID]


async def test_what_stands_only_in_the_window_later_comes_and_what_is_forgotten_does_not(theirs: Path) -> None:
    window = theirs / "memory" / NAME / "recent.json"
    async with started(theirs) as running:
        gone = [line.id for line in await running.neko.memory.lines(NAME) if "Oslo" in line.text]
        await running.neko.conversations.forget(NAME, gone)
    entries = json.loads(window.read_text(encoding="utf-8"))
    for kind, text in (("human", "yes"), ("ai", "[20260225 Wed 10:00] It is.")):
        entries.append({"type": kind, "data": {"content": text}})
    write(window, entries)
    for _ in range(2):
        async with started(theirs) as running:
            lines = await running.neko.memory.lines(NAME, chat=InChats.ALL)
            assert [line.text for line in lines] == [*SAID[1:], "yes", "It is."]
            assert {line.chat for line in lines} == {0}


async def test_what_waits_for_a_character_that_is_renamed_comes_to_her(theirs: Path) -> None:
    per_character(theirs / "memory", "Rin", "Ann")
    with closing(sqlite3.connect(theirs / "memory" / "Rin" / LOG, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with started(theirs) as running:
            await told(running, "not_taken_over")
            await running.neko.characters.rename("Rin", "Rinne")
    async with started(theirs) as running:
        assert running.neko.taking_over._task is not None
        await running.neko.taking_over._task
        assert [line.text for line in await running.neko.memory.lines("Rinne")] == SAID
        assert {fault.character for fault in running.neko.faults.all()} == {"Rinne"}


async def test_what_waited_for_a_character_that_is_deleted_does_not_come_to_another_one(theirs: Path) -> None:
    per_character(theirs / "memory", "Rin", "Ann")
    with closing(sqlite3.connect(theirs / "memory" / "Rin" / LOG, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with started(theirs) as running:
            await told(running, "not_taken_over")
            await running.neko.characters.delete("Rin")
            await running.neko.characters.create("Rin", {"性格": "new"})
            other.execute("ROLLBACK")
            assert running.neko.taking_over._task is not None
            await running.neko.taking_over._task
    async with started(theirs) as running:
        assert not await running.neko.memory.lines("Rin", chat=InChats.ALL)
        assert not await running.neko.memory.facts("Rin")


async def test_of_a_memory_that_is_cleared_before_it_could_come_nothing_comes(theirs: Path) -> None:
    with closing(sqlite3.connect(theirs / "memory" / NAME / LOG, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with started(theirs) as running:
            await told(running, "not_taken_over")
            await running.neko.characters.clear_memory(NAME)
            other.execute("ROLLBACK")
            assert running.neko.taking_over._task is not None
            await running.neko.taking_over._task
            assert not await running.neko.memory.lines(NAME, chat=InChats.ALL)
            assert not running.neko.faults.all()


async def test_each_character_gets_her_own(theirs: Path) -> None:
    per_character(theirs / "memory", "Rin", "Ann")
    many(theirs / "memory" / "Rin" / LOG, 3)
    async with started(theirs) as running:
        memory = running.neko.memory
        assert running.neko.taking_over._task is not None
        await running.neko.taking_over._task
        assert [line.text for line in await memory.lines(NAME)] == SAID
        assert [line.text for line in await memory.lines("Rin")] == [*SAID, "line 0", "line 1", "line 2"]
        assert {fault.character for fault in running.neko.faults.all()} == {NAME, "Rin"}


async def test_what_a_newer_neko_moved_into_its_folder_of_neko_s_own_comes_back(theirs: Path) -> None:
    """As it moves files of the older layout when it starts: chats and moments are as they were."""
    folder = theirs / "memory" / NAME
    folder.rename(theirs / "away")
    async with RunningNeko(theirs) as running:
        memory = running.neko.memory
        await memory.store(NAME, NewLine("s", "t", "user", "the first", datetime(2026, 3, 1, 10)))
        await memory.change_chat(NAME, None)
        await memory.store(NAME, NewLine("s", "u", "user", "the second", datetime(2026, 3, 2, 10)))
    folder.mkdir()
    for old, new in ((f"time_indexed_{NAME}", LOG), (f"recent_{NAME}.json", "recent.json")):
        (theirs / "memory" / old).rename(folder / new)
    async with started(theirs) as running:
        lines = await running.neko.memory.lines(NAME, chat=InChats.ALL)
        assert [(line.text, line.at.day) for line in lines] == [("the first", 1), ("the second", 2)]
        assert [line.text for line in await running.neko.memory.lines(NAME)] == ["the second"]


async def test_of_a_character_that_is_not_there_nothing_comes(theirs: Path) -> None:
    per_character(theirs / "memory", "Gone", "Ann")
    async with started(theirs) as running:
        await told(running, "taken_over")
        assert running.neko.taking_over._task is not None
        await running.neko.taking_over._task
    assert not (theirs / "memory" / "time_indexed_Gone").exists()


async def test_words_that_are_said_meanwhile_stand_behind_what_was_said_there(theirs: Path) -> None:
    """They wait for it: the talk goes on where it ended."""
    many(theirs / "memory" / NAME / LOG, 600)
    async with started(theirs) as running:
        events = [event async for event in running.neko.chat(NAME, "Do you remember?")]
        assert events
        lines = await running.neko.memory.lines(NAME, limit=1_000)
        assert [line.text for line in lines][-2] == "Do you remember?"
        assert [line.at for line in lines] == sorted(line.at for line in lines)
        assert len(lines) == 600 + len(SAID) + 2
        assert {line.chat for line in lines} == {0}


async def test_what_was_said_in_neko_before_keeps_its_place(theirs: Path) -> None:
    folder = theirs / "memory" / NAME
    folder.rename(theirs / "away")
    async with RunningNeko(theirs) as running:
        await running.neko.memory.store(NAME, NewLine("s", "t", "user", "here first", datetime.now()))
    (theirs / "away").rename(folder)
    async with started(theirs) as running:
        memory = running.neko.memory
        assert [line.text for line in await memory.lines(NAME)] == ["here first"]
        assert [entry.text for entry in await memory.recent(NAME)] == [MEMO, "here first"]
        older = next(chat for chat in (await memory.chats(NAME)).chats if chat.id)
        assert [line.text for line in await memory.lines(NAME, chat=older.id)] == SAID


async def test_what_goes_on_where_files_of_the_older_layout_end_is_the_same_talk(theirs: Path) -> None:
    older = theirs / "memory" / f"time_indexed_{NAME}"
    older.write_bytes((theirs / "memory" / NAME / LOG).read_bytes())
    many(theirs / "memory" / NAME / LOG, 6)
    async with started(theirs) as running:
        lines = await running.neko.memory.lines(NAME)
        assert [line.text for line in lines] == [*SAID, *(f"line {number}" for number in range(6))]


async def test_a_damaged_database_gives_what_can_be_read_and_is_told(theirs: Path) -> None:
    log = theirs / "memory" / NAME / LOG
    many(log, 400)
    content = bytearray(log.read_bytes())
    page = len(content) // 8192 * 4096
    content[page : page + 8192] = bytes(8192)
    log.write_bytes(content)
    async with started(theirs) as running:
        there = [line.text for line in await running.neko.memory.lines(NAME, limit=1_000)]
        fault = await told(running, "taken_over")
        assert f"{NAME}/{LOG}" in sentence(fault)
        assert "Damaged" in sentence(fault)
    assert there[: len(SAID)] == SAID
    assert len(there) == len(set(there)) > 100
    async with started(theirs) as running:
        assert [line.text for line in await running.neko.memory.lines(NAME, limit=1_000)] == there


async def test_of_a_database_that_is_none_the_other_files_come(theirs: Path) -> None:
    (theirs / "memory" / NAME / LOG).write_bytes(b"no database at all" * 1_000)
    async with started(theirs) as running:
        assert [line.text for line in await running.neko.memory.lines(NAME)] == SAID, "of the recent window"
        assert f"Damaged: {NAME}/{LOG}" in sentence(await told(running, "taken_over"))


async def test_damaged_facts_give_what_can_be_read_and_are_told(theirs: Path) -> None:
    path = theirs / "memory" / NAME / "facts.json"
    path.write_bytes(path.read_bytes()[:-40])
    async with started(theirs) as running:
        assert f"Damaged: {NAME}/facts.json." in sentence(await told(running, "taken_over"))


@pytest.mark.parametrize("name", ["persona.json", "settings.json"])
async def test_a_document_that_breaks_off_is_told(name: str, theirs: Path) -> None:
    path = theirs / "memory" / NAME / name
    path.write_bytes(path.read_bytes()[:-12])
    async with started(theirs) as running:
        assert f"Damaged: {NAME}/{name}." in sentence(await told(running, "taken_over"))


async def test_a_locked_database_is_told_and_comes_when_it_is_free(theirs: Path) -> None:
    with closing(sqlite3.connect(theirs / "memory" / NAME / LOG, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with started(theirs) as running:
            fault = await told(running, "not_taken_over")
            assert "Close N.E.K.O." in sentence(fault)
            assert not fault.dismissible
            assert not await running.neko.memory.lines(NAME)
            other.execute("ROLLBACK")
            await told(running, "taken_over")
            assert [one.error.code for one in running.neko.faults.all()] == ["taken_over"]
            assert [line.text for line in await running.neko.memory.lines(NAME)] == SAID


async def test_a_database_that_grows_while_it_is_read_is_read_again(
    theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = theirs / "memory" / NAME / LOG
    looks = list[int]()

    def looking(*arguments: Any) -> Any:
        found = look_into(*arguments)
        looks.append(1)
        if len(looks) == 1:
            many(log, 2)
        return found

    monkeypatch.setattr(taking_over, "look_into", looking)
    async with RunningNeko(theirs) as running:
        await told(running, "taken_over")
        assert [line.text for line in await running.neko.memory.lines(NAME)] == [*SAID, "line 0", "line 1"]
    assert len(looks) == 2


async def test_a_file_that_cannot_be_read_is_told_and_comes_when_it_can(theirs: Path) -> None:
    path = theirs / "memory" / NAME / "facts.json"
    content = path.read_bytes()
    path.unlink()
    path.mkdir()
    async with RunningNeko(theirs) as running:
        assert "cannot be read: facts.json: " in sentence(await told(running, "not_taken_over"))
        assert not await running.neko.memory.lines(NAME), "not a half"
        path.rmdir()
        path.write_bytes(content)
        await told(running, "taken_over")
    assert set(facts(theirs, NAME)) >= FACTS


async def test_a_full_disk_is_told_and_it_comes_when_there_is_room(
    theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copy2
    left = [2]

    def copied(*paths: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OSError(28, "No space left on device")
        return copy(*paths)

    monkeypatch.setattr("neko.memory.import_files.shutil.copy2", copied)
    async with started(theirs) as running:
        assert "Make some room" in sentence(await told(running, "not_taken_over"))
        await told(running, "taken_over")
        assert [line.text for line in await running.neko.memory.lines(NAME)] == SAID


KILLED = """
import asyncio, os, sys
from pathlib import Path
from neko import storage
from neko.memory import folder_layout, importing
from neko.memory.log import Log
from neko.settings import Settings
from neko.app import Neko

left = int(sys.argv[2])

def step():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)

def awaited(act):
    async def acting(*arguments, **options):
        step()
        result = await act(*arguments, **options)
        step()
        return result
    return acting

def called(act):
    def acting(*arguments, **options):
        step()
        act(*arguments, **options)
        step()
    return acting

Log.transaction, Log.append_all = awaited(Log.transaction), awaited(Log.append_all)
folder_layout.write_json, importing.write_json = called(folder_layout.write_json), called(importing.write_json)

async def main():
    async with Neko(Settings(data_dir=Path(sys.argv[1]), environ={}, find_local_servers=False)) as neko:
        await neko.taking_over._task

asyncio.run(main())
print("ended")
"""


@pytest.mark.few(3)
@pytest.mark.parametrize("step", [7, 13, 22, *range(7), *range(8, 13), *range(14, 22), *range(23, 30)])
async def test_killed_at_any_step_it_is_whole_after_the_next_start(step: int, theirs: Path) -> None:
    command = (sys.executable, "-c", KILLED, str(theirs), str(step))
    ended = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert ended.returncode in (-9, 0), ended.stderr.decode()
    async with started(theirs) as running:
        memory = running.neko.memory
        lines = await memory.lines(NAME, chat=InChats.ALL)
        assert [line.text for line in lines] == SAID
        assert {line.chat for line in lines} == {await memory.open_chat(NAME)}
        assert [entry.text for entry in await memory.recent(NAME)] == [MEMO, *SAID]
        assert await (await memory._opened(NAME)).log.state("brought_in") == 0, "there is something to learn from"
    assert said(theirs, NAME) == SAID
    assert set(facts(theirs, NAME)) >= FACTS
    assert len(facts(theirs, NAME)) == len(set(facts(theirs, NAME)))
    settings = json.loads((theirs / "memory" / f"settings_{NAME}.json").read_text(encoding="utf-8"))
    assert settings == {NAME: {"hobby": "stars"}, "Ann": {"city": "Oslo"}}
    assert not [path.name for path in (theirs / "memory").iterdir() if re.match(r"\.work-", path.name)]


def many(log: Path, count: int, *, day: int = 23) -> None:
    """So many more lines, each of them with the moment at which it was said."""
    with closing(sqlite3.connect(log)) as connection, connection:
        rows = []
        for number in range(count):
            at = f"2026-02-{day + number // 288:02} {number % 288 // 12:02}:{number % 12 * 5:02}"
            kind = "ai" if number % 2 else "human"
            moment = f"[{at[:10].replace('-', '')} Mon {at[11:]}] " if number % 2 else ""
            message = {"type": kind, "data": {"content": f"{moment}line {number}"}}
            rows.append(("later", json.dumps(message), "2026-02-25 23:59:00.000000"))
        insert = "INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)"
        connection.executemany(insert, rows)
