"""The audit trail: what was wanted, whether it was allowed, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from neko.tasks import in_thread
from neko.web.endpoint import Call, get
from neko.web.routes.agent_schemas import PRIVATE
from neko.web.schemas import Empty, Id, Schema

_TYPES = {"json": "application/json", "csv": "text/csv"}
_UNREADABLE = {503: "The trail cannot be read."}


class AuditQuery(Schema):
    """``before``: rows below this number; ``task``: of this one; ``q``: in which these words stand."""

    before: Id | None = None
    limit: int = Field(100, ge=1, le=500)
    task: str = Field("", max_length=64)
    q: str = Field("", max_length=200)


class AuditRow(Schema):
    """``arguments``: as the user was shown them. ``picture``: an address or ""."""

    id: int
    at: str
    task_id: str
    character: str
    hand: str
    place: str
    tool: str
    title: str
    act: str
    arguments: str
    verdict: str
    outcome: str
    detail: str
    picture: str


class AuditTrail(Schema):
    """The newest first."""

    rows: list[AuditRow]


class ExportQuery(Schema):
    format: Literal["json", "csv"] = "json"


class Exported(RootModel[list[dict[str, Any]]]):
    """The rows, as JSON; as CSV a line for each."""

    model_config = ConfigDict(defer_build=True)


class AuditPicturePath(Schema):
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


@get(
    "/api/agent/audit",
    query=AuditQuery,
    response=AuditTrail,
    summary="What was done and what was not allowed, the newest first",
    failures=_UNREADABLE,
)
async def audit(call: Call[Empty, AuditQuery]) -> AuditTrail:
    query, journal = call.query, call.neko.agent.journal
    if not await in_thread(lambda: journal.exists):
        return AuditTrail(rows=[])
    rows = await journal.rows(before=query.before, limit=query.limit, task=query.task, words=query.q.strip())
    return AuditTrail(rows=[AuditRow(**{**row, "picture": _address(row["picture"])}) for row in rows])


@get(
    "/api/agent/audit/export",
    query=ExportQuery,
    response=Exported,
    produces="application/json, text/csv",
    summary="The whole trail as a file, as JSON or CSV",
    failures=_UNREADABLE,
)
async def export(call: Call[Empty, ExportQuery]) -> Response:
    form = call.query.format
    name = f'attachment; filename="neko-audit.{form}"'
    pieces = call.neko.agent.journal.exported(form)
    return StreamingResponse(pieces, media_type=_TYPES[form], headers={**PRIVATE, "content-disposition": name})


@get(
    "/api/agent/audit/pictures/{name}",
    path=AuditPicturePath,
    response=Empty,
    produces="image/png",
    summary="What the user was shown before an act",
    failures={404: "There is no such picture, or not any more."},
)
async def picture(call: Call[Empty, Empty, AuditPicturePath]) -> Response:
    found = await call.neko.agent.journal.picture(call.path.name)
    if found is None:
        raise HTTPException(404)
    return Response(found.data, media_type=found.media_type, headers=PRIVATE)


def _address(name: str) -> str:
    return f"/api/agent/audit/pictures/{name}" if name else ""


ENDPOINTS = (audit, export, picture)
