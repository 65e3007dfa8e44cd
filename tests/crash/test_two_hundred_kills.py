"""A memory that is killed two hundred times while it stores, sums up, deletes, renames, backs up and migrates."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from neko.errors import NekoError
from neko.memory import backup
from neko.memory.character_files import files_of, move
from neko.memory.service import MemoryService
from neko.tasks import TaskOwner
from tests.crash.at_work import NAME, OTHER

ROOT = Path(__file__).parent.parent.parent
KILLS = int(os.environ.get("NEKO_TEST_KILLS", "200"))
LONGEST_S = 0.6
"""From the first word of the process to its end."""


async def _killed(folder: Path, tag: str, seed: int, after_s: float) -> str:
    """What the process has told when it is killed, after a line that is whole."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.crash.at_work",
        str(folder),
        tag,
        str(seed),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    assert first, "it ended by itself"
    await asyncio.sleep(after_s)
    process.kill()
    said = first + await process.stdout.read()
    await process.wait()
    return said[: said.rfind(b"\n")].decode()


def _as_of_an_older_neko(log: Path) -> None:
    """Let the next start migrate: no version is counted, and there is no index yet."""
    with closing(sqlite3.connect(log, isolation_level=None)) as connection:
        connection.execute("DROP INDEX IF EXISTS neko_original_chat")
        connection.execute("UPDATE neko_indexed SET version = 'older'")
        connection.execute("PRAGMA user_version = 0")


async def _looked_over(folder: Path, acknowledged: dict[int, str], deleted: set[int]) -> None:
    """Start again, end what was begun, and compare."""
    if files_of(folder, OTHER):
        await asyncio.to_thread(move, folder, OTHER, folder, NAME)
    reports: list[NekoError] = []
    async with TaskOwner("test") as owner:
        memory = MemoryService(folder, owner, on_damage=reports.append)
        await (await memory._opened(NAME)).log.prepare_recall()
        await memory.recent(NAME)
        await memory.aclose()
    assert reports == []
    with closing(sqlite3.connect(folder / f"time_indexed_{NAME}", isolation_level=None)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.execute("INSERT INTO neko_index (neko_index) VALUES ('integrity-check')")
        kept = dict(connection.execute("SELECT id, message FROM time_indexed_original"))
        indexed = {number for (number,) in connection.execute("SELECT id FROM neko_words")}
    assert acknowledged.keys() - deleted <= kept.keys()
    assert all(json.dumps(text)[1:-1] in kept[number] for number, text in acknowledged.items() if number in kept)
    assert indexed == kept.keys()
    for copy in backup.copies(folder / f"time_indexed_{NAME}"):
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]


@pytest.mark.long
async def test_nothing_acknowledged_is_lost_and_the_index_is_right_after_every_kill(tmp_path: Path) -> None:
    chance = random.Random(2026)
    acknowledged: dict[int, str] = {}
    deleted: set[int] = set()
    for kill in range(KILLS):
        if kill % 5 == 4:
            _as_of_an_older_neko(tmp_path / f"time_indexed_{NAME}")
        said = await _killed(tmp_path, f"run{kill}", kill, chance.uniform(0, LONGEST_S))
        for line in said.split("\n"):
            sign, number, *text = line.split(" ", 2)
            if sign == "+":
                acknowledged[int(number)] = text[0]
            else:
                deleted.add(int(number))
        await _looked_over(tmp_path, acknowledged, deleted)
