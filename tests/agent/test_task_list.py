"""Tasks are begun, held and ended as the user says, and each is told to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from neko.agent import tasks as rules
from neko.agent.reports import TaskReports
from neko.agent.task_list import MOST_WAITING, ActiveTask, Ending, Tasks
from neko.agent.tasks import TaskState
from neko.bus import Bus
from neko.tool_errors import AgentError
from tests.recording_handler import RecordingHandler

Do = Callable[[ActiveTask], Awaitable[Ending]]
DONE = Ending(TaskState.COMPLETED, "It rains.")


class Desk:
    """Tasks that ``do`` does, and what is told of them."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.told = RecordingHandler()
        bus.agent.attach(self.told)
        self.do: Do = self.done
        self.tasks = Tasks(lambda active: self.do(active), TaskReports(bus.agent).publish)

    async def done(self, _active: ActiveTask) -> Ending:
        return DONE

    async def until(self, task_id: str, state: TaskState) -> None:
        await self.told.until_fits(lambda message: _state(message, task_id) == state)

    def states(self, task_id: str) -> list[str]:
        """In the order in which they were told, with "result" for what came of it."""
        found = []
        for message in self.told.received:
            if state := _state(message, task_id):
                found.append(state)
            elif message["event_type"] == "task_result" and message["task_id"] == task_id:
                found.append("result")
        return found


def _state(message: dict[str, Any], task_id: str) -> str:
    task = message.get("task", {})
    return str(task["neko"]["state"]) if task.get("id") == task_id else ""


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    bus = Bus()
    desk = Desk(bus)
    yield desk
    await desk.tasks.aclose()
    await bus.aclose()


async def forever(_active: ActiveTask) -> Ending:
    await asyncio.Event().wait()
    return DONE


async def test_a_task_is_told_from_beginning_to_end_and_then_its_result(desk: Desk) -> None:
    task = await desk.tasks.start("Mio", "How is the weather?")
    await desk.told.until_fits(lambda message: message["event_type"] == "task_result")
    assert desk.states(task.id) == ["queued", "running", "completed", "result"]
    result = desk.told.received[-1]
    assert (result["status"], result["success"], result["detail"]) == ("completed", True, "It rains.")
    assert result["summary"] == "How is the weather?: It rains."


async def test_what_goes_wrong_is_told_with_its_reason_and_remedy(desk: Desk) -> None:
    async def fails(active: ActiveTask) -> Ending:
        raise AgentError("no_model", "none")

    desk.do = fails
    task = await desk.tasks.start("Mio", "x")
    await desk.told.until_fits(lambda message: message["event_type"] == "task_result")
    result = desk.told.received[-1]
    assert (result["status"], result["success"]) == ("failed", False)
    assert "There is no model" in result["error_message"]
    assert "Settings" in result["error_message"]
    assert desk.tasks.get(task.id) == desk.tasks.listed()[0]


@pytest.mark.parametrize("error", [RuntimeError("boom"), asyncio.CancelledError()])
async def test_a_defect_of_ours_leaves_no_task_open(desk: Desk, error: BaseException) -> None:
    async def breaks(active: ActiveTask) -> Ending:
        raise error

    desk.do = breaks
    task = await desk.tasks.start("Mio", "x")
    await desk.until(task.id, TaskState.FAILED)


async def test_a_cancelled_task_is_told_at_once_and_has_no_result(desk: Desk) -> None:
    desk.do = forever
    task = await desk.tasks.start("Mio", "x")
    await desk.until(task.id, TaskState.RUNNING)
    assert desk.tasks.cancel(task.id)
    assert desk.tasks.listed(active=True) == []
    assert not desk.tasks.cancel(task.id)
    desk.do = desk.done
    other = await desk.tasks.start("Mio", "y")
    await desk.told.until_fits(lambda message: message.get("task_id") == other.id)
    assert desk.states(task.id) == ["queued", "running", "cancelled"]


async def test_a_task_that_is_cancelled_before_it_began_never_begins(desk: Desk) -> None:
    task = await desk.tasks.start("Mio", "x")
    assert desk.tasks.cancel(task.id)
    other = await desk.tasks.start("Mio", "y")
    await desk.told.until_fits(lambda message: message.get("task_id") == other.id)
    assert desk.states(task.id) == ["queued", "cancelled"]


