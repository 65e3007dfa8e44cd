"""What was brought in from elsewhere is learnt from in the background, without anybody talking."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from neko.errors import ModelServerError
from neko.memory import left_over
from neko.memory.brought_in import BroughtIn, Step
from neko.memory.service import MemoryService
from neko.types.lines import NewLine
from neko.types.memory import MemoryModels
from tests.memory.memory_folder import MIO, START, MemoryFolder, new_line, say, until_learnt, until_window, window

SMALL_TALK = ("so it is", "indeed")


class Model:
    """Answers what it is asked about facts and memos, and counts that; fails while it is ``down``."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down = False

    async def __call__(self, prompt: str) -> str:
        kind = "facts" if "lasting facts" in prompt else "confirmed" if "numbered proposals" in prompt else "memo"
        self.asked.append(kind)
        if self.down:
            raise ModelServerError("scripted", model="m", provider="p")
        if kind == "facts":
            line = int(prompt.rpartition("\n\n")[2].partition(" ")[0])
            return json.dumps([{"subject": "user", "attribute": "home", "value": "Oslo", "lines": [line]}])
        return "[0]" if kind == "confirmed" else "They talked for long."


def history(count: int, *first: str, days: int = 0) -> list[NewLine]:
    texts = [*first, *(SMALL_TALK[at % 2] for at in range(count - len(first)))]
    start = START + timedelta(days=days)
    return [
        new_line(text, "assistant" if at % 2 else "user", at=start + timedelta(minutes=at))
        for at, text in enumerate(texts)
    ]


async def opened(
    folder: MemoryFolder,
    models: Callable[[], MemoryModels] = MemoryModels,
    *,
    quiet_s: float = 0.0,
    learn_again_s: float = 600.0,
) -> MemoryService:
    return await folder.open(models=models, quiet_s=quiet_s, learn_again_s=learn_again_s)


async def test_facts_and_a_memo_are_there_though_nobody_talks(memory_folder: MemoryFolder) -> None:
    memory = await opened(memory_folder)
    said = history(40, "I live in Oslo.", "how nice", "My cat is called Biscuit.")
    await memory.store_many(MIO, said)
    await until_learnt(memory)
    facts = await memory.facts(MIO)
    assert [(fact.attribute, fact.value) for fact in facts] == [("home", "Oslo"), ("pet", "cat is called Biscuit")]
    memo, *lines = await window(memory)
    assert "I live in Oslo." in memo
    assert lines == [line.text for line in said[-9:]]
    (summary,) = await memory.memos(MIO)
    assert len(summary.sources) == 31


async def test_a_model_is_asked_where_there_is_one_and_never_without_the_switch(memory_folder: MemoryFolder) -> None:
    model = Model()
    models = MemoryModels(summarise=model)
    memory = await opened(memory_folder, lambda: models)
    await memory.store_many(MIO, history(40, "I live in Bergen."))
    await until_learnt(memory)
    assert model.asked == []
    assert [fact.value for fact in await memory.facts(MIO)] == ["Bergen"]
    models = MemoryModels(summarise=model, learn=model)
    await memory.store_many(MIO, history(300, "Oslo it is.", days=1))
    await until_learnt(memory)
    assert {kind: model.asked.count(kind) for kind in model.asked} == {"facts": 8, "confirmed": 1, "memo": 2}
    assert [fact.value for fact in await memory.facts(MIO)] == ["Oslo"]
    assert (await window(memory))[0].endswith("They talked for long.")


@pytest.mark.parametrize("count", [700, 3_000])
async def test_a_model_is_asked_of_the_end_of_a_very_long_history_only(count: int, memory_folder: MemoryFolder) -> None:
    model = Model()
    memory = await opened(memory_folder, lambda: MemoryModels(summarise=model, learn=model))
    await memory.store_many(MIO, history(count, "I am allergic to walnuts.", *["Oslo it is."] * (count - 1)))
    await until_learnt(memory)
    assert {kind: model.asked.count(kind) for kind in model.asked} == {"facts": 8, "confirmed": 8, "memo": 2}
    assert ("allergy", "walnuts") in [(fact.attribute, fact.value) for fact in await memory.facts(MIO)]
    assert (await window(memory))[0].endswith("They talked for long.")
    summed_up = {source for memo in await memory.memos(MIO) for source in memo.sources}
    assert len(summed_up) == count - len((await window(memory))[1:])


async def test_what_was_cut_short_goes_on_when_the_log_is_opened_again(memory_folder: MemoryFolder) -> None:
    memory = await opened(memory_folder, quiet_s=3600.0)
    await memory.store_many(MIO, history(40, "I live in Oslo."))
    assert await memory.learning(MIO) == (0, 40)
    await memory.aclose()
    memory = await opened(memory_folder)
    await until_learnt(memory)
    assert [fact.value for fact in await memory.facts(MIO)] == ["Oslo"]


