"""The microphone of a conversation, for other programs: a key of a keyboard, a stream deck, a foot switch."""

from __future__ import annotations

from neko.sessions.manager import SessionManager
from neko.web.endpoint import Call, get, post
from neko.web.routes.history import CharacterPath, manager_of
from neko.web.schemas import Empty, Schema, Success

_NOBODY = {404: "There is no character of this name."}


class Microphone(Success):
    """``muted``: no sound is taken. ``active``: a session is up."""

    muted: bool
    active: bool


class MicrophoneChange(Schema):
    muted: bool


@get(
    "/api/microphone/{character}",
    path=CharacterPath,
    response=Microphone,
    summary="Whether the microphone of a conversation is shut",
    failures=_NOBODY,
)
async def microphone(call: Call[Empty, Empty, CharacterPath]) -> Microphone:
    return _state(manager_of(call, call.path.character))


@post(
    "/api/microphone/{character}",
    path=CharacterPath,
    body=MicrophoneChange,
    response=Microphone,
    summary="Shut or open the microphone of a conversation",
    failures=_NOBODY,
)
async def change_microphone(call: Call[MicrophoneChange, Empty, CharacterPath]) -> Microphone:
    manager = manager_of(call, call.path.character)
    manager.spoken_input.mute(call.body.muted)
    return _state(manager)


def _state(manager: SessionManager) -> Microphone:
    return Microphone(muted=manager.spoken_input.muted, active=manager.active)


ENDPOINTS = (microphone, change_microphone)
