"""What recall brings to the prompt of a turn: the fact that is asked for, and what does not belong there.

Run it: python -m tests.bench.bench_memory_prompt [--words] [--lines] [FOLDER]

``month/<language>.json`` is a month of talk: small talk with her ``replies``, and ``planted`` facts, each with a
question in its own words and one in others. Each is told once, then all is asked. ``fact``: in how many of the prompts
the fact is. ``other``: lines a prompt that are neither it nor what she replied to it. ``idle``: lines a prompt for
words that ask for nothing that was told. FOLDER: the data sets of ``bench_memory_quality``; of these, how much of what
answers a question is in the prompt, and lines a prompt. ``--lines`` shows the lines of each prompt.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from neko.llm.embeddings import models as local_models
from neko.llm.embeddings.local import LocalEmbedder
from neko.memory.service import MemoryService
from neko.sessions.recall_lines import MOST_LINES, recall_lines
from neko.types.embedding import Embedder
from neko.types.memory import Evidence
from tests.bench import bench_memory_quality as quality

MONTH = Path(__file__).parent / "month"
BEGINS = datetime(2026, 5, 1, 8, 0)
NOW = datetime(2026, 6, 3, 20, 0)
ROUNDS = 6
"""How often the small talk is said, each time a little differently."""
ENDS = ("", " 🙂", "…", " 😅", "!!", " ✨")
ASKED = 30
"""Evidence that is asked for, as a turn does besides what stands in the prompt."""


def talk(of: dict[str, Any]) -> list[dict[str, str]]:
    """The turns, in the form of the data sets; a turn's ``fact`` is its number, "" for small talk."""
    replies, planted = of["replies"], of["planted"]
    said: list[tuple[str, str, str]] = []
    small = [f"{text}{ENDS[turn]}" for turn in range(ROUNDS) for text in of["small_talk"]]
    apart = len(small) // len(planted)
    for place, text in enumerate(small):
        reply = f"{replies[place % len(replies)]}{ENDS[place // len(replies) % len(ENDS)]}"
        said += [("Sam", text, ""), ("assistant", reply, "")]
        number, rest = divmod(place, apart)
        if rest == apart // 2 and number < len(planted):
            said += [
                ("Sam", planted[number][0], str(number)),
                ("assistant", replies[number % len(replies)], str(number)),
            ]
    step = (NOW - timedelta(days=2) - BEGINS) / len(said)
    return [
        {
            "id": f"t{place}",
            "session": "s",
            "ts": f"{BEGINS + place * step}",
            "speaker": who,
            "text": text,
            "fact": fact,
        }
        for place, (who, text, fact) in enumerate(said)
    ]


async def prompted(
    memory: MemoryService, character: str, question: str, now: datetime, language: str
) -> list[Evidence]:
    found = await memory.recall(character, question, limit=ASKED, now=now)
    return [evidence for evidence, _ in recall_lines(found, question, language, lambda _: False)]


async def months(model: Embedder | None, name: str, *, with_lines: bool) -> None:
    for path in sorted(MONTH.glob("*.json")):
        of = json.loads(path.read_text(encoding="utf-8"))
        turns = talk(of)
        asked = [
            (kind, str(number), question)
            for number, (_, *both) in enumerate(of["planted"])
            for kind, question in enumerate(both)
        ]
        told: tuple[list[bool], ...] = ([], [])
        other: tuple[list[int], ...] = ([], [], [])
        with tempfile.TemporaryDirectory() as place:
            async with quality.remembering(Path(place), turns, model) as (memory, _):
                for kind, fact, question in [*asked, *((2, "", words) for words in of["idle"])]:
                    lines = await prompted(memory, "talk", question, NOW, path.stem)
                    facts = [turns[one.sources[0] - 1]["fact"] for one in lines]
                    has_it = any(fact and one.text == of["planted"][int(fact)][0] for one in lines)
                    if fact:
                        told[kind].append(has_it)
                    other[kind].append(len(lines) - (facts.count(fact) if fact else 0))
                    if with_lines:
                        print(f"{'+' if has_it else '-' if fact else ' '} {question}")
                        print("".join(f"      {one.speaker}: {one.text}\n" for one in lines), end="")
        shown = "   ".join(
            f"{kind}: fact {sum(has)}/{len(has)}, other {sum(lines) / len(lines):.2f}"
            for kind, has, lines in zip(("own words", "other words"), told, other, strict=False)
        )
        print(f"{path.stem:<6} {name:<12} {shown}   idle {sum(other[2]) / len(other[2]):.2f}", flush=True)


async def data_sets(folder: Path, model: Embedder | None, name: str) -> None:
    for one in sorted(path.parent for path in folder.glob("*/turns.jsonl.gz")):
        turns = quality.read(one / "turns.jsonl.gz")
        questions = [row for row in quality.read(one / "questions.jsonl.gz") if row["category"] != quality.APART]
        got, lines = [], []
        for conversation in dict.fromkeys(turn["conv"] for turn in turns):
            own = [turn for turn in turns if turn["conv"] == conversation]
            with tempfile.TemporaryDirectory() as place:
                async with quality.remembering(Path(place), own, model) as (memory, _):
                    known: dict[int, str] = {}
                    for question in (row for row in questions if row["conv"] == conversation):
                        now = datetime.fromisoformat(question["now"])
                        told = await prompted(memory, "talk", question["question"], now, "en")
                        ids = [await quality.turn_id(memory, "talk", known, line.sources[0]) for line in told]
                        gold = set(question["gold"])
                        got.append(len(gold.intersection(ids)) / len(gold))
                        lines.append(len(told))
        mean = sum(lines) / len(lines)
        print(
            f"{one.name:<14} {name:<12} of what answers {sum(got) / len(got):.3f}, lines {mean:.2f} of {MOST_LINES}",
            flush=True,
        )


async def run(arguments: Sequence[str]) -> None:
    folders = [Path(one) for one in arguments if not one.startswith("--")]
    names = {one.removeprefix("--") for one in arguments if one.startswith("--")}
    with tempfile.TemporaryDirectory() as place:
        models = [LocalEmbedder(one, Path(place) / "log", quality.PATIENCE) for one in local_models.installed()]
        try:
            for model in (None, *([] if "words" in names else models)):
                name = model.model.title.split()[0] if model else "words"
                await months(model, name, with_lines="lines" in names)
                for folder in folders:
                    await data_sets(folder, model, name)
        finally:
            for model in models:
                await model.aclose()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1:]))
