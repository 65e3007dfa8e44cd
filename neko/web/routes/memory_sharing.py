"""Which other characters' talks a character may recall; none unless the user says so."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from neko.web.endpoint import Call, get, post
from neko.web.routes.history import CharacterPath, known
from neko.web.schemas import Empty, Schema, Success

_PATH = "/api/memory_browser/{character}/sharing"
_MOST = 8
"""Logs that are searched beside her own within the time of one turn."""


class AlsoKnows(Schema):
    """``also_knows``: names of other characters. They do not learn what is said to this one."""

    also_knows: list[str] = Field(max_length=_MOST)


class Sharing(Success, AlsoKnows):
    """``others``: all that may be chosen."""

    others: list[str]


@get(
    _PATH,
    path=CharacterPath,
    response=Sharing,
    summary="The other characters whose talks this one may recall",
    failures={404: "There is no character of this name."},
)
async def sharing(call: Call[Empty, Empty, CharacterPath]) -> Sharing:
    return _sharing(call, known(call, call.path.character))


@post(
    _PATH,
    path=CharacterPath,
    body=AlsoKnows,
    response=Sharing,
    summary="Let a character recall what was said to these others too, and to nobody else",
    failures={404: "There is no character of this name, or of one of theirs.", 409: "The disk refuses."},
)
async def share(call: Call[AlsoKnows, Empty, CharacterPath]) -> Sharing:
    character = known(call, call.path.character)
    others = [known(call, name) for name in call.body.also_knows if name != character]
    await call.neko.characters.set_also_knows(character, others)
    return _sharing(call, character)


def _sharing(call: Call[Any, Any, Any], character: str) -> Sharing:
    cards = call.neko.characters.cards
    others = [name for name in cards.names if name != character]
    return Sharing(others=others, also_knows=cards.also_knows(character))


ENDPOINTS = (sharing, share)
