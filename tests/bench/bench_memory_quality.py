"""How much of what answers a question recall brings back. Run it: python -m tests.bench.bench_memory_quality [FOLDER]

FOLDER (else the environment's ``NEKO_BENCH_MEMORY``, else ``../shared/data/memory``) holds one folder a data set, with
``turns.jsonl.gz`` (``conv, id, session, ts, speaker, text``) and ``questions.jsonl.gz`` (``conv, question, category,
gold, now``; ``gold``: ids of the turns that hold the answer). recall@k is the share of ``gold`` among the first k
lines, averaged over questions; the category ``adversarial`` is kept apart from the average. Neko's memory is asked
without vectors and with those of each embedding model that is installed on this computer (``--words``: only without).
Beside it stand, from the same run, the nearest vectors of each model alone, BM25 of FTS5 with its porter tokenizer, and
the same with pairs of CJK characters as words. Times are processor times of the whole process, without that of the
process that embeds. To embed all of it takes half an hour: 30 lines of e5 in a second.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import os
import re
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from neko.llm.embeddings import models as local_models
from neko.llm.embeddings.local import LocalEmbedder
from neko.memory import index
from neko.memory.line_codec import Names, line_json
from neko.memory.service import MemoryService
from neko.memory.timeouts import MemoryTimeouts
from neko.memory.words import weighted_terms
from neko.model_process import Limits
from neko.tasks import TaskOwner
from neko.types.embedding import Embedder
from neko.types.lines import NewLine
from tests.word_embedder import Choice

DEPTHS = (5, 10, 20)
COMPANIONS = ("assistant", "AI伴侣")
"""Speakers of these names are the companion; of two people, the second one takes that part."""
AIMS = {"locomo": 0.78, "locomo_zh": 0.73, "memorybank_zh": 0.97, "memora": 0.50}
AIMS_WITH_E5 = {"locomo": 0.82, "locomo_zh": 0.80, "memora": 0.50}
WORDS = "Neko, by words"
APART = "adversarial"
CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
STORED_ONE_BY_ONE = 200
PATIENCE = Limits(loading_s=600.0, answer_s=600.0)
"""A machine with other work is slower, and nothing may be left out."""

Json = Mapping[str, Any]
Retrieve = Callable[[Json], Awaitable[Sequence[str]]]


@dataclass
class Figures:
    """Of one way to retrieve: what each question got, by category, and how long each took in ms."""

    recalls: dict[str, list[tuple[float, ...]]] = field(default_factory=lambda: defaultdict(list))
    times: list[float] = field(default_factory=list)

    def add(self, question: Json, ids: Sequence[str], spent_s: float) -> None:
        gold = set(question["gold"])
        found = [len(gold.intersection(ids[:depth])) / len(gold) for depth in DEPTHS]
        gain = sum(1 / math.log2(rank + 2) for rank, one in enumerate(ids[:10]) if one in gold)
        ideal = sum(1 / math.log2(rank + 2) for rank in range(min(10, len(gold))))
        self.recalls[question["category"]].append((*found, gain / ideal))
        self.times.append(spent_s * 1000)

    def row(self, name: str, rows: Sequence[tuple[float, ...]], aim: float | None = None) -> str:
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        shown = "  ".join(f"{mean:5.3f}" for mean in means)
        return f"  {name:<34} {len(rows):>5}  {shown}" + (f"   (aim @10 {aim:.2f})" if aim else "")

    def table(self, name: str, aim: float | None = None, *, with_categories: bool = False) -> list[str]:
        counted = [row for category, rows in self.recalls.items() if category != APART for row in rows]
        lines = [self.row(name, counted, aim)]
        if with_categories:
            lines += [self.row(f"   {category}", rows) for category, rows in sorted(self.recalls.items())]
        spent = sorted(self.times)
        at = {share: spent[min(len(spent) - 1, int(len(spent) * share / 100))] for share in (50, 95, 99)}
        lines[0] += "   cpu p50/p95/p99 " + "/".join(f"{at[share]:.1f}" for share in at) + " ms"
        return lines


def read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


# ── plain BM25 ──────────────────────────────────────────────────────────────────────────


def in_pairs(text: str) -> str:
    """CJK runs as their pairs of characters."""
    return CJK.sub(lambda run: " " + " ".join(map("".join, zip(run[0], run[0][1:] or " ", strict=False))) + " ", text)


def bm25(turns: Sequence[Json], shape: Callable[[str], str]) -> Retrieve:
    """FTS5's own ranking of the words of the question that tell something."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(text, tokenize='porter unicode61')")
    connection.executemany(
        "INSERT INTO t VALUES (?)", [(shape(f"{turn['speaker']}: {turn['text']}"),) for turn in turns]
    )

    async def retrieve(question: Json) -> list[str]:
        words = [word for word in re.findall(r"\w+", shape(question["question"]).lower()) if weighted_terms(word)]
        match = " OR ".join(f'"{word}"' for word in words) or '""'
        rows = connection.execute("SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT 20", (match,))
        return [turns[row[0] - 1]["id"] for row in rows]

    return retrieve


