"""Logs of every earlier version, whose process is killed again and again while it brings them to the present one."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from neko.errors import NekoError
from neko.memory import facts, schema
from neko.memory.line_codec import Message, line_json, stamp, turn_message
from neko.memory.migrations import MIGRATIONS, migrate
from neko.memory.service import MemoryService
from neko.tasks import TaskOwner, in_thread
from neko.types.lines import NewLine, Role
from neko.types.memory import InChats
from tests.crash.migrating import NAME

ROOT = Path(__file__).parent.parent.parent
LOG = f"time_indexed_{NAME}"
UNCOUNTED = 0
"""The version of what N.E.K.O. wrote, whose tables may lack the column of the time."""
FACTS = MIGRATIONS.index(facts.make) + 1
"""The first version that has any."""
START = datetime(2024, 3, 1, 8, 0)


def _older_log(path: Path, version: int, lines: int) -> None:
    """A log of that version with so many lines, a fact for each tenth, and an index by rules that are no more."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if version == UNCOUNTED:
            for table in (schema.ORIGINAL, schema.COMPRESSED):
                connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)")
        else:
            connection.execute("PRAGMA journal_mode=WAL")
            migrate(connection, MIGRATIONS[:version])
        connection.execute("BEGIN")
        for number in range(1, lines + 1):
            role: Role = "user" if number % 2 else "assistant"
            at, text = START + timedelta(minutes=number), f"line {number} of an older log " + "and more of it, 猫 " * 12
            if version == UNCOUNTED:
                message: Message = turn_message(role, text, at)
                row: tuple[Any, ...] = (number, "s", json.dumps(message))
            else:
                line = NewLine("s", f"t{number}", role, text, at, speaker=role, client_id=f"old-{number}")
                row = (number, "s", line_json(line), stamp(at))
            connection.execute(f"INSERT INTO {schema.ORIGINAL} VALUES ({', '.join('?' * len(row))})", row)
        if version >= FACTS:
            columns = "id, subject, attribute, value, valid_from, recorded_at"
            for number in range(10, lines + 1, 10):
                fact = (number, "user", "likes", f"thing {number}", stamp(START), stamp(START))
                connection.execute(f"INSERT INTO neko_facts ({columns}) VALUES (?, ?, ?, ?, ?, ?)", fact)
                connection.execute("INSERT INTO neko_fact_sources VALUES (?, 1, ?)", (number, number))
        if "neko_indexed" in {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}:
            connection.execute("UPDATE neko_indexed SET version = 'older'")
        connection.execute("COMMIT")


