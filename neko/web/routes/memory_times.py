"""What was said, and summed up, between two moments: N.E.K.O. has these two questions in its library only, and nobody
asks them (``contract/memory.md`` §3)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from neko.memory.line_codec import local_naive, parsed_row
from neko.types.memory import Layer
from neko.web.endpoint import Call, get
from neko.web.routes.memory import Moment
from neko.web.routes.memory_service import NamePath
from neko.web.schemas import Empty, Schema
from neko.well_formed import load_json


class Timeframe(Schema):
    """ISO 8601 or Unix seconds; without an offset it is local time. Both ends belong to it."""

    start: Moment
    end: Moment
    limit: int = Field(1_000, ge=1, le=10_000)


class TimedRow(Schema):
    """``message`` has the form of the recent window's; ``sources`` are the ids of the lines that a summary was made
    of; ``timestamp`` is local time."""

    session_id: str
    timestamp: str
    message: Any
    sources: list[int]


class TimedRows(Schema):
    """The oldest first."""

    rows: list[TimedRow]


@get(
    "/memory/retrieve_original_by_timeframe/{name}",
    path=NamePath,
    query=Timeframe,
    response=TimedRows,
    summary="What was said between two moments; nothing for an unknown name",
)
async def original(call: Call[Empty, Timeframe, NamePath]) -> TimedRows:
    return await _rows(call, "line")


@get(
    "/memory/retrieve_summary_by_timeframe/{name}",
    path=NamePath,
    query=Timeframe,
    response=TimedRows,
    summary="The summaries that were made between two moments; nothing for an unknown name",
)
async def summary(call: Call[Empty, Timeframe, NamePath]) -> TimedRows:
    return await _rows(call, "summary")


async def _rows(call: Call[Empty, Timeframe, NamePath], layer: Layer) -> TimedRows:
    name, asked = call.path.name, call.query
    if name not in call.neko.characters.names:
        return TimedRows(rows=[])
    start, end = local_naive(asked.start), local_naive(asked.end)
    rows = await call.neko.memory.timeframe(name, layer, start, end, asked.limit)
    return TimedRows(rows=[_row(session, raw, stamp) for _, session, raw, stamp in rows])


def _row(session: str | None, raw: str | None, stamp: str | None) -> TimedRow:
    try:
        message = load_json(raw or "")
    except (ValueError, RecursionError):
        message = raw
    sources = list(parsed_row(raw or "").sources)
    return TimedRow(session_id=session or "", timestamp=stamp or "", message=message, sources=sources)


ENDPOINTS = (original, summary)
