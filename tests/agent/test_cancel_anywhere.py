"""Whenever a task is cancelled: nothing of it runs on, no card and no question stays, and every workspace lets go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from neko.agent.tasks import TaskState
from neko.types.agent import Decision, Reply
from neko.types.plan import Plan, PlanStep
from tests.agent.test_task_loop import Answer, Scene
from tests.scripted_hand import ScriptedThinker, calls, do, done

LET_GO_S = 2.5
_PLAN = Plan("T", (PlanStep("browser_use", "note"), PlanStep("computer_use", "type"), PlanStep("browser_use", "tell")))
_SCRIPT = (
    do("look"),
    do("note", "a"),
    calls("note", "send"),
    done("One."),
    do("note", "b"),
    do("cling"),
    calls(("ask_user", {"question": "Go on?"})),
    done("Two."),
    do("download", "c.txt"),
    done("Three."),
)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    scene.hand.world.pace_s = scene.mouse.world.pace_s = 0.0005
    yield scene
    await scene.aclose()
    assert scene.hand.world.open == scene.mouse.world.open == 0


def _yes(question: dict[str, Any]) -> Answer:
    return Decision.ONCE if question["kind"] == "approval" else Reply("accept", {"answer": "yes"})


async def cancelled(scene: Scene, moment_s: float, *, seed: int) -> TaskState:
    """One task of every kind of wait, cancelled after so many seconds; how it ended."""
    scene.answers = _yes if seed % 3 else lambda question: None  # else an open question is what is cancelled
    scene.thinker = ScriptedThinker(*_SCRIPT)
    scene.thinker.pace_s = 0.0005
    if seed % 2:
        scene.mouse.world.free.set()
    task = await scene.agent.tasks.start("Mio", "do all of it", plan=_PLAN)
    await asyncio.sleep(moment_s)
    if seed % 5 == 0:
        scene.agent.tasks.pause(task.id)
    was_active = scene.agent.tasks.cancel(task.id)
    done_before = [len(hand.world.done) for hand in (scene.hand, scene.mouse)]
    known = scene.agent.tasks.get(task.id)
    assert known is not None
    assert known.state is (TaskState.CANCELLED if was_active else TaskState.COMPLETED)
    async with asyncio.timeout(LET_GO_S):
        await scene.agent.tasks.wait(task.id)
    assert scene.hand.world.open == scene.mouse.world.open == 0
    assert scene.approvals.pending() == []
    assert [len(hand.world.done) for hand in (scene.hand, scene.mouse)] == done_before
    scene.mouse.world.free.clear()
    return known.state


async def prove(scene: Scene, times: int) -> None:
    random = Random(times)
    ended: Counter[TaskState] = Counter()
    for seed in range(times):
        ended[await cancelled(scene, random.uniform(0, 0.06), seed=seed)] += 1
    await scene.told.until_fits(lambda message: message["event_type"] == "agent_status_update")
    last = await scene.agent.tasks.start("Mio", "the last one", hand="browser_use")
    scene.agent.tasks.cancel(last.id)
    await scene.ended(last.id)
    updates = [message["task"] for message in scene.told.received if message["event_type"] == "task_update"]
    ends = Counter(task["id"] for task in updates if "end_time" in task)
    assert set(ends.values()) == {1}
    assert len(ends) == times + 1
    told = {message["task_id"] for message in scene.told.received if message["event_type"] == "task_result"}
    assert told.isdisjoint({task["id"] for task in updates if task["status"] == "cancelled"})
    assert ended[TaskState.CANCELLED] > times / 2


async def test_a_task_can_be_cancelled_at_any_moment(scene: Scene) -> None:
    await prove(scene, 30)


@pytest.mark.long
async def test_a_task_can_be_cancelled_at_any_of_five_hundred_moments(scene: Scene) -> None:
    await prove(scene, 500)