async def test_what_was_cut_short_goes_on_in_one_memory_after_the_other_though_nobody_opens_them(
    memory_folder: MemoryFolder,
) -> None:
    names = [MIO, "Rin", "Uno", "Una"]
    memory = await opened(memory_folder, quiet_s=3600.0)
    for name in names:
        await memory.store_many(name, history(40, "I live in Oslo."))
    await memory.store("Ren", new_line("there is nothing to do here"))
    await memory.aclose()
    logs = [memory_folder.folder / f"time_indexed_{name}" for name in names]
    assert all(map(left_over.is_there, logs))

    memory, together = await opened(memory_folder), 0
    async with asyncio.timeout(30):
        while memory._opening or memory._closing or any(map(left_over.is_there, logs)):
            together = max(together, len(memory._opening))
            assert "Ren" not in memory._opening
            await asyncio.sleep(0.005)
    assert together == 1
    for name in names:
        assert [fact.value for fact in await memory.facts(name)] == ["Oslo"]


async def test_a_memory_that_somebody_asks_for_meanwhile_stays_open(memory_folder: MemoryFolder) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(_: str) -> str:
        asked.set()
        await answer.wait()
        return "[]"

    memory = await opened(memory_folder, quiet_s=3600.0)
    await memory.store_many(MIO, history(40, "I live in Oslo."))
    await memory.aclose()
    memory = await opened(memory_folder, lambda: MemoryModels(learn=slow))
    async with asyncio.timeout(30):
        await asked.wait()
        await memory.lines(MIO)
        answer.set()
        await until_learnt(memory)
    assert MIO in memory._opening


async def test_a_memory_that_waits_for_a_model_keeps_no_other_from_its_turn(memory_folder: MemoryFolder) -> None:
    names, model = [MIO, "Rin", "Uno"], Model()
    model.down = True
    memory = await opened(memory_folder, quiet_s=3600.0)
    for name in names:
        await memory.store_many(name, history(40, "I live in Oslo."))
    await memory.aclose()
    memory = await opened(memory_folder, lambda: MemoryModels(learn=model), learn_again_s=3600.0)
    async with asyncio.timeout(30):
        while len(model.asked) < len(names):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.005)
    assert set(memory._opening) == set(names)


async def test_a_memory_that_somebody_asks_for_while_it_is_opened_stays_open(memory_folder: MemoryFolder) -> None:
    memory = await opened(memory_folder, quiet_s=3600.0)
    await memory.store_many(MIO, history(40, "I live in Oslo."))
    await memory.aclose()
    memory = await opened(memory_folder)
    async with asyncio.timeout(30):
        while MIO not in memory._opening:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0)
        assert not memory._opening[MIO].done()
        await memory.lines(MIO)
        await until_left_over_is_taken_up(memory)
    assert MIO in memory._opening


async def until_left_over_is_taken_up(memory: MemoryService) -> None:
    await memory._kept_in_order(MIO)
    while memory._left_over._taken_up:  # noqa: ASYNC110  # nobody tells of it
        await asyncio.sleep(0)
    if closing := memory._closing.get(MIO):
        await asyncio.wait([closing])


async def test_the_end_waits_for_no_model_and_the_lines_are_learnt_from_the_next_time(
    memory_folder: MemoryFolder,
) -> None:
    asked = asyncio.Event()

    async def silent(_: str) -> str:
        asked.set()
        await asyncio.Event().wait()
        return ""

    memory = await opened(memory_folder, lambda: MemoryModels(learn=silent))
    await memory.store_many(MIO, history(40, "I live in Oslo."))
    async with asyncio.timeout(30):
        await asked.wait()
        await memory.aclose()
        memory = await opened(memory_folder)
        await until_learnt(memory)
    assert [fact.value for fact in await memory.facts(MIO)] == ["Oslo"]


async def test_a_model_that_does_not_answer_is_asked_a_few_times_and_then_the_rules_look(
    memory_folder: MemoryFolder,
) -> None:
    model = Model()
    model.down = True
    memory = await opened(memory_folder, lambda: MemoryModels(summarise=model, learn=model), learn_again_s=0.0)
    await memory.store_many(MIO, history(40, "I live in Oslo."))
    await until_learnt(memory)
    assert model.asked.count("facts") == 3
    assert [fact.value for fact in await memory.facts(MIO)] == ["Oslo"]
    assert "I live in Oslo." in (await window(memory))[0]


