"""What she does: the list of tasks, one of them, its picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from neko.agent.messages import agent_task
from neko.agent.running_calls import RunningCall
from neko.agent.tasks import ENDED, Task, TaskState
from neko.tasks import in_thread
from neko.tool_errors import AgentError
from neko.web.endpoint import Call, get
from neko.web.routes.agent_schemas import (
    PRIVATE,
    ListedTask,
    TaskCounts,
    TaskFilePath,
    TaskListing,
    TaskPath,
    TaskQuery,
)
from neko.web.schemas import Empty

_NO_TASK = {404: "There is no such task, or not any more."}


@get("/api/agent/tasks", "/agent/tasks", query=TaskQuery, response=TaskListing, summary="The tasks, the newest first")
async def tasks(call: Call[Empty, TaskQuery]) -> TaskListing:
    await call.neko.agent.loaded()
    found = call.neko.agent.tasks.listed(call.query.character)
    calls = call.neko.agent.calls.listed(call.query.character)
    listed = [*map(_listed_call, calls), *map(listed_task, found)]
    if elsewhere := call.neko.agent.elsewhere:
        listed = [*map(_listed_elsewhere, elsewhere.tasks(call.query.character)), *listed]
    shown = listed[: call.query.limit]
    return TaskListing(tasks=shown, debug=TaskCounts(task_registry_count=len(listed), total_returned=len(shown)))


@get(
    "/api/agent/tasks/{id}",
    "/agent/tasks/{id}",
    path=TaskPath,
    response=ListedTask,
    summary="One task",
    failures=_NO_TASK,
)
async def task(call: Call[Empty, Empty, TaskPath]) -> ListedTask:
    if running := call.neko.agent.calls.get(call.path.id):
        return _listed_call(running)
    return listed_task(await _task(call, call.path.id))


@get(
    "/api/agent/tasks/{id}/thumbnail",
    path=TaskPath,
    response=Empty,
    produces="image/jpeg",
    summary="The newest picture of what a task acts on",
    failures={404: "There is none."},
)
async def thumbnail(call: Call[Empty, Empty, TaskPath]) -> Response:
    task = await _task(call, call.path.id)
    picture = await call.neko.agent.thumbnail(task.id)
    if picture is None:
        raise HTTPException(404)
    return Response(picture.data, media_type=picture.media_type, headers=PRIVATE)


@get(
    "/api/agent/tasks/{id}/files/{name}",
    path=TaskFilePath,
    response=Empty,
    produces="application/octet-stream",
    summary="A file that came of a task, to be kept, not shown",
    failures={404: "There is no such file, or not any more."},
)
async def file(call: Call[Empty, Empty, TaskFilePath]) -> Response:
    task = await _task(call, call.path.id)
    folder = call.neko.agent.journal.folder / "tasks" / task.id
    path = folder / call.path.name
    if call.path.name not in task.files or not await in_thread(_is_within, path, folder):
        raise HTTPException(404)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name, headers=PRIVATE)


def _is_within(path: Path, folder: Path) -> bool:
    """A file, and no link that leads elsewhere."""
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())


async def _task(call: Call[Any, Any, Any], task_id: str) -> Task:
    """Raises ``AgentError`` when there is none, also of an earlier time."""
    await call.neko.agent.loaded()
    found = call.neko.agent.tasks.get(task_id)
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


def _listed_call(call: RunningCall) -> ListedTask:
    """A call of a tool by her model."""
    return _listed_elsewhere({**call.task, "lanlan_name": call.character})


def _listed_elsewhere(task: Mapping[str, Any]) -> ListedTask:
    """One of the agent in another process, as far as it says what it should."""
    params, ours = task.get("params"), task.get("neko")
    texts = {name: str(task.get(name) or "") for name in ("id", "type", "status", "start_time", "lanlan_name")}
    return ListedTask(
        id=texts["id"],
        type=texts["type"],
        status=texts["status"],
        start_time=texts["start_time"],
        lanlan_name=texts["lanlan_name"],
        end_time=str(task["end_time"]) if task.get("end_time") else None,
        params=params if isinstance(params, dict) else {},
        error=str(task["error"]) if task.get("error") else None,
        neko=ours if isinstance(ours, dict) else {},
    )


ENDPOINTS = (tasks, task, thumbnail, file)
