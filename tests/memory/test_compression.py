"""When the recent window is folded."""

from __future__ import annotations

from datetime import datetime

import pytest

from neko.errors import ModelServerError
from neko.memory.compression import OFTEN, CompressionScheduler
from neko.types.lines import NewLine
from neko.types.memory import Summarise
from tests.scripted_memory import ScriptedMemory

TURN = {"event_type": "turn_end", "lanlan_name": "Mio"}
END = {"event_type": "session_end", "lanlan_name": "Mio"}


@pytest.fixture
async def memory() -> ScriptedMemory:
    memory = ScriptedMemory()
    for number in range(30):
        await memory.store("Mio", NewLine("s", str(number), "user", f"line {number}", datetime.now()))
    return memory


def summariser(calls: list[str]) -> Summarise:
    async def summarise(prompt: str) -> str:
        calls.append(prompt)
        return "in short"

    return summarise


async def test_the_end_of_a_session_with_turns_folds_the_window(memory: ScriptedMemory) -> None:
    calls: list[str] = []
    keeper = CompressionScheduler(memory, lambda: summariser(calls))
    await keeper.on_session_event(TURN)
    assert not calls
    await keeper.on_session_event(END)
    assert len(calls) == 1
    assert (await memory.recent("Mio"))[0].role == "system"


async def test_a_session_without_a_turn_costs_nothing(memory: ScriptedMemory) -> None:
    calls: list[str] = []
    await CompressionScheduler(memory, lambda: summariser(calls)).on_session_event(END)
    assert not calls


async def test_a_long_session_is_folded_now_and_then_not_after_every_turn(memory: ScriptedMemory) -> None:
    calls: list[str] = []
    keeper = CompressionScheduler(memory, lambda: summariser(calls))
    for _ in range(OFTEN):
        await keeper.on_session_event(TURN)
    assert len(calls) == 1


async def test_a_model_that_fails_loses_nothing(memory: ScriptedMemory) -> None:
    async def fail(_: str) -> str:
        raise ModelServerError("scripted", model="m", provider="p")

    before = await memory.recent("Mio")
    keeper = CompressionScheduler(memory, lambda: fail)
    await keeper.on_session_event(TURN)
    await keeper.on_session_event(END)
    assert await memory.recent("Mio") == before
