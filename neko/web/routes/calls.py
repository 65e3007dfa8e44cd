"""Who answers calls: the provider's own voice model, or her text model with ears and a voice."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from neko.settings.masking import masked
from neko.settings.registry import CORE_API_KEY, CallWay
from neko.web.endpoint import Call, get, post
from neko.web.schemas import Schema, Success


class VoiceModelProvider(Schema):
    """``has_key``: there is a key that may be sent to it."""

    key: str
    name: str
    description: str
    has_key: bool


class CallsState(Success):
    """``way`` is in force; ``chosen`` is null while that is left to her. ``provider`` is whose voice model is
    configured, ``model`` its name, empty while it cannot be asked: it has no key. ``api_key`` is masked."""

    way: CallWay
    chosen: CallWay | None
    provider: str
    model: str
    api_key: str
    providers: list[VoiceModelProvider]


class CallsChange(Schema):
    """What is left out stays. ``way`` "auto" leaves the choice to her."""

    way: CallWay | Literal["auto"] | None = None
    provider: str | None = Field(None, max_length=40)
    api_key: str | None = Field(None, max_length=1000)


@get("/api/calls", response=CallsState, summary="Who answers calls")
async def calls(call: Call) -> CallsState:
    return _state(call)


@post("/api/calls", body=CallsChange, response=CallsState, summary="Choose who answers calls")
async def change_calls(call: Call[CallsChange]) -> CallsState:
    sent, neko = call.body, call.neko
    changes = neko.models.calls.changes(
        way=None if sent.way == "auto" else sent.way,
        left_to_her=sent.way == "auto",
        provider=sent.provider,
        key=sent.api_key,
    )
    await neko.config.change(changes)
    return _state(call)


def _state(call: Call[CallsChange] | Call) -> CallsState:
    neko = call.neko
    choice, model = neko.models.calls, neko.models.calls.model
    return CallsState(
        way="direct" if choice.endpoint else "text",
        chosen=choice.chosen,
        provider=choice.provider.key,
        model=model.model if model else "",
        api_key=masked(neko.config.in_force.stored(CORE_API_KEY) or ""),
        providers=[
            VoiceModelProvider(
                key=one.provider.key,
                name=one.provider.name,
                description=one.provider.description,
                has_key=one.has_key,
            )
            for one in choice.providers
        ],
    )


ENDPOINTS = (calls, change_calls)
