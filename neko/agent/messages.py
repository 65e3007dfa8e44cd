"""The objects that cross the bus between conversations and the agent, and how they are made.

Names and limits are those of the message bus of N.E.K.O. (February 2026); ``turn_id``, ``called`` and ``neko`` are
ours.
"""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, NotRequired
from urllib.parse import quote

from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from neko.agent.tasks import Command, Source, StepState, Task, TaskState, WaitsFor, commands
from neko.bus import Message

Trigger = Literal["turn_end", "session_end"]
TaskStatus = Literal["queued", "running", "completed", "failed", "cancelled"]
FINAL_STATUSES: Final = frozenset({"completed", "failed", "cancelled"})
Channel = Literal["mcp", "computer_use", "browser_use", "user_plugin"]

WINDOW: Final = 6
_SHORT: Final = 500
_LONG: Final = 1500


class Utterance(TypedDict):
    """One entry of a conversation, as text."""

    role: Literal["user", "assistant"]
    content: str


class AnalyzeRequest(TypedDict):
    """On ``analyze``: a finished turn that may hold a request. ``fresh``: so many of the last entries of the user are
    of this turn; ``called``: what her model did in it by functions."""

    event_type: Literal["analyze_request"]
    event_id: str
    trigger: Trigger
    lanlan_name: str
    messages: list[Utterance]
    turn_id: NotRequired[str]
    fresh: NotRequired[int]
    called: NotRequired[list[str]]


class Flags(TypedDict):
    """Which channels the user has switched on."""

    mcp_enabled: bool
    computer_use_enabled: bool
    browser_use_enabled: bool
    user_plugin_enabled: bool


class Gate(TypedDict):
    """Is there a model that the agent could think with, and if not, why."""

    ready: bool
    reasons: list[str]


class Capability(TypedDict):
    ready: bool
    reason: str


class Capabilities(TypedDict):
    """What each channel could do if it were switched on."""

    computer_use: Capability
    mcp: Capability
    browser_use: Capability
    user_plugin: Capability


class TaskStep(TypedDict):
    title: str
    hand: Channel
    state: StepState
    detail: str


class TaskFile(TypedDict):
    name: str
    url: str


class OurTask(TypedDict):
    """What our page shows of a task. ``action``: what is being done now; ``thumbnail`` is an address or "";
    ``commands``: what can be done with it now; ``due``: when a reminder is to be told, ISO 8601."""

    title: str
    instruction: str
    state: TaskState
    steps: list[TaskStep]
    action: str
    result: str
    thumbnail: str
    files: list[TaskFile]
    commands: list[Command]
    source: Source
    character: str
    waits_for: WaitsFor
    due: NotRequired[str]


class AgentTask(TypedDict):
    """A task in one of its states; the last five come with some of them only."""

    id: str
    status: TaskStatus
    type: Channel
    start_time: str
    end_time: NotRequired[str]
    params: NotRequired[dict[str, Any]]
    session_id: NotRequired[str]
    error: NotRequired[str | None]
    neko: NotRequired[OurTask]


class Snapshot(TypedDict):
    """The agent's whole state. ``revision`` only grows, also across restarts; a page drops a
    snapshot whose revision is not greater than the last one it saw."""

    revision: int
    server_online: bool
    analyzer_enabled: bool
    flags: Flags
    gate: Gate
    capabilities: Capabilities
    active_tasks: list[AgentTask]
    updated_at: str


class AgentStatusUpdate(TypedDict):
    """On ``agent``; a null name means everybody."""

    event_type: Literal["agent_status_update"]
    lanlan_name: str | None
    snapshot: Snapshot


class TaskUpdate(TypedDict):
    """On ``agent``: a task changed its state."""

    event_type: Literal["task_update"]
    lanlan_name: str
    task: AgentTask


class TaskResult(TypedDict):
    """On ``agent``: what came of a task. ``text`` repeats ``summary``."""

    event_type: Literal["task_result"]
    lanlan_name: str
    text: str
    task_id: str
    channel: Channel
    status: Literal["completed", "partial", "failed"]
    success: bool
    summary: str
    detail: str
    error_message: str
    timestamp: str


