"""How the current character's replies are asked for."""

from __future__ import annotations

from pydantic import Field

from neko.settings.reply_options import ReplyOptions, reply_options
from neko.web.endpoint import Call, get, post
from neko.web.schemas import Schema, Success


class ReplyOptionsChange(Schema):
    """Null takes a wish back; both are replaced."""

    temperature: float | None = Field(None, ge=0.0, le=2.0)
    max_tokens: int | None = Field(None, ge=16, le=200_000)


class ReplyOptionsState(Success):
    """Null: the model's own."""

    character: str
    temperature: float | None
    max_tokens: int | None


@get("/api/replies", response=ReplyOptionsState, summary="How the current character's replies are asked for")
async def replies(call: Call) -> ReplyOptionsState:
    character = call.neko.characters.current
    options = reply_options(call.neko.config.in_force, character)
    return ReplyOptionsState(character=character, temperature=options.temperature, max_tokens=options.max_tokens)


@post(
    "/api/replies",
    body=ReplyOptionsChange,
    response=ReplyOptionsState,
    summary="Ask for the next replies otherwise",
    failures={409: "The disk refuses."},
)
async def change_replies(call: Call[ReplyOptionsChange]) -> ReplyOptionsState:
    character = call.neko.characters.current
    wishes = ReplyOptions(call.body.temperature, call.body.max_tokens)
    await call.neko.config.change(wishes.changes(character))
    return ReplyOptionsState(character=character, temperature=wishes.temperature, max_tokens=wishes.max_tokens)


ENDPOINTS = (replies, change_replies)
