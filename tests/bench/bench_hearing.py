"""Recognisers on this computer: how many words or characters are wrong, and what an utterance costs, on one set.

The turns are those of ``spoken_set`` with their pauses that the natural voice of each language speaks. A language
without one is left out: the figure would say more of espeak-ng than of the recogniser (of its Chinese Whisper gets
every second character wrong). Traditional characters count as the simplified ones that they are.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import psutil

from neko.audio.engines.local_voices import MODELS
from neko.audio.hearing.local import LocalHearing
from neko.audio.hearing.models import LocalModel, local_models, missing_libraries
from neko.tasks import in_thread
from neko.types.hearing import HearingHints
from tests.audio.spoken_set import SpokenTurn, recording, spoken_set
from tests.bench.figures import median, ms, show

QUIET_S = 0.3
"""Before and after the words."""


def voices() -> dict[str, str]:
    """The natural voice of each language that has one here."""
    found: dict[str, str] = {}
    for model in (make() for make in MODELS):
        if model.installed():
            for language in model.languages:
                found.setdefault(language, model.name)
    return found


def units(text: str, language: str) -> list[str]:
    """Words of English, characters of anything else, without case and signs."""
    if language == "zh":
        text = simplified(text)
    plain = unicodedata.normalize("NFKC", text).lower().replace("'", "")
    if language == "en":
        return re.findall(r"\w+", plain)
    return [letter for letter in plain if letter.isalnum()]


def simplified(text: str) -> str:
    """By what the natural voice for Chinese brings with it."""
    import opencc

    return str(opencc.OpenCC("t2s").convert(text))


def distance(wanted: Sequence[str], got: Sequence[str]) -> int:
    """Levenshtein's."""
    row = list(range(len(got) + 1))
    for number, unit in enumerate(wanted, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(got, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (unit != other))
    return row[-1]


async def measure(model: LocalModel, turns: Sequence[tuple[SpokenTurn, bytes]], log: Path) -> None:
    engine = LocalHearing(model, log)
    began = time.perf_counter()
    await engine.prewarm()
    loading = time.perf_counter() - began
    assert engine.process_id is not None
    process = psutil.Process(engine.process_id)
    for language in dict.fromkeys(turn.language for turn, _ in turns):
        if model.languages is not None and language not in model.languages:
            continue
        wrong = count = 0
        cpu, wall = [], []
        for turn, pcm in turns:
            if turn.language != language:
                continue
            used, began = sum(process.cpu_times()[:2]), time.perf_counter()
            recognition = engine.begin("u", HearingHints(language))
            recognition.feed(pcm)
            heard = await recognition.finish()
            wall.append(time.perf_counter() - began)
            cpu.append(sum(process.cpu_times()[:2]) - used)
            wanted = units(turn.text, language)
            wrong += distance(wanted, units(heard.text, language))
            count += len(wanted)
        kind = "WER" if language == "en" else "CER"
        show(f"{model.title}, {language}: {kind} of {len(wall)} turns", f"{100 * wrong / count:.1f} %")
        show(f"{model.title}, {language}: CPU an utterance", ms(median(cpu)))
        show(f"{model.title}, {language}: wait for its words", ms(median(wall)), aim="≤ 500 ms on two idle cores")
    show(f"{model.title}: loading; memory", f"{loading:.1f} s; {process.memory_info().rss / 1e6:.0f} MB")
    await engine.aclose()


async def main() -> None:
    there = [model for model in local_models(Path("no-such-folder")) if not missing_libraries(model.kind)]
    if not there:
        show("recognisers on this computer", "none", aim="make hearing installs one")
        return
    spoken_by = voices()
    turns = [
        (turn, (await in_thread(recording, turn, lead_s=QUIET_S, tail_s=QUIET_S)).pcm)
        for turn in spoken_set()
        if turn.language in spoken_by and not turn.voice
    ]
    show("spoken by", ", ".join(f"{language}: {name}" for language, name in spoken_by.items()))
    with tempfile.TemporaryDirectory() as folder:
        for model in there:
            await measure(model, turns, Path(folder) / "log")


if __name__ == "__main__":
    asyncio.run(main())
