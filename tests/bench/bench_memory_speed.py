"""How much processor time recall takes as the log grows, and how long a line takes to be stored and found.

Run it: python -m tests.bench.bench_memory_speed [--million]   (--million: a log of a million lines as well, minutes)

Ten characters in one folder with so many lines each (a million: one of them), asked in turn; the lines are made of
20,000 words that are as unevenly frequent as those of a language (Zipf), in English letters and in Chinese characters.
Every tenth question asks for something said on a day. Processor time is that of the whole process, so that other work
on the machine does not count. What is measured by the clock stands next to a floor from the same seconds: a bare
SQLite commit of the same row, as durable, on the same disk.

Then one talks while the lines of another are embedded by the model that is installed on this computer, if there is
one: storing and recalling stand next to the same while embedding is paused, from the same seconds.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path

from neko.llm.embeddings import models as local_models
from neko.llm.embeddings.local import LocalEmbedder
from neko.llm.embeddings.models import LocalModel
from neko.memory import index, schema
from neko.memory.line_codec import Names, line_json
from neko.memory.service import MemoryService
from neko.memory.timeouts import MemoryTimeouts
from neko.tasks import TaskOwner
from neko.types.lines import NewLine, Role
from tests.bench.figures import median, ms, show
from tests.loop_watchdog import LIMIT, watching
from tests.word_embedder import Choice

CHARACTERS = 10
QUESTIONS = 60
STORED = 200
MOST_COPIED = 100_000
EMBEDDED = 10_000
ROUNDS = 8
"""With embedding, and as many without."""
TOLD = 20
SETTLED_S = 0.5
BETWEEN_S = 0.15
"""Longer than embedding waits for others (``MemoryTimeouts.room_s``)."""
START = datetime(2020, 1, 1)
NAMES: Names = {"user": "Anna", "assistant": "Mio", "system": "S"}
AIMS_MS = {10_000: 25, 100_000: 50, 1_000_000: 120}
SYLLABLES = ("ka", "lo", "mer", "tin", "sho", "ba", "ren", "wi", "dun", "pel", "ga", "nor", "vi", "sta", "qu", "zem")


class Language:
    """A made-up one: words by their frequency."""

    def __init__(self, is_chinese: bool, chance: random.Random) -> None:
        self.join = "" if is_chinese else " "
        self.length = 16 if is_chinese else 11
        self.chance = chance
        self.words = [self._word(number, is_chinese) for number in range(20_000)]
        self.weights = list(accumulate(1 / (rank + 3) for rank in range(len(self.words))))

    def _word(self, number: int, is_chinese: bool) -> str:
        if is_chinese:
            return "".join(chr(0x4E00 + int(self.chance.paretovariate(0.6) * 7) % 3_000) for _ in range(2))
        return "".join(self.chance.choices(SYLLABLES, k=2 + number % 2)) + "aeiou"[number % 5]

    def text(self, most: int) -> str:
        return self.join.join(self.chance.choices(self.words, cum_weights=self.weights, k=self.chance.randint(3, most)))


def lines(language: Language, count: int) -> Iterator[NewLine]:
    for number in range(count):
        role: Role = "assistant" if number % 2 else "user"
        at = START + timedelta(minutes=2 * number)
        yield NewLine("s", f"t{number}", role, language.text(2 * language.length), at, speaker=NAMES[role])


def fill(path: Path, language: Language, count: int) -> None:
    """Put lines into an empty log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for line in lines(language, count):
            row = ("s", line_json(line), line.at.isoformat(" ", "microseconds"))
            connection.execute(
                "INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)", row
            )
        connection.execute("COMMIT")
        begun, more = time.process_time(), True
        while more:
            connection.execute("BEGIN")
            more = index.catch_up(connection, NAMES)
            connection.execute("COMMIT")
        spent = time.process_time() - begun
    show("  indexed (cpu)", f"{count / spent:,.0f} lines/s")
    os.sync()  # a log of gigabytes was not written a second ago: what is measured does not wait for the disk to take it
    show("  bytes a line, index included", f"{path.stat().st_size / count:,.0f}")


async def characters(memory: MemoryService, folder: Path, language: Language, count: int) -> list[str]:
    """Ten of them; those with so many lines."""
    names = [f"c{number}" for number in range(CHARACTERS)]
    for name in names:
        await memory.lines(name)
        await memory.close(name)
    paths = [folder / f"time_indexed_{name}" for name in names]
    fill(paths[0], language, count)
    if count > MOST_COPIED:
        return names[:1]
    for path in paths[1:]:
        shutil.copyfile(paths[0], path)
    return names


async def measure(folder: Path, kind: str, count: int) -> None:
    language = Language(kind == "zh", random.Random(7))
    async with TaskOwner("bench") as owner:
        memory = MemoryService(folder, owner, timeouts=MemoryTimeouts(recall_timeout_s=60.0, quiet_s=3600.0))
        await memory.start()
        print(f"{kind}, {count:,} lines")
        names = await characters(memory, folder, language, count)
        with watching() as watchdog:
            await recall(memory, names, language, kind, count)
            await store(memory, names, language, folder)
            begun = time.perf_counter()
            await memory.find(names[0], "no such words")
            show("  search for words that are nowhere (wall)", f"{(time.perf_counter() - begun) * 1000:.0f} ms")
            begun = time.perf_counter()
            await memory.aclose()
            show("  stop (wall)", f"{time.perf_counter() - begun:.2f} s", aim="3 s")
        show("  longest step of the loop (cpu)", f"{watchdog.longest * 1000:.1f} ms", aim=f"{LIMIT * 1000:.0f} ms")


