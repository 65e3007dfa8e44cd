"""What can become of a task, and what the user can do with it in each state."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from neko.agent import tasks as rules
from neko.agent.messages import agent_task
from neko.agent.tasks import ENDED, StepState, Task, TaskState, commands
from neko.types.plan import Plan, PlanStep

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PLAN = Plan("Flights", (PlanStep("browser_use", "Look up flights"), PlanStep("mcp", "Write them down")), "ja")


def new() -> Task:
    task = Task("t1", "Mio", "look up flights", "look up", "api", NOW, "browser_use")
    return rules.planned(task, PLAN)


def running() -> Task:
    return rules.stepped(rules.begun(new(), NOW), 0, StepState.RUNNING)


def test_a_task_waits_for_its_turn_then_runs() -> None:
    assert (new().state, new().waits_for) == (TaskState.QUEUED, "turn")
    assert (running().state, running().waits_for) == (TaskState.RUNNING, "")


def test_a_plan_gives_a_task_its_title_steps_and_language() -> None:
    task = new()
    assert (task.title, task.language, [step.hand for step in task.steps]) == ("Flights", "ja", ["browser_use", "mcp"])


def test_what_is_done_stays_when_the_rest_is_planned_anew() -> None:
    task = rules.stepped(rules.stepped(running(), 0, StepState.DONE, "found 3"), 1, StepState.FAILED, "no disk")
    again = rules.planned(task, Plan("", (PlanStep("user_plugin", "Send them"),), "ja"), kept=2)
    assert [(step.hand, step.state) for step in again.steps] == [
        ("browser_use", StepState.DONE),
        ("mcp", StepState.FAILED),
        ("user_plugin", StepState.WAITING),
    ]
    assert again.title == "Flights"


@pytest.mark.parametrize("what", ["approval", "user"])
def test_a_task_that_waits_for_the_user_asks(what: rules.WaitsFor) -> None:
    assert rules.waiting(running(), what).state is TaskState.ASKING
    assert rules.waiting(rules.waiting(running(), what), "").state is TaskState.RUNNING


def test_a_task_that_is_held_goes_on_with_what_it_was_at() -> None:
    asking = rules.waiting(running(), "approval")
    held = rules.paused(asking, "You moved the mouse.")
    assert (held.state, held.action, held.waits_for) == (TaskState.PAUSED, "You moved the mouse.", "approval")
    assert rules.resumed(held).state is TaskState.ASKING
    assert rules.resumed(rules.waiting(held, "")).state is TaskState.RUNNING
    assert rules.resumed(rules.paused(new())).state is TaskState.QUEUED


@pytest.mark.parametrize(
    ("task", "possible"),
    [
        (new(), ("pause", "cancel")),
        (running(), ("pause", "cancel")),
        (rules.waiting(running(), "user"), ("pause", "cancel")),
        (rules.paused(running()), ("resume", "cancel")),
        (rules.ended(running(), TaskState.COMPLETED, NOW), ()),
        *((rules.ended(running(), state, NOW), ("retry",)) for state in sorted(ENDED - {TaskState.COMPLETED})),
    ],
)
def test_each_state_has_its_commands(task: Task, possible: tuple[str, ...]) -> None:
    assert commands(task) == possible


@pytest.mark.parametrize("state", sorted(ENDED))
def test_a_task_that_is_over_changes_no_more(state: TaskState) -> None:
    over = rules.ended(running(), state, NOW, result="r", error="e")
    changes = (
        lambda task: rules.begun(task, NOW),
        rules.paused,
        rules.resumed,
        rules.pictured,
        lambda task: rules.waiting(task, "user"),
        lambda task: rules.acting(task, "click"),
        lambda task: rules.stepped(task, 0, StepState.RUNNING),
        lambda task: rules.planned(task, PLAN),
        lambda task: rules.with_files(task, ["a"]),
        lambda task: rules.ended(task, TaskState.FAILED, NOW),
    )
    assert all(change(over) is over for change in changes)


def test_the_end_leaves_no_step_open() -> None:
    stopped = rules.ended(running(), TaskState.CANCELLED, NOW)
    assert [step.state for step in stopped.steps] == [StepState.STOPPED, StepState.SKIPPED]
    over = rules.ended(running(), TaskState.FAILED, NOW)
    assert [step.state for step in over.steps] == [StepState.FAILED, StepState.SKIPPED]
    assert (over.action, over.held, over.ended) == ("", False, NOW)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (TaskState.COMPLETED, "completed"),
        (TaskState.PARTIAL, "completed"),
        (TaskState.FAILED, "failed"),
        (TaskState.CANCELLED, "cancelled"),
        (TaskState.INTERRUPTED, "failed"),
    ],
)
def test_other_programs_are_told_an_end_in_their_words(state: TaskState, status: str) -> None:
    told = agent_task(rules.ended(running(), state, NOW, error="No."))
    assert (told["status"], told["neko"]["state"], told["end_time"]) == (status, state, "2026-11-27T12:00:00.000000Z")
    assert (told["error"], told["type"], told["params"]["instruction"]) == ("No.", "browser_use", "look up flights")


def test_a_held_or_asking_task_is_running_to_other_programs() -> None:
    for task in (rules.paused(running()), rules.waiting(running(), "approval"), running()):
        assert agent_task(task)["status"] == "running"


def test_pictures_and_files_of_a_task_have_addresses() -> None:
    task = rules.with_files(rules.pictured(running()), ["a b.pdf", "a b.pdf"])
    ours = agent_task(task)["neko"]
    assert ours["thumbnail"] == "/api/agent/tasks/t1/thumbnail?v=1"
    assert ours["files"] == [{"name": "a b.pdf", "url": "/api/agent/tasks/t1/files/a%20b.pdf"}]
    assert agent_task(running())["neko"]["thumbnail"] == ""
