"""Who there is, who is there now, and the microphone that was chosen."""

from __future__ import annotations

from typing import Any

from neko.characters import MICROPHONE
from neko.web.endpoint import Call, get, post
from neko.web.errors import Refused
from neko.web.shapes import JsonObject, Nothing, Shape, Success


class CurrentCharacter(Shape):
    current_catgirl: str


class CharacterChoice(Shape):
    catgirl_name: str = ""


class MicrophoneChoice(Shape):
    """Any value; pages send a device id or ``null``."""

    microphone_id: Any = None


@get("/api/characters", "/api/characters/", answer=JsonObject, summary="The whole characters.json, unchanged")
async def characters(call: Call[Nothing]) -> JsonObject:
    return JsonObject(call.services.characters.raw())


@get("/api/characters/current_catgirl", answer=CurrentCharacter, summary="The current character")
async def current(call: Call[Nothing]) -> CurrentCharacter:
    return CurrentCharacter(current_catgirl=call.services.characters.current)


@post(
    "/api/characters/current_catgirl",
    given=CharacterChoice,
    answer=Success,
    summary="Make a character the current one; every page is told",
)
async def choose(call: Call[CharacterChoice]) -> Success:
    name = call.given.catgirl_name.strip()
    if not name:
        raise Refused(400, "no_name", "A character's name is needed.")
    if name not in call.services.characters.names:
        raise Refused(404, "character", "There is no character of this name.", name=name)
    await call.services.select_character(name)
    return Success()


@get("/api/characters/get_microphone", answer=MicrophoneChoice, summary="The input device chosen last")
async def microphone(call: Call[Nothing]) -> MicrophoneChoice:
    return MicrophoneChoice(microphone_id=call.services.characters.raw().get(MICROPHONE))


@post("/api/characters/set_microphone", given=MicrophoneChoice, answer=Success, summary="Remember an input device")
async def choose_microphone(call: Call[MicrophoneChoice]) -> Success:
    await call.services.set_microphone(call.given.microphone_id)
    return Success()


ENDPOINTS = (characters, current, choose, microphone, choose_microphone)
