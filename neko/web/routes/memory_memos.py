"""Summaries that are forgotten, merged and pinned by hand."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from neko.types.memory import Memo
from neko.web.endpoint import Call, post
from neko.web.errors import HTTPError
from neko.web.routes.history import CharacterPath, known, manager_of
from neko.web.routes.memory_browser import LONGEST_MEMO, MemoRewritten, memo_shape
from neko.web.schemas import Empty, Id, Schema, Success

_UNKNOWN = {404: "There is no character of this name, or no such summary."}


class MemoId(Schema):
    id: Id


@post(
    "/api/memory_browser/{character}/memo/forget",
    path=CharacterPath,
    body=MemoId,
    response=Success,
    summary="Forget a summary, not the lines it was made of; a session that runs begins anew",
    failures=_UNKNOWN,
)
async def forget(call: Call[MemoId, Empty, CharacterPath]) -> Success:
    if not await call.neko.memory.memo_edits.forget(known(call, call.path.character), call.body.id):
        raise HTTPError(404, "no_memo", "There is no such summary.")
    manager_of(call, call.path.character).begin_anew()
    return Success()


class Merge(Schema):
    """``into`` stays, with this ``text`` and the sources of both; ``other`` goes."""

    into: Id
    other: Id
    text: str = Field(min_length=1, max_length=LONGEST_MEMO)


@post(
    "/api/memory_browser/{character}/memo/merge",
    path=CharacterPath,
    body=Merge,
    response=MemoRewritten,
    summary="Let one summary say what two said",
    failures=_UNKNOWN,
)
async def merge(call: Call[Merge, Empty, CharacterPath]) -> MemoRewritten:
    character, body = known(call, call.path.character), call.body
    merged = await call.neko.memory.memo_edits.merge(character, body.into, body.other, body.text)
    return _rewritten(call, merged)


class Pin(MemoId):
    on: bool


@post(
    "/api/memory_browser/{character}/memo/pin",
    path=CharacterPath,
    body=Pin,
    response=MemoRewritten,
    summary="Let a summary stand in every memo, four at most, or no longer",
    failures={404: "There is no character of this name.", 409: "There is no such summary, or four are pinned."},
)
async def pin(call: Call[Pin, Empty, CharacterPath]) -> MemoRewritten:
    character = known(call, call.path.character)
    memo = await call.neko.memory.memo_edits.pin(character, call.body.id, on=call.body.on)
    if memo is None:
        raise HTTPError(409, "too_many_pinned", "Four summaries are pinned already: unpin one first.")
    return _rewritten(call, memo)


@post(
    "/api/memory_browser/{character}/memo/undo",
    path=CharacterPath,
    response=Success,
    summary="Bring back what was forgotten or merged last",
    failures={404: "There is no character of this name.", 409: "It is too late."},
)
async def undo(call: Call[Empty, Empty, CharacterPath]) -> Success:
    if not await call.neko.memory.memo_edits.undo(known(call, call.path.character)):
        raise HTTPError(409, "undo_too_late", "This cannot be undone any more.")
    manager_of(call, call.path.character).begin_anew()
    return Success()


def _rewritten(call: Call[Any, Any, CharacterPath], memo: Memo | None) -> MemoRewritten:
    if memo is None:
        raise HTTPError(404, "no_memo", "There is no such summary.")
    manager_of(call, call.path.character).begin_anew()
    return MemoRewritten(memo=memo_shape(memo))


ENDPOINTS = (forget, merge, pin, undo)