async def test_a_held_task_does_nothing_more_until_it_goes_on_and_lets_others_pass(desk: Desk) -> None:
    seen: list[str] = []
    at_it, go = asyncio.Event(), asyncio.Event()

    async def acts(active: ActiveTask) -> Ending:
        at_it.set()
        await go.wait()
        await active.checkpoint()
        seen.append(active.task.instruction)
        return DONE

    desk.do = acts
    held = [await desk.tasks.start("Mio", str(number)) for number in range(2)]
    await at_it.wait()
    for task in held:
        assert desk.tasks.pause(task.id)
        assert not desk.tasks.pause(task.id)
    go.set()
    third = await desk.tasks.start("Mio", "third")
    await desk.until(third.id, TaskState.COMPLETED)
    assert seen == ["third"]
    assert desk.tasks.resume(held[1].id)
    await desk.until(held[1].id, TaskState.COMPLETED)
    assert desk.tasks.cancel(held[0].id)
    assert seen == ["third", "1"]


async def test_one_character_waits_for_no_other(desk: Desk) -> None:
    async def by_name(active: ActiveTask) -> Ending:
        return await forever(active) if active.task.character == "Mio" else DONE

    desk.do = by_name
    for _ in range(3):
        await desk.tasks.start("Mio", "long")
    other = await desk.tasks.start("Rin", "short")
    await desk.until(other.id, TaskState.COMPLETED)
    assert [task.state for task in desk.tasks.listed("Mio")] == ["queued", "running", "running"]


async def test_only_so_many_tasks_wait_and_the_next_one_is_refused(desk: Desk) -> None:
    desk.do = forever
    started = [await desk.tasks.start("Mio", "x") for _ in range(2)]
    await desk.until(started[1].id, TaskState.RUNNING)
    for _ in range(MOST_WAITING):
        await desk.tasks.start("Mio", "x")
    with pytest.raises(AgentError) as caught:
        await desk.tasks.start("Mio", "x")
    assert caught.value.code == "agent_busy"
    await desk.tasks.start("Rin", "x")
    assert await desk.tasks.stop_all("Mio") == 2 + MOST_WAITING
    assert [task.character for task in desk.tasks.listed(active=True)] == ["Rin"]


async def test_a_failed_task_can_be_tried_again_as_a_new_one(desk: Desk) -> None:
    async def fails(active: ActiveTask) -> Ending:
        return Ending(TaskState.FAILED, error="No.")

    desk.do = fails
    task = await desk.tasks.start("Mio", "x", hand="browser_use")
    await desk.until(task.id, TaskState.FAILED)
    desk.do = desk.done
    again = await desk.tasks.retry(task.id)
    assert (again.instruction, again.hand, again.id != task.id) == ("x", "browser_use", True)
    await desk.until(again.id, TaskState.COMPLETED)
    for wrong, code in ((again.id, "agent_not_now"), ("nobody", "agent_unknown_task")):
        with pytest.raises(AgentError) as caught:
            await desk.tasks.retry(wrong)
        assert caught.value.code == code


async def test_an_empty_task_is_refused(desk: Desk) -> None:
    with pytest.raises(AgentError) as caught:
        await desk.tasks.start("Mio", " \n")
    assert caught.value.code == "agent_no_words"


async def test_progress_is_told_in_time_but_not_with_every_step(desk: Desk) -> None:
    async def busy(active: ActiveTask) -> Ending:
        for number in range(100):
            active.change(partial(rules.acting, action=f"step {number}"))
        await forever(active)
        return DONE

    desk.do = busy
    task = await desk.tasks.start("Mio", "x")
    await desk.told.until_fits(lambda message: message["task"]["neko"]["action"] == "step 99")
    assert desk.states(task.id) == ["queued", "running", "running"]


async def test_who_is_ended_says_what_was_not_over(desk: Desk) -> None:
    desk.do = forever
    task = await desk.tasks.start("Mio", "x")
    await desk.until(task.id, TaskState.RUNNING)
    await desk.tasks.aclose()
    await desk.until(task.id, TaskState.INTERRUPTED)
    assert rules.commands(desk.tasks.listed()[0]) == ("retry",)
