"""A task of the agent and what can become of it: values and pure rules. Who holds them is ``task_list``.

A task is in one of nine states. It waits in its lane (``QUEUED``), is done (``RUNNING``), stands still because the
user wants it to (``PAUSED``) or waits for the user (``ASKING``). The five others are ends; an ended task
changes no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from neko.types.hands import HandName
from neko.types.plan import Plan

Source = Literal["conversation", "page", "api", "reminder"]
WaitsFor = Literal["", "turn", "approval", "user"]
Command = Literal["pause", "resume", "cancel", "retry"]

LONGEST_ACTION: Final = 200
LONGEST_RESULT: Final = 4_000
MOST_FILES: Final = 50


class TaskState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    ASKING = "asking"
    COMPLETED = "completed"
    PARTIAL = "partial"
    """Some of its steps are done."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Neko was ended while it was not over."""


ENDED: Final = frozenset(
    {TaskState.COMPLETED, TaskState.PARTIAL, TaskState.FAILED, TaskState.CANCELLED, TaskState.INTERRUPTED}
)


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    STOPPED = "stopped"
    """It was begun, and the task was ended by the user, or by the end of Neko."""


@dataclass(frozen=True, slots=True)
class Step:
    """``detail``: what came of it, in a few words."""

    title: str
    hand: HandName
    state: StepState = StepState.WAITING
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """``plan`` is what it was started with, None when it has still to be made; ``channel`` the hand in use, or the
    first one. ``held``: the user wants it to stand still. ``action``: what is done now. ``thumbnail`` counts its
    pictures; ``files`` are names of files in the task's folder. ``after_outside``: who planned it had read words from
    outside, which may be what wants it. ``due``: when a reminder is to be told, local time.
    """

    id: str
    character: str
    instruction: str
    title: str
    source: Source
    created: datetime
    channel: HandName
    hand: HandName | None = None
    plan: Plan | None = None
    turn_id: str = ""
    after_outside: bool = False
    language: str = "en"
    steps: tuple[Step, ...] = ()
    state: TaskState = TaskState.QUEUED
    waits_for: WaitsFor = "turn"
    held: bool = False
    action: str = ""
    result: str = ""
    error: str = ""
    thumbnail: int = 0
    files: tuple[str, ...] = ()
    due: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ENDED


def commands(task: Task) -> tuple[Command, ...]:
    """What the user can do with it now."""
    if task.state is TaskState.COMPLETED:
        return ()
    if task.source == "reminder":
        return () if task.is_over else ("cancel",)
    if task.is_over:
        return ("retry",)
    return ("resume", "cancel") if task.held else ("pause", "cancel")


# ── what happens to it ────────────────────────────────────────────────────────


def _settled(task: Task) -> Task:
    """The task in the state that follows from what it waits for."""
    if task.is_over:
        return task
    if task.held:
        state = TaskState.PAUSED
    elif task.waits_for in ("approval", "user"):
        state = TaskState.ASKING
    else:
        state = TaskState.QUEUED if task.waits_for == "turn" and task.started is None else TaskState.RUNNING
    return replace(task, state=state)


def begun(task: Task, now: datetime) -> Task:
    """Its turn has come."""
    if task.is_over:
        return task
    return _settled(replace(task, started=task.started or now, waits_for=""))


def waiting(task: Task, what: WaitsFor) -> Task:
    """It waits for this; "" when it goes on."""
    return task if task.is_over else _settled(replace(task, waits_for=what))


def paused(task: Task, why: str = "") -> Task:
    """The user wants it to stand still; ``why`` is shown in place of what is done."""
    if task.is_over or task.held:
        return task
    return _settled(replace(task, held=True, action=why[:LONGEST_ACTION] or task.action))


def resumed(task: Task) -> Task:
    return _settled(replace(task, held=False)) if task.held and not task.is_over else task


def acting(task: Task, action: str) -> Task:
    """This is done now."""
    return task if task.is_over else replace(task, action=action[:LONGEST_ACTION])


def planned(task: Task, plan: Plan, kept: int = 0) -> Task:
    """It follows this plan, after the first ``kept`` of the steps that it has."""
    if task.is_over or not plan.steps:
        return task
    steps = tuple(Step(step.instruction, step.hand) for step in plan.steps)
    return replace(
        task,
        title=plan.title or task.title,
        language=plan.language,
        channel=task.channel if kept else steps[0].hand,
        steps=task.steps[:kept] + steps,
    )


def stepped(task: Task, place: int, state: StepState, detail: str = "") -> Task:
    """Its step at ``place`` is in this state."""
    if task.is_over:
        return task
    step = replace(task.steps[place], state=state, detail=detail[:LONGEST_RESULT])
    channel = step.hand if state is StepState.RUNNING else task.channel
    return replace(task, steps=(*task.steps[:place], step, *task.steps[place + 1 :]), channel=channel)


def pictured(task: Task) -> Task:
    """It has a newer picture."""
    return task if task.is_over else replace(task, thumbnail=task.thumbnail + 1)


def with_files(task: Task, names: Sequence[str]) -> Task:
    """These files came of it, too."""
    if task.is_over:
        return task
    return replace(task, files=tuple(dict.fromkeys((*task.files, *names)))[:MOST_FILES])


def ended(task: Task, state: TaskState, now: datetime, *, result: str = "", error: str = "") -> Task:
    """It is over; what it had not begun is skipped, what it was at has failed or was stopped."""
    if task.is_over:
        return task
    assert state in ENDED, state
    return replace(
        task,
        state=state,
        steps=tuple(_left(step, state) for step in task.steps),
        waits_for="",
        held=False,
        action="",
        result=result[:LONGEST_RESULT],
        error=error[:LONGEST_RESULT],
        ended=now,
    )


def _left(step: Step, end: TaskState) -> Step:
    is_stopped = end in (TaskState.CANCELLED, TaskState.INTERRUPTED)
    over = {
        StepState.WAITING: StepState.SKIPPED,
        StepState.RUNNING: StepState.STOPPED if is_stopped else StepState.FAILED,
    }
    return replace(step, state=over.get(step.state, step.state))
