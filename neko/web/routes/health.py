"""Liveness, and the notice that a page sends when it closes."""

from __future__ import annotations

from starlette.responses import Response

from neko.web import plain_answers
from neko.web.endpoint import Call, get, post
from neko.web.schemas import Null, Schema


class Health(Schema):
    app: str = "N.E.K.O"
    service: str = "main"
    status: str = "ok"
    instance_id: str


@get("/health", response=Health, summary="Whether this Neko is up, and which one it is")
async def health(call: Call) -> Response:
    return plain_answers.health(call.neko)


@post(
    "/api/beacon/shutdown",
    response=Null,
    summary="A page is closing; Neko goes on running",
)
async def beacon_shutdown(call: Call) -> Null:
    return Null(None)


ENDPOINTS = (health, beacon_shutdown)
