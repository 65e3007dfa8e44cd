"""The voice that a character's card names, as N.E.K.O.'s pages set it (``contract/rest.md`` §3.3)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from starlette.responses import Response

from neko.characters import VOICE
from neko.web.endpoint import Call, get, post, put
from neko.web.errors import HTTPError, json_response
from neko.web.routes.characters import NamePath, UnknownVoice, known_character
from neko.web.schemas import Done, Empty, Failure, Schema, Success

_UNKNOWN: Mapping[int, str] = {404: "There is no character of this name."}


class VoiceChoice(Schema):
    voice_id: str = Field(max_length=500)


class VoiceChosen(Success):
    session_restarted: bool


class VoiceMode(Schema):
    is_voice_mode: bool
    is_current: bool
    is_active: bool


@put(
    "/api/characters/catgirl/voice_id/{name}",
    path=NamePath,
    body=VoiceChoice,
    response=VoiceChosen,
    summary="Give a character a voice, or with an empty one that of the settings",
    invalid_status=400,
    failures={**_UNKNOWN, 400: "No data, or an unknown voice."},
)
async def choose_voice(call: Call[VoiceChoice, Empty, NamePath]) -> VoiceChosen | Response:
    neko, name = call.neko, known_character(call, call.path.name)
    card = dict(neko.characters.cards.card(name))
    voice = call.body.voice_id.strip()
    if voice and voice != card.get(VOICE):
        failure = Failure(error="There is no voice of this id.", code="unknown_voice")
        return json_response(UnknownVoice(**failure.model_dump(), available_voices=[]), 400)
    _, restarted = await neko.characters.replace_card(name, {**card, VOICE: voice})
    return VoiceChosen(session_restarted=restarted)


@post(
    "/api/characters/catgirl/{name}/unregister_voice",
    path=NamePath,
    response=Done,
    summary="Take the voice of a character's card away",
    failures={**_UNKNOWN, 400: "The card names no voice."},
)
async def unregister_voice(call: Call[Empty, Empty, NamePath]) -> Done:
    neko, name = call.neko, known_character(call, call.path.name)
    card = dict(neko.characters.cards.card(name))
    if not card.get(VOICE):
        raise HTTPError(400, "no_voice_set", "The card names no voice.")
    await neko.characters.replace_card(name, {**card, VOICE: ""})
    return Done(message="removed")


@get(
    "/api/characters/catgirl/{name}/voice_mode_status",
    path=NamePath,
    response=VoiceMode,
    summary="Whether a character is in a call, and whether she is the current one",
)
async def voice_mode_status(call: Call[Empty, Empty, NamePath]) -> VoiceMode:
    conversation = call.neko.conversations.opened.get(call.path.name)
    active = conversation is not None and conversation.active
    return VoiceMode(
        is_voice_mode=conversation is not None and conversation.in_call,
        is_current=call.path.name == call.neko.characters.current,
        is_active=active,
    )


ENDPOINTS = (choose_voice, unregister_voice, voice_mode_status)
