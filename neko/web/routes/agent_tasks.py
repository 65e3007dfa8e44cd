"""What she does: the list of tasks, one of them, its picture."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from neko.agent.messages import agent_task
from neko.agent.tasks import ENDED, Task, TaskState
from neko.tool_errors import AgentError
from neko.web.endpoint import Call, get
from neko.web.routes.agent_schemas import ListedTask, TaskCounts, TaskListing, TaskPath, TaskQuery
from neko.web.schemas import Empty

_NO_TASK = {404: "There is no such task, or not any more."}


@get("/api/agent/tasks", "/agent/tasks", query=TaskQuery, response=TaskListing, summary="The tasks, the newest first")
async def tasks(call: Call[Empty, TaskQuery]) -> TaskListing:
    found = call.neko.agent.tasks.listed(call.query.character)
    listed = [listed_task(task) for task in found[: call.query.limit]]
    return TaskListing(tasks=listed, debug=TaskCounts(task_registry_count=len(found), total_returned=len(listed)))


@get(
    "/api/agent/tasks/{id}",
    "/agent/tasks/{id}",
    path=TaskPath,
    response=ListedTask,
    summary="One task",
    failures=_NO_TASK,
)
async def task(call: Call[Empty, Empty, TaskPath]) -> ListedTask:
    return listed_task(task_of(call))


@get(
    "/api/agent/tasks/{id}/thumbnail",
    path=TaskPath,
    response=Empty,
    produces="image/jpeg",
    summary="The newest picture of what a task acts on",
    failures={404: "There is none."},
)
async def thumbnail(call: Call[Empty, Empty, TaskPath]) -> Response:
    picture = call.neko.agent.tasks.thumbnail(task_of(call).id)
    if picture is None:
        raise HTTPException(404)
    return Response(picture.data, media_type=picture.media_type, headers=PRIVATE)


PRIVATE = {"cache-control": "private, no-store", "x-content-type-options": "nosniff"}


def task_of(call: Call[Any, Any, TaskPath]) -> Task:
    """Raises ``AgentError`` when there is none."""
    found = call.neko.agent.tasks.get(call.path.id)
    if found is None:
        raise AgentError("unknown_task", "no such task")
    return found


def listed_task(task: Task) -> ListedTask:
    told = agent_task(task)
    result = None
    if task.state in ENDED:
        is_done = task.state in (TaskState.COMPLETED, TaskState.PARTIAL)
        result = {"success": task.state is TaskState.COMPLETED, "result": task.result} if is_done else None
    return ListedTask(
        id=told["id"],
        type=told["type"],
        status=told["status"],
        start_time=told["start_time"],
        end_time=told.get("end_time"),
        params=told.get("params", {}),
        result=result,
        error=told.get("error"),
        lanlan_name=task.character,
        neko=dict(told["neko"]),
    )


ENDPOINTS = (tasks, task, thumbnail)
