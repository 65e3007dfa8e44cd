"""How long a line takes to be safe, and how long to be found again. Run it: python tests/bench/bench_memory.py"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from neko.memory.line_codec import line_json
from neko.memory.service import MemoryService
from neko.memory.timeouts import MemoryTimeouts
from neko.tasks import TaskOwner
from neko.types.lines import NewLine, Role

LINES = 300
MANY = 50_000
START = datetime(2025, 1, 1)
SYLLABLES = ("ka", "lo", "mer", "tin", "sho", "ba", "ren", "wi", "dun", "pel")
SPEAKERS: dict[Role, str] = {"user": "Anna", "assistant": "Mio"}
WORDS = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]


def _line(number: int) -> NewLine:
    words = " ".join(WORDS[number * step % len(WORDS)] for step in range(1, 15))
    text = "my cat is called Biscuit" if number == 1234 else f"{words} {number}"
    role: Role = "assistant" if number % 2 else "user"
    at = START + timedelta(minutes=number)
    return NewLine("session", f"turn{number}", role, text, at, client_id=f"c{number}", speaker=SPEAKERS[role])


def _shown(name: str, seconds: list[float]) -> float:
    ordered = sorted(seconds)
    p50, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    print(f"{name:<44} p50 {p50 * 1e3:8.3f} ms   p99 {p99 * 1e3:8.3f} ms")
    return p50


async def _timed(work: Callable[[], Awaitable[object]], times: int) -> list[float]:
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - begun)
    return seconds


def _bare_insert(connection: sqlite3.Connection, number: int) -> float:
    raw = line_json(_line(number))
    begun = time.perf_counter()
    connection.execute("INSERT INTO t (session_id, message, timestamp) VALUES ('s', ?, 'now')", (raw,))
    return time.perf_counter() - begun


async def _store(folder: Path) -> None:
    """Bare inserts and stores in turn, so that both meet the same disk."""
    bare: list[float] = []
    stored: list[float] = []
    async with TaskOwner("bench") as owner:
        memory = MemoryService(folder, owner)
        await memory.start()
        await memory.lines("Mio")
        with closing(sqlite3.connect(folder / "bare", isolation_level=None)) as connection:
            connection.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                "CREATE TABLE t (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT, timestamp DATETIME);"
                "CREATE INDEX a ON t (session_id); CREATE INDEX b ON t (timestamp);"
            )
            for number in range(LINES):
                bare.append(_bare_insert(connection, number))
                line = _line(number)
                begun = time.perf_counter()
                await memory.store("Mio", line)
                stored.append(time.perf_counter() - begun)
        await memory.aclose()
    floor = _shown("floor: a bare insert with the same pragmas", bare)
    print(f"{'store(): ratio to its floor':<44} {_shown('store()', stored) / floor:.2f}x")


async def _fill(folder: Path) -> None:
    async with TaskOwner("bench") as owner:
        memory = MemoryService(folder, owner)
        await memory.lines("Many")
        await memory.aclose()
    with closing(sqlite3.connect(folder / "time_indexed_Many")) as connection, connection:
        rows = ((line_json(_line(number)), str(_line(number).at)) for number in range(MANY))
        connection.executemany(
            "INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES ('s', ?, ?)", rows
        )


async def _find(folder: Path) -> None:
    async with TaskOwner("bench") as owner:
        memory = MemoryService(folder, owner, timeouts=MemoryTimeouts(recall_timeout_s=60.0, quiet_s=3600.0))
        _shown(f"first lines() of {MANY}, opening included", await _timed(lambda: memory.lines("Many"), 1))
        _shown(f"lines(limit=50) of {MANY}", await _timed(lambda: memory.lines("Many"), 100))
        _shown(f"lines(before the middle) of {MANY}", await _timed(lambda: memory.lines("Many", before=MANY // 2), 100))
        _shown(f"recent() of {MANY}", await _timed(lambda: memory.recent("Many"), 20))
        evidence = await memory.recall("Many", "What is my cat's name?")
        print("recalled:", json.dumps(evidence[0].text))
        for query in (
            "What is my cat's name?",
            "kalomer tinsho and bareniwi with some more words: garden, tea, sea, tree",
        ):
            _shown(f"recall({query[:22]!r}…)", await _timed(lambda query=query: memory.recall("Many", query), 5))  # type: ignore[misc]
        await memory.aclose()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_store(Path(folder)))
        asyncio.run(_fill(Path(folder)))
        asyncio.run(_find(Path(folder)))


if __name__ == "__main__":
    main()