# ── Neko's memory ───────────────────────────────────────────────────────────────────────


def new_lines(turns: Sequence[Json]) -> list[NewLine]:
    speakers = list(dict.fromkeys(turn["speaker"] for turn in turns))
    companions = [one for one in speakers if one in COMPANIONS] or speakers[1:]
    return [
        NewLine(
            turn["session"],
            turn["id"],
            "assistant" if turn["speaker"] in companions else "user",
            turn["text"],
            datetime.fromisoformat(turn["ts"]),
            speaker=turn["speaker"],
        )
        for turn in turns
    ]


async def ingest(memory: MemoryService, folder: Path, character: str, lines: Sequence[NewLine]) -> float:
    """The first lines are stored one by one, as in a talk; the others as an old log that gets its index. Lines/s."""
    begun = time.process_time()
    for line in lines[:STORED_ONE_BY_ONE]:
        await memory.store(character, line)
    await memory.close(character)
    names: Names = {"user": "User", "assistant": character, "system": "S"}
    with closing(sqlite3.connect(folder / f"time_indexed_{character}", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)",
            [(one.session_id, line_json(one), one.at.isoformat(" ")) for one in lines[STORED_ONE_BY_ONE:]],
        )
        while index.catch_up(connection, names):
            pass
        connection.execute("COMMIT")
    return len(lines) / (time.process_time() - begun)


async def run(name: str, folder: Path, models: Sequence[Embedder]) -> None:
    conversations: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for turn in read(folder / "turns.jsonl.gz"):
        conversations[turn["conv"]].append(turn)
    questions = read(folder / "questions.jsonl.gz")
    ways: dict[str, Figures] = defaultdict(Figures)
    notes: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for conversation, turns in conversations.items():
        asked = [question for question in questions if question["conv"] == conversation]
        for model in (None, *models):
            way = f"Neko with {model.model.title}" if model else WORDS
            with tempfile.TemporaryDirectory() as place:
                async with remembering(Path(place), turns, model) as (memory, rate):
                    await ask(ways[way], recalling(memory, "talk"), asked)
                    if model:
                        await ask(ways[f"{model.model.title} alone"], nearest(memory, "talk"), asked)
                notes[way].append((rate, (Path(place) / "time_indexed_talk").stat().st_size / len(turns)))
        await ask(ways["BM25 (FTS5, porter)"], bm25(turns, str), asked)
        await ask(ways["BM25, pairs of CJK characters"], bm25(turns, in_pairs), asked)
    print(f"\n{name}: {sum(map(len, conversations.values())):,} lines in {len(conversations)} talks")
    print(f"  {'':<34} {'n':>5}  {'@5':>5}  {'@10':>5}  {'@20':>5}  {'nDCG':>5}")
    for way, figures in ways.items():
        aims = AIMS if way == WORDS else AIMS_WITH_E5 if way.startswith("Neko with") and "e5" in way else {}
        print("\n".join(figures.table(way, aims.get(name), with_categories=way.startswith("Neko"))))
    for way, figures_of_talks in notes.items():
        rate, size = (sum(column) / len(column) for column in zip(*figures_of_talks, strict=True))
        print(f"  {way}: ingested at {rate:,.0f} lines/s, {size:,.0f} bytes a line", flush=True)