def analyze_request(
    character: str,
    utterances: Sequence[Utterance],
    *,
    trigger: Trigger = "turn_end",
    turn_id: str | None = None,
    fresh: int = 0,
    called: Sequence[str] = (),
) -> AnalyzeRequest:
    """A request with a fresh event id and the last six entries that hold any text."""
    window = [
        Utterance(role=entry["role"], content=entry["content"])
        for entry in utterances
        if entry["role"] in ("user", "assistant") and entry["content"].strip()
    ]
    request = AnalyzeRequest(
        event_type="analyze_request",
        event_id=uuid.uuid4().hex,
        trigger=trigger,
        lanlan_name=character,
        messages=window[-WINDOW:],
    )
    if turn_id is not None:
        request["turn_id"] = turn_id
    if fresh:
        request["fresh"] = fresh
    if called:
        request["called"] = list(called)
    return request


def turn_keys(request: Message) -> Iterable[Hashable]:
    """The turn that an ``analyze_request`` names: analysing it once is enough, whatever its window of words."""
    if request.get("turn_id"):
        yield ("turn", str(request.get("lanlan_name")), str(request["turn_id"]))


def task_update(character: str, task: AgentTask) -> TaskUpdate:
    return TaskUpdate(event_type="task_update", lanlan_name=character, task=task)


def task_result(
    character: str,
    channel: Channel,
    *,
    success: bool,
    summary: str,
    task_id: str = "",
    detail: str = "",
    error: str = "",
    now: datetime | None = None,
) -> TaskResult:
    """A result, cut to size: completed on success, else partial when there is some detail, else failed."""
    return TaskResult(
        event_type="task_result",
        lanlan_name=character,
        text=summary[:_SHORT],
        task_id=task_id,
        channel=channel,
        status="completed" if success else "partial" if detail else "failed",
        success=success,
        summary=summary[:_SHORT],
        detail=detail[:_LONG],
        error_message=error[:_SHORT],
        timestamp=timestamp(now),
    )


def reminder_unclear(character: str) -> dict[str, Any]:
    """The user may want to be reminded, and neither rules nor model know of what and when."""
    said = {"kind": "reminder_answer", "outcome": "unclear"}
    return {"event_type": "proactive_message", "lanlan_name": character, "text": "", "neko": said}


def agent_status_update(snapshot: Snapshot, character: str | None = None) -> AgentStatusUpdate:
    return AgentStatusUpdate(event_type="agent_status_update", lanlan_name=character, snapshot=snapshot)


_STATUS: Final[dict[TaskState, TaskStatus]] = {
    TaskState.QUEUED: "queued",
    TaskState.RUNNING: "running",
    TaskState.PAUSED: "running",
    TaskState.ASKING: "running",
    TaskState.COMPLETED: "completed",
    TaskState.PARTIAL: "completed",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "cancelled",
    TaskState.INTERRUPTED: "failed",
}


def agent_task(task: Task) -> AgentTask:
    """A task as pages are told of it."""
    told = AgentTask(
        id=task.id,
        status=_STATUS[task.state],
        type=task.channel,
        start_time=timestamp(task.started or task.created),
        params={"instruction": task.instruction},
        neko=_our_task(task),
    )
    if task.ended is not None:
        told["end_time"] = timestamp(task.ended)
    if task.error:
        told["error"] = task.error[:_SHORT]
    return told


def _our_task(task: Task) -> OurTask:
    place = f"/api/agent/tasks/{task.id}"
    told = OurTask(
        title=task.title,
        instruction=task.instruction,
        state=task.state,
        steps=[TaskStep(title=one.title, hand=one.hand, state=one.state, detail=one.detail) for one in task.steps],
        action=task.action,
        result=task.result,
        thumbnail=f"{place}/thumbnail?v={task.thumbnail}" if task.thumbnail else "",
        files=[TaskFile(name=name, url=f"{place}/files/{quote(name, safe='')}") for name in task.files],
        commands=list(commands(task)),
        source=task.source,
        character=task.character,
        waits_for=task.waits_for,
    )
    if task.due is not None:
        told["due"] = task.due.isoformat()
    return told


def timestamp(now: datetime | None = None) -> str:
    """UTC as ``2026-02-22T06:03:11.123456Z``; ``now`` must know its time zone."""
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
