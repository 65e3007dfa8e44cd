"""Lines that memory could not write wait, in order and no more than so many."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from neko.errors import MemoryStoreError
from neko.faults import StandingFaults
from neko.sessions import unkept_lines
from neko.sessions.unkept_lines import UnkeptLines
from neko.tasks import TaskOwner
from neko.types.lines import NewLine, Stored
from tests.scripted_memory import ScriptedMemory


def line(number: int) -> NewLine:
    return NewLine("s", f"t{number}", "user", f"line {number}", datetime(2026, 1, 1))


async def test_beyond_the_bound_a_line_is_refused_and_the_others_are_kept_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unkept_lines, "MOST_UNKEPT", 3)
    memory, faults = ScriptedMemory(), StandingFaults()
    memory.failure = MemoryStoreError("full", file="log", reason="full")
    kept: list[str] = []

    def on_kept(line: NewLine, _: Stored) -> None:
        kept.append(line.text)

    async with TaskOwner("test") as owner:
        waiting = UnkeptLines("Mio", memory, owner, faults, 5, on_kept)
        for number in range(3):
            assert await waiting.store(line(number)) is None
        with pytest.raises(MemoryStoreError):
            await waiting.store(line(3))
        assert [entry.text for entry in waiting.lines] == ["line 0", "line 1", "line 2"]
        memory.failure = None
        await asyncio.wait_for(waiting.drain(8), 15)
    assert kept == ["line 0", "line 1", "line 2"]
    assert [entry.text for entry in await memory.lines("Mio")] == kept
    assert faults.all() == ()


async def test_what_waits_is_beside_the_log_before_the_program_ends_and_no_more_once_it_is_kept() -> None:
    memory, faults = ScriptedMemory(), StandingFaults()
    memory.failure = MemoryStoreError("locked", file="log", reason="locked")
    async with TaskOwner("test") as owner:
        waiting = UnkeptLines("Mio", memory, owner, faults, 5, lambda line, stored: None)
        for number in range(3):
            await waiting.store(line(number))
        await waiting.drain(0.5)
        assert await memory.unkept("Mio") == waiting.lines == [line(0), line(1), line(2)]
        memory.failure = None
        await asyncio.wait_for(waiting.drain(8), 15)
    assert await memory.unkept("Mio") == []
    assert [entry.text for entry in await memory.lines("Mio")] == ["line 0", "line 1", "line 2"]


class SlowToClear(ScriptedMemory):
    """Takes until ``may_clear`` to have nothing more beside the log."""

    def __init__(self) -> None:
        super().__init__()
        self.clears, self.may_clear = asyncio.Event(), asyncio.Event()

    async def keep_unkept(self, character: str, lines: Sequence[NewLine]) -> None:
        if not lines:
            self.clears.set()
            await self.may_clear.wait()
        await super().keep_unkept(character, lines)


class ClearsInAThread(SlowToClear):
    """What is begun is done, whoever has gone meanwhile."""

    async def keep_unkept(self, character: str, lines: Sequence[NewLine]) -> None:
        await asyncio.shield(super().keep_unkept(character, lines))


async def test_a_line_said_while_what_was_beside_the_log_is_cleared_is_kept_too() -> None:
    memory, faults = SlowToClear(), StandingFaults()
    memory.failure = MemoryStoreError("locked", file="log", reason="locked")
    kept: list[str] = []
    async with TaskOwner("test") as owner:
        waiting = UnkeptLines("Mio", memory, owner, faults, 5, lambda line, stored: kept.append(line.text))
        await waiting.store(line(0))
        await waiting.drain(0.1)
        memory.failure = None
        await waiting.drain(0)
        async with asyncio.timeout(10):
            await memory.clears.wait()
            await waiting.store(line(1))
            memory.may_clear.set()
            await waiting.drain(8)
    assert kept == ["line 0", "line 1"]
    assert waiting.lines == []
    assert faults.all() == ()


async def test_a_line_that_waits_at_the_end_is_beside_the_log_also_when_that_is_just_being_cleared() -> None:
    memory, refusal = ClearsInAThread(), MemoryStoreError("locked", file="log", reason="locked")
    memory.failure = refusal
    async with TaskOwner("test") as owner:
        waiting = UnkeptLines("Mio", memory, owner, StandingFaults(), 5, lambda line, stored: None)
        await waiting.store(line(0))
        await waiting.drain(0.1)
        memory.failure = None
        await waiting.drain(0)
        async with asyncio.timeout(10):
            await memory.clears.wait()
            memory.failure = refusal
            await waiting.store(line(1))
            ending = asyncio.create_task(waiting.keep_beside())
            await asyncio.sleep(0)
            memory.may_clear.set()
            await ending
    assert await memory.unkept("Mio") == [line(1)]