@asynccontextmanager
async def remembering(
    folder: Path, turns: Sequence[Json], model: Embedder | None
) -> AsyncIterator[tuple[MemoryService, float]]:
    """A memory that knows a talk, and how many lines a second it took: processor time for the index, the clock's for
    vectors."""
    async with TaskOwner("bench") as owner:
        timeouts = MemoryTimeouts(recall_timeout_s=60.0, question_timeout_s=60.0, quiet_s=3600.0)
        memory = MemoryService(folder, owner, timeouts=timeouts)
        await memory.start()
        rate = await ingest(memory, folder, "talk", new_lines(turns))
        await memory.aclose()
        memory = MemoryService(folder, owner, timeouts=timeouts, embedders=Choice(model))
        await memory.start()
        if model:
            begun = time.monotonic()
            await memory.lines("talk", limit=1)
            await memory.embedded("talk")
            rate = len(turns) / (time.monotonic() - begun)
        yield memory, rate
        await memory.aclose()


async def ask(figures: Figures, retrieve: Retrieve, questions: Sequence[Json]) -> None:
    for question in questions:
        begun = time.process_time()
        ids = await retrieve(question)
        figures.add(question, ids, time.process_time() - begun)


def nearest(memory: MemoryService, character: str) -> Retrieve:
    """The lines whose vectors are nearest to that of the question."""
    turn_ids: dict[int, str] = {}

    async def retrieve(question: Json) -> list[str]:
        opened = await memory._opened(character)
        near = await opened.meaning.near(question["question"], 60.0)
        assert near is not None
        ids = await opened.log.recall(lambda connection, _: near.nearest(connection, max(DEPTHS), 2**62))
        return [await turn_id(memory, character, turn_ids, one) for one in ids]

    return retrieve


async def turn_id(memory: MemoryService, character: str, known: dict[int, str], line_id: int) -> str:
    if line_id not in known:
        [line] = await memory.lines(character, after=line_id - 1, limit=1)
        known[line_id] = line.turn_id
    return known[line_id]


def recalling(memory: MemoryService, character: str) -> Retrieve:
    turn_ids: dict[int, str] = {}

    async def retrieve(question: Json) -> list[str]:
        now = datetime.fromisoformat(question["now"])
        evidence = await memory.recall(character, question["question"], limit=max(DEPTHS), now=now)
        return [await turn_id(memory, character, turn_ids, one.sources[0]) for one in evidence]

    return retrieve


def main(arguments: Sequence[str]) -> int:
    given = next((one for one in arguments if not one.startswith("--")), os.environ.get("NEKO_BENCH_MEMORY"))
    folder = Path(given) if given else Path(__file__).parents[3] / "shared" / "data" / "memory"
    sets = sorted(path.parent for path in folder.glob("*/turns.jsonl.gz"))
    if not sets:
        print(f"no data sets in {folder}: name their folder, as an argument or in NEKO_BENCH_MEMORY")
        return 1 if given else 0
    asyncio.run(run_all(sets, [] if "--words" in arguments else local_models.installed()))
    return 0


async def run_all(sets: Sequence[Path], models: Sequence[local_models.LocalModel]) -> None:
    with tempfile.TemporaryDirectory() as place:
        embedders = [LocalEmbedder(model, Path(place) / "log", PATIENCE) for model in models]
        try:
            for one in sets:
                await run(one.name, one, embedders)
        finally:
            for embedder in embedders:
                await embedder.aclose()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