class Migrating:
    """The process at work on the log in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = 0
        self.acknowledged: dict[int, str] = {}

    async def takes_s(self) -> float:
        """How long the whole migration takes."""
        process = await self._begun()
        begun = time.monotonic()
        await _told(process)
        took = time.monotonic() - begun
        process.kill()
        await process.communicate()
        return took

    async def killed(self, after_s: float) -> str:
        """Kill it so long after it began: in what, by name."""
        process = await self._begun()
        await asyncio.sleep(after_s)
        process.kill()
        said, _ = await process.communicate()
        assert process.returncode == -9, "it ended by itself"
        within = "migrate"
        for line in said[: said.rfind(b"\n") + 1].splitlines():
            told = json.loads(line)
            self.acknowledged |= {int(number): text for number, text in told.get("lines", {}).items()}
            within = {"migrate": "store", "store": "index", "index": "rest"}[told["done"]]
        return within

    async def _begun(self) -> asyncio.subprocess.Process:
        self._runs += 1
        command = (sys.executable, "-m", "tests.crash.migrating", str(self._folder), f"run{self._runs}")
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        assert await _told(process) == {"begins": "migrate"}
        return process


async def _told(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(await process.stdout.readline())
    return told


def _is_whole(log: Path, version: int, acknowledged: dict[int, str], lines: int, known: int) -> int:
    """Look at a copy of what the killed process has left, which stays as it is; its version.

    ``known``: how many facts there are.
    """
    look = log.parent.parent / "look"
    shutil.rmtree(look, ignore_errors=True)
    look.mkdir()
    for file in (log, log.with_name(f"{log.name}-wal")):
        if file.exists():
            shutil.copy(file, look)
    with closing(sqlite3.connect(look / log.name)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (reached,) = connection.execute("PRAGMA user_version").fetchone()
        assert version <= reached <= len(MIGRATIONS)
        kept = dict(connection.execute(f"SELECT id, message FROM {schema.ORIGINAL}"))
        assert all(f"line {number} of an older log" in kept[number] for number in range(1, lines + 1))
        assert all(text in kept[number] for number, text in acknowledged.items())
        if reached >= FACTS:
            assert connection.execute("SELECT count(*) FROM neko_facts").fetchone() == (known,)
        return int(reached)


async def _is_migrated(folder: Path, acknowledged: dict[int, str], lines: int, known: int) -> None:
    """Open it for good: all is there, and the index has it."""
    reports: list[NekoError] = []
    async with TaskOwner("test") as owner:
        memory = MemoryService(folder, owner, on_damage=reports.append)
        await memory.start()
        await (await memory._opened(NAME)).log.prepare_recall()
        said = {line.id: line.text for line in await memory.lines(NAME, limit=10**6, chat=InChats.ALL)}
        facts_there = await memory.facts(NAME)
        await memory.aclose()
    assert reports == []
    assert said.keys() >= set(range(1, lines + 1)) | acknowledged.keys()
    assert acknowledged.items() <= said.items()
    assert len(facts_there) == known
    with closing(sqlite3.connect(folder / LOG, isolation_level=None)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.execute("INSERT INTO neko_index (neko_index) VALUES ('integrity-check')")
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert {number for (number,) in connection.execute("SELECT id FROM neko_words")} == said.keys()


async def _killed_while_migrating(place: Path, version: int, lines: int, kills: int, seed: int) -> Counter[str]:
    """In what so many kills fell, begun anew with the old log whenever it has been migrated."""
    chance, within, known = random.Random(seed), Counter[str](), lines // 10 if version >= FACTS else 0
    place.mkdir()
    await in_thread(_older_log, place / LOG, version, lines)

    def anew() -> Migrating:
        shutil.rmtree(place / "memory", ignore_errors=True)
        (place / "memory").mkdir()
        shutil.copy(place / LOG, place / "memory")
        return Migrating(place / "memory")

    span_s = await anew().takes_s()
    at_work, reached = anew(), version
    for kill in range(kills):
        found = await at_work.killed(chance.uniform(0, 1.1 * span_s))
        try:
            log, acknowledged = place / "memory" / LOG, at_work.acknowledged
            reached = await in_thread(_is_whole, log, reached, acknowledged, lines, known)
            if found != "migrate" or kill == kills - 1:
                await _is_migrated(place / "memory", acknowledged, lines, known)
                at_work, reached = anew(), version
        except BaseException as error:
            error.add_note(f"after kill {kill} within {found} of version {version}, with seed {seed}")
            raise
        within[found] += 1
    return within


async def test_a_migration_goes_on_after_it_was_killed(tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        within = await _killed_while_migrating(tmp_path / "old", FACTS, 4_000, 2, 7)
    assert within.total() == 2


@pytest.mark.long
async def test_a_migration_from_every_version_goes_on_after_it_was_killed(tmp_path: Path) -> None:
    seed, within = random.Random().randrange(10**6), Counter[str]()
    for version in range(len(MIGRATIONS)):
        found = await _killed_while_migrating(tmp_path / f"{version}", version, 20_000, 10, seed)
        sys.stdout.write(f"version {version}: killed within {dict(found)}\n")
        within += found
        shutil.rmtree(tmp_path / f"{version}")
    assert within["migrate"] >= 40, within
