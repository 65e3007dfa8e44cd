"""The one switch that keeps microphone, camera and screen from her."""

from __future__ import annotations

from neko.settings.registry import PRIVACY
from neko.web.endpoint import Call, get, post
from neko.web.schemas import Schema, Success


class Privacy(Success):
    """``on``: no sound, no picture and no look at the screen is taken, of no character."""

    on: bool


class PrivacyChange(Schema):
    on: bool


@get("/api/privacy", response=Privacy, summary="Whether microphone, camera and screen are kept from her")
async def privacy(call: Call) -> Privacy:
    return Privacy(on=call.neko.config.in_force.get(PRIVACY))


@post(
    "/api/privacy",
    body=PrivacyChange,
    response=Privacy,
    summary="Keep microphone, camera and screen from her, or no longer",
    failures={409: "The disk refuses."},
)
async def change_privacy(call: Call[PrivacyChange]) -> Privacy:
    await call.neko.config.change({"neko": {PRIVACY.name: call.body.on}})
    return Privacy(on=call.neko.config.in_force.get(PRIVACY))


ENDPOINTS = (privacy, change_privacy)