async def test_what_is_older_than_the_talk_has_a_summary_of_its_own_and_no_place_in_the_memo(
    memory_folder: MemoryFolder,
) -> None:
    memory = await opened(memory_folder)
    for text in SMALL_TALK:
        await say(memory, text)
    await memory.store_many(MIO, history(40, "I live in Oslo.", days=-30))
    await until_learnt(memory)
    assert await window(memory) == list(SMALL_TALK)
    assert [fact.value for fact in await memory.facts(MIO)] == ["Oslo"]
    assert "I live in Oslo." in (await memory.memos(MIO))[0].text


async def test_what_the_window_has_no_room_for_when_more_comes_is_in_the_memo(memory_folder: MemoryFolder) -> None:
    memory = await opened(memory_folder)
    for text in ("I live in Oslo.", *SMALL_TALK * 6):
        await say(memory, text)
    await memory.store_many(MIO, history(2, days=1))
    await until_learnt(memory)
    memo, *turns = await window(memory)
    assert ("I live in Oslo." in memo, len(turns)) == (True, 9)


async def test_what_a_forgotten_line_took_out_of_the_memo_is_in_the_next_one(memory_folder: MemoryFolder) -> None:
    memory = await opened(memory_folder)
    _, second, *_ = await memory.store_many(MIO, history(14, "I live in Oslo.", "I know a secret."))
    await until_learnt(memory)
    await memory.delete(MIO, [second.line.id])
    await memory.store_many(MIO, history(2, days=1))
    await until_learnt(memory)
    assert "I live in Oslo." in (await window(memory))[0]
    assert not any("secret" in text for text in await window(memory))


async def test_a_forgotten_line_takes_what_was_learnt_from_it_along(memory_folder: MemoryFolder) -> None:
    memory = await opened(memory_folder)
    first, *_ = await memory.store_many(MIO, history(40, "I live in Oslo."))
    await until_learnt(memory)
    await memory.delete(MIO, [first.line.id])
    assert await memory.facts(MIO) == []
    assert not any("Oslo" in text for text in await window(memory))
    assert await memory.memos(MIO) == []


async def test_what_a_program_keeps_without_ever_settling_it_is_settled_when_no_more_is_said(
    memory_folder: MemoryFolder,
) -> None:
    memory = await memory_folder.open(silence_s=0.0)
    said = history(40, "I live in Oslo.")
    await memory.store_said(MIO, said)
    await until_window(memory, lambda texts: "I live in Oslo." in texts[0] and len(texts) == 10)
    async with asyncio.timeout(30):
        while not (facts := await memory.facts(MIO)):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0)
    assert [fact.value for fact in facts] == ["Oslo"]


async def test_of_all_characters_one_is_at_work_and_they_take_turns() -> None:
    left, order = {"Mio": 3, "Rin": 2}, []
    done = asyncio.Event()

    async def step(name: str) -> Step:
        order.append(f"{name} begins")
        await asyncio.sleep(0)
        order.append(f"{name} ends")
        left[name] -= 1
        if not any(left.values()):
            done.set()
        return Step.MORE if left[name] else Step.DONE

    queue = BroughtIn(step, quiet_s=0.0, again_s=0.0)
    for name in left:
        queue.touch(name)
    work = asyncio.create_task(queue.run())
    await done.wait()
    work.cancel()
    assert order[::2] == [one.replace("ends", "begins") for one in order[1::2]]
    assert [one.split()[0] for one in order[::2]] == ["Mio", "Rin", "Mio", "Rin", "Mio"]


async def test_one_that_asks_a_model_pauses_while_another_goes_on() -> None:
    left, order = {"Mio": [Step.SOON, Step.DONE], "Rin": [Step.MORE, Step.MORE, Step.DONE]}, []

    async def step(name: str) -> Step:
        order.append(name)
        return left[name].pop(0)

    queue = BroughtIn(step, quiet_s=0.2, again_s=0.0)
    for name in left:
        queue.touch(name)
    work = asyncio.create_task(queue.run())
    assert await queue.rested("Mio")
    work.cancel()
    assert order == ["Mio", "Rin", "Rin", "Rin", "Mio"]


async def test_it_begins_when_no_more_has_come_for_a_while() -> None:
    begun = asyncio.Event()

    async def step(name: str) -> Step:
        begun.set()
        return Step.DONE

    queue = BroughtIn(step, quiet_s=3600.0, again_s=0.0)
    work = asyncio.create_task(queue.run())
    for _ in range(2):
        queue.touch(MIO)
        await asyncio.sleep(0)
    assert not begun.is_set()
    queue.drop(MIO)
    work.cancel()