async def recall(memory: MemoryService, names: Sequence[str], language: Language, kind: str, count: int) -> None:
    now = START + timedelta(minutes=2 * count)
    first = await _recall(memory, names[0], language.text(language.length), now)
    for name in names:
        await _recall(memory, name, language.text(language.length), now)
    questions = [language.text(language.length) for _ in range(QUESTIONS)]
    questions[::10] = [f"{one} {'昨天' if kind == 'zh' else 'yesterday'}" for one in questions[::10]]
    spent = sorted(
        [await _recall(memory, names[at % len(names)], question, now) for at, question in enumerate(questions)]
    )
    show("  first recall after the start (cpu)", f"{first:.1f} ms")
    show("  recall p50 (cpu)", f"{spent[len(spent) // 2]:.1f} ms")
    show("  recall p95 (cpu)", f"{spent[int(len(spent) * 0.95)]:.1f} ms", aim=f"{AIMS_MS[count]} ms")


async def _recall(memory: MemoryService, name: str, question: str, now: datetime) -> float:
    """Milliseconds of the processor."""
    begun = time.process_time()
    await memory.recall(name, question, limit=10, now=now)
    return (time.process_time() - begun) * 1000


async def store(memory: MemoryService, names: Sequence[str], language: Language, folder: Path) -> None:
    """Of each line: until it is acknowledged, and until it is found."""
    acknowledged, used, floors, found = [], [], [], []
    with closing(sqlite3.connect(folder / "floor", isolation_level=None)) as bare:
        for statement in (*schema.PRAGMAS, "CREATE TABLE lines (id INTEGER PRIMARY KEY, message TEXT)"):
            bare.execute(statement)
        for number, line in enumerate(lines(language, STORED)):
            name = names[number % len(names)]
            begun = time.perf_counter()
            bare.execute("INSERT INTO lines (message) VALUES (?)", (line_json(line),))
            floors.append(time.perf_counter() - begun)
            said = NewLine("s", "t", "user", f"{line.text} unheard{number}x", line.at)
            begun, busy = time.perf_counter(), time.process_time()
            stored = await memory.store(name, said)
            acknowledged.append(time.perf_counter() - begun)
            used.append(time.process_time() - busy)
            evidence = await memory.recall(name, f"unheard{number}x", limit=1)
            found.append(time.perf_counter() - begun)
            assert evidence[0].sources == (stored.line.id,)
    show("  store acknowledged p50 (wall)", ms(median(acknowledged)), ms(median(floors)))
    show("  store acknowledged p95 (wall)", ms(_p95(acknowledged)), ms(_p95(floors)), aim="5 ms")
    show("  store acknowledged p95 (cpu)", ms(_p95(used)))
    show("  found after it was said p95 (wall)", ms(_p95(found)), aim="100 ms")


# ── beside an embedder ──────────────────────────────────────────────────────────────────


async def beside_embedding(folder: Path, kind: str, local: LocalModel) -> None:
    """In turn: some lines and questions while another's lines are embedded, and some while that is paused."""
    language = Language(kind == "zh", random.Random(7))
    embedder = LocalEmbedder(local, folder / "embedder.log")
    async with TaskOwner("bench") as owner:
        timeouts = MemoryTimeouts(recall_timeout_s=60.0, quiet_s=3600.0)
        memory = MemoryService(folder, owner, timeouts=timeouts, embedders=Choice(embedder))
        await memory.start()
        print(f"{kind}, {EMBEDDED:,} lines, while as many of another are embedded with {local.model.title}")
        for name in ("talks", "embeds"):
            await memory.lines(name)
            await memory.close(name)
            fill(folder / f"time_indexed_{name}", language, EMBEDDED)
        await embedder.prewarm()
        await memory.lines("talks")
        await memory.pause_embedding("talks", on=True)
        stored: dict[bool, list[float]] = {True: [], False: []}
        recalled: dict[bool, list[float]] = {True: [], False: []}
        spoken = lines(language, ROUNDS * TOLD * 2)
        for number in range(2 * ROUNDS):
            embeds = number % 2 == 0
            await memory.pause_embedding("embeds", on=not embeds)
            await asyncio.sleep(SETTLED_S)
            for line in islice(spoken, TOLD):
                begun = time.perf_counter()
                await memory.store("talks", line)
                stored[embeds].append(time.perf_counter() - begun)
                begun = time.perf_counter()
                await memory.recall("talks", language.text(language.length), limit=10, now=line.at)
                recalled[embeds].append(time.perf_counter() - begun)
                await asyncio.sleep(BETWEEN_S)
        show("  store acknowledged p95 (wall)", ms(_p95(stored[True])), ms(_p95(stored[False])), aim="5 ms")
        show("  recall p95 (wall)", ms(_p95(recalled[True])), ms(_p95(recalled[False])), aim=f"{AIMS_MS[EMBEDDED]} ms")
        show("  lines embedded meanwhile", f"{(await memory.meaning('embeds')).done:,}")
        await memory.pause_embedding("embeds", on=False)
        await asyncio.sleep(SETTLED_S)
        begun = time.perf_counter()
        await memory.aclose()
        await embedder.aclose()
        show("  stop (wall)", f"{time.perf_counter() - begun:.2f} s", aim="3 s")


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


async def main(sizes: Sequence[int]) -> None:
    for kind in ("en", "zh"):
        for count in sizes:
            with tempfile.TemporaryDirectory() as folder:
                await measure(Path(folder), kind, count)
    for local in local_models.installed()[:1]:
        with tempfile.TemporaryDirectory() as folder:
            await beside_embedding(Path(folder), "en", local)


if __name__ == "__main__":
    asyncio.run(main([10_000, 100_000, *([1_000_000] if "--million" in sys.argv else [])]))
