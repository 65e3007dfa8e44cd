"""Who there is, who is there now, and the microphone that was chosen."""

from __future__ import annotations

from typing import Any

from neko.characters import MICROPHONE
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.schemas import Done, JsonObject, Schema, Success


class CurrentCharacter(Schema):
    current_catgirl: str


class CharacterChoice(Schema):
    catgirl_name: str = ""


class VoicesCleared(Done):
    cleared_count: int


class MicrophoneChoice(Schema):
    """Any value; pages send a device id or ``null``."""

    microphone_id: Any = None


@get("/api/characters", "/api/characters/", response=JsonObject, summary="The whole characters.json, unchanged")
async def characters(call: Call) -> JsonObject:
    return JsonObject(call.neko.characters.cards.raw())


class Master(Schema):
    """``named``: ``name`` is a name, not what a fresh card says."""

    name: str
    named: bool


@get("/api/characters/master", response=Master, summary="What the user is called")
async def master(call: Call) -> Master:
    cards = call.neko.characters.cards
    return Master(name=cards.master_name, named=cards.is_master_named)


@post(
    "/api/characters/master",
    body=JsonObject,
    response=Success,
    summary="Who the user is, in place of what the cards say; 档案名 is the name",
    failures={400: "The name is missing or cannot be one."},
)
async def set_master(call: Call[JsonObject]) -> Success:
    await call.neko.characters.set_master(call.body.root)
    return Success()


@get("/api/characters/current_catgirl", response=CurrentCharacter, summary="The current character")
async def current(call: Call) -> CurrentCharacter:
    return CurrentCharacter(current_catgirl=call.neko.characters.current)


@post(
    "/api/characters/current_catgirl",
    body=CharacterChoice,
    response=Success,
    summary="Make a character the current one; every page is told",
    failures={400: "A name is missing.", 404: "There is no character of this name."},
)
async def choose(call: Call[CharacterChoice]) -> Success:
    name = call.body.catgirl_name.strip()
    if not name:
        raise HTTPError(400, "no_name", "A character's name is needed.")
    if not call.neko.characters.cards.knows(name):
        raise HTTPError(404, "character", "There is no character of this name.", name=name)
    await call.neko.characters.select(name)
    return Success()


@post(
    "/api/characters/clear_voice_ids",
    response=VoicesCleared,
    summary="Forget the voice that each character's card names",
)
async def clear_voice_ids(call: Call) -> VoicesCleared:
    count = await call.neko.characters.clear_voices()
    return VoicesCleared(message="cleared", cleared_count=count)


@get("/api/characters/get_microphone", response=MicrophoneChoice, summary="The input device chosen last")
async def microphone(call: Call) -> MicrophoneChoice:
    return MicrophoneChoice(microphone_id=call.neko.characters.cards.raw().get(MICROPHONE))


@post(
    "/api/characters/set_microphone",
    body=MicrophoneChoice,
    response=Success,
    summary="Remember an input device",
)
async def choose_microphone(call: Call[MicrophoneChoice]) -> Success:
    await call.neko.characters.set_microphone(call.body.microphone_id)
    return Success()


ENDPOINTS = (characters, master, set_master, current, choose, clear_voice_ids, microphone, choose_microphone)
