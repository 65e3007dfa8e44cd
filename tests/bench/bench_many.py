"""Many characters talking at once: what each costs. Linux only: the figures come from ``/proc``.

First their memory alone, each turn two stored lines and a recall; then a whole Neko, its clients and its model
in processes of their own.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from websockets.asyncio.client import connect

from neko.errors import RecallTimeoutError
from neko.memory.service import MemoryService
from neko.memory.timeouts import MemoryTimeouts
from neko.tasks import TaskOwner
from neko.types.lines import NewLine, Role
from tests.bench import processes
from tests.bench.bench_turn import SAID, neko_turn
from tests.bench.figures import median, ms, show

TALKING = 300
AT_ONCE_AT_FIRST = 20
ROUNDS = 4


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def descriptors(pid: int) -> dict[str, int]:
    """How many of what kind are open."""
    kinds = {"sockets": 0, "logs": 0, "others": 0}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue
        kind = "sockets" if target.startswith("socket") else "logs" if "time_indexed_" in target else "others"
        kinds[kind] += 1
    return kinds


def megabytes(pid: int) -> float:
    """Private memory of the process."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("Private_")) / 1024


def processor_s(pid: int) -> float:
    """Seconds that the process has had a processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Recalls:
    """What became of them, and how long each that was answered took, its wait among others included."""

    cut: int = 0
    answered_s: list[float] = field(default_factory=list)


async def rounds(pid: int, talk: Callable[[int], Awaitable[None]]) -> tuple[float, float]:
    """Turns a second, and seconds of processor a turn, when all talk at once."""
    began, used = time.perf_counter(), processor_s(pid)
    for turn in range(ROUNDS):
        await talk(turn)
    turns = TALKING * ROUNDS
    return turns / (time.perf_counter() - began), (processor_s(pid) - used) / turns


def report(pid: int, before: float, rate: float, used: float) -> None:
    kinds = descriptors(pid)
    show("threads", str(threads(pid)), aim="≤ 16")
    show("descriptors but sockets", str(sum(kinds.values()) - kinds["sockets"]), aim="≤ 400")
    show("sockets", str(kinds["sockets"]))
    show("memory a character", f"{(megabytes(pid) - before) / TALKING:.2f} MB", aim="≤ 0.4 MB")
    show("turns/s", f"{rate:.1f}")
    show("processor time a turn", ms(used))


async def memory_turn(memory: MemoryService, number: int, turn: int, recalls: Recalls) -> None:
    """What a turn asks of the memory."""
    name, text = f"c{number}", SAID[turn % len(SAID)]

    async def recall() -> None:
        began = time.perf_counter()
        try:
            await memory.recall(name, text)
        except RecallTimeoutError:
            recalls.cut += 1
        else:
            recalls.answered_s.append(time.perf_counter() - began)

    await asyncio.gather(_store(memory, name, "user", text), recall())
    await _store(memory, name, "assistant", "I do. " + text * 3)


async def _store(memory: MemoryService, name: str, role: Role, text: str) -> None:
    await memory.store(name, NewLine("session", "turn", role, text, datetime.now(), speaker=name))


async def memory_alone(folder: Path) -> None:
    async with TaskOwner("bench") as owner:
        memory = MemoryService(folder, owner, timeouts=MemoryTimeouts(quiet_s=3600.0))
        await memory.start()
        await memory_turn(memory, TALKING, 0, Recalls())
        before = megabytes(os.getpid())
        for at in range(0, TALKING, AT_ONCE_AT_FIRST):
            await asyncio.gather(
                *(memory_turn(memory, at + number, 0, Recalls()) for number in range(AT_ONCE_AT_FIRST))
            )

        recalls = Recalls()

        async def talk(turn: int) -> None:
            await asyncio.gather(*(memory_turn(memory, number, turn, recalls) for number in range(TALKING)))

        report(os.getpid(), before, *await rounds(os.getpid(), talk))
        show("recalls answered", f"{len(recalls.answered_s)}, {recalls.cut} cut")
        show("a recall, its wait included", ms(median(recalls.answered_s)) if recalls.answered_s else "none")
        began = time.perf_counter()
        await memory.aclose()
        show("stop", f"{time.perf_counter() - began:.2f} s", aim="≤ 3 s")


async def whole() -> None:
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(processes.provider())
        neko = await stack.enter_async_context(processes.neko(provider.url, characters=TALKING + 1))
        page = await stack.enter_async_context(
            connect(f"{neko.ws_url}/ws/c{TALKING}", max_size=None, ping_interval=None)
        )
        for _ in range(5):
            await neko_turn(page)
        before = megabytes(neko.pid)
        pages = [
            await stack.enter_async_context(connect(f"{neko.ws_url}/ws/c{number}", max_size=None, ping_interval=None))
            for number in range(TALKING)
        ]
        for at in range(0, TALKING, AT_ONCE_AT_FIRST):
            await asyncio.gather(*map(neko_turn, pages[at : at + AT_ONCE_AT_FIRST]))

        async def talk(_: int) -> None:
            await asyncio.gather(*map(neko_turn, pages))

        report(neko.pid, before, *await rounds(neko.pid, talk))


def main() -> None:
    print(f"{TALKING} characters talking at once, their memory alone")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(memory_alone(Path(folder)))
    print(f"{TALKING} characters talking at once, a whole Neko")
    asyncio.run(whole())


if __name__ == "__main__":
    main()
