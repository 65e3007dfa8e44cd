"""How much processor time recall takes as the log grows. Run it: python -m tests.bench.bench_memory_speed [--million]

Ten characters in one folder, one of them with so many lines; the lines are made of 20,000 words that are as unevenly
frequent as those of a language (Zipf), in English letters and in Chinese characters. Every tenth question asks for
something said on a day. Processor time of the whole process, so that other work on the machine does not count.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path

from neko.memory import index
from neko.memory.line_codec import Names, line_json
from neko.memory.service import MemoryService
from neko.memory.timeouts import MemoryTimeouts
from neko.tasks import TaskOwner
from neko.types.lines import NewLine, Role
from tests.bench.figures import show

CHARACTERS = 10
QUESTIONS = 60
STORED = 100
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


async def fill(memory: MemoryService, folder: Path, character: str, language: Language, count: int) -> None:
    await memory.lines(character)
    await memory.close(character)
    with closing(sqlite3.connect(folder / f"time_indexed_{character}", isolation_level=None)) as connection:
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
    size = (folder / f"time_indexed_{character}").stat().st_size
    show(f"  indexed of {count:,}", f"{count / spent:,.0f} lines/s")
    show("  bytes a line, index included", f"{size / count:,.0f}")


async def measure(folder: Path, kind: str, count: int) -> None:
    language = Language(kind == "zh", random.Random(7))
    async with TaskOwner("bench") as owner:
        memory = MemoryService(folder, owner, timeouts=MemoryTimeouts(recall_timeout_s=60.0))
        await memory.start()
        character = f"{kind}{count}"
        print(f"{kind}, {count:,} lines")
        await fill(memory, folder, character, language, count)
        for number in range(1, CHARACTERS):
            await memory.store(f"other{number}", NewLine("s", "t", "user", language.text(9), START))
        questions = [language.text(language.length) for _ in range(QUESTIONS)]
        questions[::10] = [f"{one} {'昨天' if kind == 'zh' else 'yesterday'}" for one in questions[::10]]
        now = START + timedelta(minutes=2 * count)
        spent = []
        for question in questions:
            begun = time.process_time()
            await memory.recall(character, question, limit=10, now=now)
            spent.append((time.process_time() - begun) * 1000)
        first, spent = spent[0], sorted(spent[1:])
        show("  first recall after the start (cpu)", f"{first:.1f} ms")
        show("  recall p50 (cpu)", f"{spent[len(spent) // 2]:.1f} ms")
        show("  recall p95 (cpu)", f"{spent[int(len(spent) * 0.95)]:.1f} ms", aim=f"{AIMS_MS[count]} ms")
        await store(memory, character, language)
        begun = time.perf_counter()
        await memory.find(character, "no such words")
        show("  search for words that are nowhere (wall)", f"{(time.perf_counter() - begun) * 1000:.0f} ms")
        await memory.aclose()


async def store(memory: MemoryService, character: str, language: Language) -> None:
    """Of each line: until it is acknowledged, and until it is found."""
    acknowledged, found = [], []
    for number, line in enumerate(lines(language, STORED)):
        begun = time.perf_counter()
        stored = await memory.store(character, NewLine("s", "t", "user", f"{line.text} unheard{number}x", line.at))
        acknowledged.append((time.perf_counter() - begun) * 1000)
        evidence = await memory.recall(character, f"unheard{number}x", limit=1)
        found.append((time.perf_counter() - begun) * 1000)
        assert evidence[0].sources == (stored.line.id,)
    show("  store acknowledged p95 (wall)", f"{sorted(acknowledged)[int(STORED * 0.95)]:.1f} ms", aim="5 ms")
    show("  found after it was said p95 (wall)", f"{sorted(found)[int(STORED * 0.95)]:.1f} ms", aim="100 ms")


async def main(sizes: list[int]) -> None:
    for kind in ("en", "zh"):
        for count in sizes:
            with tempfile.TemporaryDirectory() as folder:
                await measure(Path(folder), kind, count)


if __name__ == "__main__":
    asyncio.run(main([10_000, 100_000, *([1_000_000] if "--million" in sys.argv else [])]))
