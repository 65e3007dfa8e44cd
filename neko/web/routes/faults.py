"""What is wrong and stays told until it is dealt with."""

from __future__ import annotations

from neko import i18n
from neko.app import Neko
from neko.web.endpoint import Call, get, post
from neko.web.request_language import request_language
from neko.web.schemas import Schema, Success


class FaultShape(Schema):
    """``dismissible``: the user may say that it shall be told no more; anything else ends when its cause does."""

    id: str
    code: str
    message: str
    remedy: str
    character: str | None
    dismissible: bool


class FaultList(Schema):
    faults: list[FaultShape]


class FaultChoice(Schema):
    id: str


@get("/api/faults", response=FaultList, summary="What is wrong and not dealt with yet")
async def faults(call: Call) -> FaultList:
    return FaultList(faults=standing_faults(call.neko, request_language(call.request, call.neko)))


def standing_faults(neko: Neko, language: str) -> list[FaultShape]:
    """What is wrong, in sentences of this language."""
    shapes = []
    for fault in neko.faults.all():
        notice = i18n.describe(fault.error, language, files_by_name=True)
        shapes.append(
            FaultShape(
                id=fault.id,
                code=notice.code,
                message=notice.text,
                remedy=notice.remedy,
                character=fault.character,
                dismissible=fault.dismissible,
            )
        )
    return shapes


@post(
    "/api/faults/dismiss",
    body=FaultChoice,
    response=Success,
    summary="Keep what is in force instead of a damaged file; that file stays on disk",
    failures={400: "There is nothing of this name that can be dismissed."},
)
async def dismiss(call: Call[FaultChoice]) -> Success:
    await call.neko.faults.dismiss(call.body.id)
    return Success()


ENDPOINTS = (faults, dismiss)
