"""When the recent window is compressed, and that nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from neko.bus import Bus
from neko.errors import ModelServerError
from neko.memory.compression import IDLE_S, TURNS_BETWEEN, CompressionScheduler, Models, Timer
from neko.memory.service import MemoryService
from neko.types.memory import MemoryModels, Summarise
from tests.memory.memory_folder import MIO, MemoryFolder, new_line, until_window

TURN = {"event_type": "turn_end", "lanlan_name": MIO}
END = {"event_type": "session_end", "lanlan_name": MIO}
BEN = "Ben"


class Requests:
    """A scheduler's memory: which characters it was asked to compress."""

    def __init__(self) -> None:
        self.characters: list[str] = []

    def compress_later(self, character: str, models: Models) -> None:
        self.characters.append(character)

    def learn_later(self, character: str, models: Models) -> None:
        self.characters.append(character)

    async def compress(
        self,
        character: str,
        summarise: Summarise | None,
        *,
        through: int | None = None,
        route: Summarise | None = None,
        detailed: bool = False,
    ) -> bool:
        self.characters.append(character)
        return True


class Clock:
    """The calls that wait for their time, in place of the loop's."""

    def __init__(self) -> None:
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, call: Callable[[], None]) -> Timer:
        self.waiting.append((seconds, call))
        return _Waiting(self.waiting)


@dataclass
class _Waiting:
    calls: list[tuple[float, Callable[[], None]]]

    def cancel(self) -> None:
        self.calls.clear()


def scheduler_of(
    requests: Requests, model: Callable[[], str | None] = str, clock: Clock | None = None
) -> CompressionScheduler:
    return CompressionScheduler(requests, MemoryModels, model, later=clock or Clock())


@pytest.fixture
async def memory(memory_folder: MemoryFolder) -> MemoryService:
    memory = await memory_folder.open()
    await fill(memory, MIO)
    return memory


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    bus = Bus()
    yield bus
    await bus.aclose()


async def fill(memory: MemoryService, character: str) -> None:
    for number in range(12):
        await memory.store(character, new_line(f"line {number} of {character}"))


def always(summarise: Summarise) -> Models:
    return lambda: MemoryModels(summarise)


def test_the_end_of_a_session_with_turns_compresses_the_window() -> None:
    requests = Requests()
    scheduler = scheduler_of(requests)
    scheduler.on_session_event(TURN)
    assert not requests.characters
    scheduler.on_session_event(END)
    assert requests.characters == [MIO]


def test_a_session_without_a_turn_costs_nothing() -> None:
    requests = Requests()
    scheduler_of(requests).on_session_event(END)
    assert not requests.characters


def test_a_long_session_is_compressed_now_and_then_not_after_every_turn() -> None:
    requests = Requests()
    scheduler = scheduler_of(requests)
    for _ in range(TURNS_BETWEEN):
        scheduler.on_session_event(TURN)
    assert requests.characters == [MIO]


def test_silence_after_a_turn_compresses_the_window_once() -> None:
    requests, clock = Requests(), Clock()
    scheduler = scheduler_of(requests, clock=clock)
    scheduler.on_session_event(TURN)
    scheduler.on_session_event(TURN)
    ((seconds, silence_lasted),) = clock.waiting
    assert (seconds, requests.characters) == (IDLE_S, [])
    silence_lasted()
    scheduler.on_session_event(END)
    assert requests.characters == [MIO], "nothing was said since"


def test_after_the_end_of_a_session_and_of_neko_no_silence_is_waited_for() -> None:
    clock = Clock()
    scheduler = scheduler_of(Requests(), clock=clock)
    scheduler.on_session_event(TURN)
    scheduler.on_session_event(END)
    assert not clock.waiting
    scheduler.on_session_event(TURN)
    scheduler.stop()
    assert not clock.waiting


def test_a_memo_waits_for_a_model_that_answers_and_is_made_at_the_next_occasion() -> None:
    requests = Requests()
    models: list[str | None] = [None]
    scheduler = scheduler_of(requests, lambda: models[0])
    for message in (*[TURN] * TURNS_BETWEEN, END, TURN, END):
        scheduler.on_session_event(message)
    assert not requests.characters
    models[0] = "a"
    scheduler.on_session_event(TURN)
    assert requests.characters == [MIO]


def test_a_model_that_was_chosen_after_the_last_turn_is_not_asked_for_a_memo() -> None:
    requests = Requests()
    models: list[str | None] = ["a"]
    scheduler = scheduler_of(requests, lambda: models[0])
    scheduler.on_session_event(TURN)
    models[0] = "b"
    scheduler.on_session_event(END)
    assert not requests.characters
    scheduler.on_session_event(TURN)
    scheduler.on_session_event(END)
    assert requests.characters == [MIO]


async def test_one_characters_summary_that_hangs_holds_up_no_other(memory: MemoryService, bus: Bus) -> None:
    await fill(memory, BEN)
    hanging = asyncio.Event()

    async def summarise(prompt: str) -> str:
        if "of Mio" in prompt:
            hanging.set()
            await asyncio.Event().wait()
        return "memo of Ben"

    scheduler = CompressionScheduler(memory, always(summarise))
    bus.session.subscribe(scheduler.on_session_event, name="memory")
    async with asyncio.timeout(15):
        for character in (MIO, BEN):
            bus.session.publish(TURN | {"lanlan_name": character})
            bus.session.publish(END | {"lanlan_name": character})
        await hanging.wait()
        await until_window(memory, lambda texts: texts[0] == "memo of Ben", BEN)
    assert (await memory.recent(MIO))[0].text == "line 0 of Mio"


async def test_of_the_work_of_one_character_one_runs_and_only_the_latest_waits(memory: MemoryService) -> None:
    running, go_on, latest_ran = asyncio.Event(), asyncio.Event(), asyncio.Event()
    calls: list[str] = []

    async def first(prompt: str) -> str:
        calls.append("first")
        running.set()
        await go_on.wait()
        return "memo"

    def later(name: str) -> Models:
        def models() -> MemoryModels:
            calls.append(name)
            latest_ran.set()
            return MemoryModels()

        return models

    async with asyncio.timeout(15):
        memory.compress_later(MIO, always(first))
        await running.wait()
        for name in ("second", "third", "fourth"):
            memory.compress_later(MIO, later(name))
        go_on.set()
        await latest_ran.wait()
    assert list(dict.fromkeys(calls)) == ["first", "fourth"]


async def test_work_that_fails_loses_nothing_and_does_not_stop_what_waits(memory: MemoryService) -> None:
    failing, ran = asyncio.Event(), asyncio.Event()

    def broken() -> MemoryModels:
        failing.set()
        raise ModelServerError("scripted", model="m", provider="p")

    def last() -> MemoryModels:
        ran.set()
        return MemoryModels()

    async with asyncio.timeout(15):
        memory.compress_later(MIO, broken)
        await failing.wait()
        memory.compress_later(MIO, last)
        await ran.wait()
        await memory.close(MIO)
    assert len(await memory.lines(MIO)) == 12


async def test_closing_a_character_ends_its_summary_and_later_work_leaves_its_files_alone(
    memory: MemoryService, memory_folder: MemoryFolder
) -> None:
    running, ended = asyncio.Event(), asyncio.Event()

    async def summarise(prompt: str) -> str:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    async with asyncio.timeout(15):
        memory.compress_later(MIO, always(summarise))
        await running.wait()
        await memory.close(MIO)
    assert ended.is_set()
    memory_folder.log.rename(memory_folder.folder / "renamed")
    memory.compress_later(MIO, always(summarise))
    await memory.lines(BEN)
    assert not memory_folder.log.exists()
