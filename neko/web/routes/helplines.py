"""Whom somebody in danger can call, for a reader who says where they are."""

from __future__ import annotations

from neko.safety import Helpline, words
from neko.tasks import in_thread
from neko.web.endpoint import Call, get
from neko.web.request_language import request_language
from neko.web.schemas import Schema


class HelpNumber(Schema):
    number: str
    name: str
    hours: str
    url: str


class Helplines(Schema):
    """``regions``: by ISO 3166 code and danger, whom to call first first."""

    regions: dict[str, dict[str, list[HelpNumber]]]


@get("/api/helplines", response=Helplines, summary="Whom to call in danger, by region and danger")
async def helplines(call: Call) -> Helplines:
    language = request_language(call.request, call.neko)
    say = await in_thread(words, language)
    everywhere = await in_thread(call.neko.helplines.everywhere)
    return Helplines(
        regions={
            region: {one.danger.value: [_number(line) for line in say.numbers(one)] for one in helps}
            for region, helps in everywhere.items()
        }
    )


def _number(line: Helpline) -> HelpNumber:
    return HelpNumber(number=line.number, name=line.name, hours=line.hours, url=line.url)


ENDPOINTS = (helplines,)
