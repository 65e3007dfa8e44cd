"""What was acknowledged is still there after the process was killed, and every file can be read."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from neko.errors import NekoError
from neko.memory.service import MemoryService
from neko.tasks import TaskOwner

ROOT = Path(__file__).parent.parent.parent
KILLS = 5


async def _store_until_killed(folder: Path, tag: str, after: int) -> dict[int, str]:
    """Kill the storing process once it has acknowledged ``after`` lines; returns all it acknowledged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash.storing", str(folder), tag, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    raw = b"".join([await process.stdout.readline() for _ in range(after)])
    process.kill()
    raw += await process.stdout.read()
    await process.wait()
    whole = raw[: raw.rfind(b"\n")].decode().split("\n")
    return {int(number): text for number, _, text in (line.partition(" ") for line in whole)}


async def test_no_acknowledged_line_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    chance = random.Random(2026)
    acknowledged: dict[int, str] = {}
    async with asyncio.timeout(50):
        for kill in range(KILLS):
            acknowledged |= await _store_until_killed(tmp_path, f"run{kill}", chance.randint(1, 60))
    recent = json.loads((tmp_path / "recent_Mio.json").read_text(encoding="utf-8"))
    assert all(entry["type"] in ("human", "ai", "system") for entry in recent)

    reports: list[NekoError] = []
    async with TaskOwner("test") as owner:
        memory = MemoryService(tmp_path, owner, on_damage=reports.append)
        lines = await memory.lines("Mio", after=0, limit=100_000)
        window = await memory.recent("Mio")
        await memory.aclose()
    assert reports == []
    with closing(sqlite3.connect(tmp_path / "time_indexed_Mio")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept = dict(connection.execute("SELECT id, message FROM time_indexed_original"))
    assert acknowledged.keys() <= kept.keys()
    assert all(json.dumps(text)[1:-1] in kept[number] for number, text in acknowledged.items())
    said = [line.text for line in lines]
    assert len(said) == len(set(said))
    turns = [entry.text for entry in window if entry.role != "system"]
    assert turns == said[-len(turns) :]
