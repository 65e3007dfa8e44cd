"""She talks aloud with several people, one of them in calls, while providers and lines fail, and takes no more than
before."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import httpx2
import pytest

from tests.field.hostile_provider import HostileProvider
from tests.soak.measured_neko import Measured
from tests.soak.visitors import Caller, Moods, Visitor, visit

ROOT = Path(__file__).parents[2]
SAMPLES = 20
STEP_LIMIT_S = 0.05
NAMES = ("Mio", "Rin")
CALLED = "Kei"
Measure = Callable[[], Awaitable[Measured]]


@asynccontextmanager
async def measured_neko(folder: Path) -> AsyncIterator[tuple[str, Measure]]:
    """Neko in a process of its own: her address, and what she takes."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.soak.measured_neko", str(folder), stdin=pipe, stdout=pipe, cwd=ROOT
    )
    assert child.stdin is not None
    assert child.stdout is not None
    standard_in, standard_out = child.stdin, child.stdout

    async def line() -> str:
        async with asyncio.timeout(30):
            return (await standard_out.readline()).decode().strip()

    async def measure() -> Measured:
        standard_in.write(b"\n")
        return Measured(**json.loads(await line()))

    try:
        yield await line(), measure
    finally:
        standard_in.close()
        try:
            async with asyncio.timeout(20):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


@pytest.mark.parametrize(
    "seconds", [pytest.param(8, marks=pytest.mark.slow), pytest.param(600, marks=pytest.mark.long)]
)
@pytest.mark.long
async def test_what_she_takes_stays_level(
    data_dir: Path, seconds: int, record_property: Callable[[str, object], None]
) -> None:
    config = data_dir / "config"
    config.mkdir(parents=True)
    cards = {"主人": {"档案名": "Sam"}, "猫娘": {name: {} for name in (*NAMES, CALLED)}, "当前猫娘": NAMES[0]}
    (config / "characters.json").write_text(json.dumps(cards), encoding="utf-8")
    async with HostileProvider() as provider, measured_neko(data_dir) as (url, measure):
        provider.answers = [Moods(seed=1)]
        await prepare(url, provider)
        caller = Caller(url, CALLED, len(NAMES))
        visitors = [*(Visitor(url, name, seed) for seed, name in enumerate(NAMES)), caller]
        await caller.call_until_interrupting()
        await visit(visitors, 2)
        first = await measure()
        samples = []
        for _ in range(SAMPLES):
            await visit(visitors, seconds / SAMPLES)
            samples.append(await measure())
    counts = sum((visitor.counts for visitor in visitors), Counter())
    longest = max(sample.step for sample in samples)
    record_property(
        "summary",
        f"Soak, {seconds} s: {dict(counts)}, {len(provider.chats)} chats; longest step of the "
        f"loop {longest * 1000:.0f} ms of processor time; {told(first)} → {told(samples[-1])}",
    )
    assert counts["turns"] > seconds / 10
    assert caller.counts["interrupted"] > seconds / 100
    assert longest <= STEP_LIMIT_S, [sample.slowest for sample in samples if sample.slowest]
    middle, end = samples[SAMPLES // 3 : 2 * SAMPLES // 3], samples[2 * SAMPLES // 3 :]
    for name, room in {"descriptors": 8, "threads": 6, "tasks": 20}.items():
        before, after = (max(getattr(sample, name) for sample in part) for part in (middle, end))
        assert after <= before + room, (name, [getattr(sample, name) for sample in samples])
    if seconds > 60:
        grown = median(s.megabytes for s in end) / median(s.megabytes for s in middle)
        assert grown < 1.05, [round(sample.megabytes) for sample in samples]


async def prepare(url: str, provider: HostileProvider) -> None:
    """The provider for a model, her own voice."""
    choice = {"provider": "local", "base_url": provider.base_url, "model": "m", "api_key": "good"}
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        (await http.post("/api/models/use", json=choice)).raise_for_status()
        (await http.post("/api/speech", json={"engine": "builtin"})).raise_for_status()


def told(measured: Measured) -> str:
    return (
        f"{measured.megabytes:.0f} MB, {measured.descriptors} descriptors, {measured.threads} threads, "
        f"{measured.tasks} tasks"
    )
