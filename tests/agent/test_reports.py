"""The end of a task, then its result (bus.md §10, rule 6)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from neko.agent.messages import task_result, task_update
from neko.agent.reports import MAX_HELD, TaskReports
from neko.bus import Bus, BusMessageError, Message
from tests.recording_handler import RecordingHandler


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    bus = Bus()
    yield bus
    await bus.aclose(timeout_s=0.1)


@pytest.fixture
async def reports(bus: Bus) -> AsyncIterator[TaskReports]:
    reports = TaskReports(bus.agent)
    yield reports
    reports.close()


NOTE: Message = {"event_type": "agent_status_update", "lanlan_name": None, "snapshot": {}}


def update(task_id: str, status: Any) -> Message:
    return dict(
        task_update(
            "Mio", {"id": task_id, "status": status, "type": "computer_use", "start_time": "2026-02-22T06:03:11Z"}
        )
    )


def result(task_id: str, summary: str = "done") -> Message:
    return dict(task_result("Mio", "computer_use", success=True, summary=summary, task_id=task_id))


async def order_of(bus: Bus, number: int) -> list[str]:
    handler = RecordingHandler()
    bus.agent.attach(handler)
    await handler.until(number)
    return [f"{m['event_type']}:{m.get('task', {}).get('status', '')}" for m in handler.received]


@pytest.mark.parametrize("final", ["completed", "failed", "cancelled"])
async def test_a_result_published_too_early_comes_after_the_end_of_its_task(
    bus: Bus, reports: TaskReports, final: str
) -> None:
    for message in (update("1", "running"), result("1"), NOTE, update("1", final)):
        assert reports.publish(message)
    order = await order_of(bus, 4)
    assert order == ["task_update:running", "agent_status_update:", f"task_update:{final}", "task_result:"]


async def test_a_result_of_a_task_without_updates_does_not_wait(bus: Bus, reports: TaskReports) -> None:
    reports.publish(result(""))
    reports.publish(result("unknown"))
    assert await order_of(bus, 2) == ["task_result:", "task_result:"]


async def test_a_result_waits_for_its_own_task_only(bus: Bus, reports: TaskReports) -> None:
    for message in (update("1", "running"), update("2", "running"), result("1"), update("2", "completed"), result("2")):
        reports.publish(message)
    reports.publish(update("1", "completed"))
    assert (await order_of(bus, 6))[2:] == [
        "task_update:completed",
        "task_result:",
        "task_update:completed",
        "task_result:",
    ]


async def test_a_result_whose_task_never_ends_is_not_lost(bus: Bus) -> None:
    reports = TaskReports(bus.agent, result_timeout_s=0.01)
    reports.publish(update("1", "running"))
    reports.publish(result("1"))
    assert await order_of(bus, 2) == ["task_update:running", "task_result:"]


async def test_closing_publishes_a_result_that_still_waits(bus: Bus, reports: TaskReports) -> None:
    reports.publish(update("1", "running"))
    reports.publish(result("1"))
    reports.close()
    assert await order_of(bus, 2) == ["task_update:running", "task_result:"]


async def test_a_result_is_delivered_as_it_was_when_it_was_published(bus: Bus, reports: TaskReports) -> None:
    message = result("1")
    reports.publish(update("1", "running"))
    reports.publish(message)
    message["text"] = "changed by the publisher"
    reports.publish(update("1", "completed"))
    handler = RecordingHandler()
    bus.agent.attach(handler)
    await handler.until(3)
    assert handler.received[-1]["text"] == "done"


async def test_a_result_that_is_not_json_fails_at_once_also_when_it_would_wait(reports: TaskReports) -> None:
    reports.publish(update("1", "running"))
    with pytest.raises(BusMessageError):
        reports.publish({**result("1"), "detail": b"bytes"})


async def test_only_so_many_results_wait_and_none_is_lost(bus: Bus, reports: TaskReports) -> None:
    handler = RecordingHandler()
    bus.agent.attach(handler)
    reports.publish(update("1", "running"))
    for number in range(MAX_HELD + 1):
        assert reports.publish(result("1", str(number)))
    await handler.until(2)
    assert handler.received[-1]["text"] == str(MAX_HELD)
    reports.publish(update("1", "completed"))
    await handler.until(MAX_HELD + 3)
    assert [message["text"] for message in handler.received[3:]] == [str(number) for number in range(MAX_HELD)]
