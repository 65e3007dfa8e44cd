"""Who answers calls: the provider's own voice model, or her text model with ears and a voice."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from neko.settings.masking import masked
from neko.settings.registry import CORE_API_KEY, CallTurns, CallVoice, CallWay
from neko.web.endpoint import Call, get, post
from neko.web.schemas import Schema, Success


class VoiceModelProvider(Schema):
    """``has_key``: there is a key that may be sent to it."""

    key: str
    name: str
    description: str
    has_key: bool


class CallsState(Success):
    """``way``, ``voice`` (of the current character) and ``turns`` are in force; what is chosen is null while she may
    choose. ``provider`` is whose voice model is configured, ``model`` its name, empty while it cannot be asked: it has
    no key. ``voices``: what it can sound like. ``turns_can_be_found_here``: else its provider alone finds them.
    ``api_key`` is masked."""

    way: CallWay
    chosen: CallWay | None
    provider: str
    model: str
    api_key: str
    voice: CallVoice
    voice_chosen: CallVoice | None
    voices: list[str]
    turns: CallTurns
    turns_chosen: CallTurns | None
    turns_can_be_found_here: bool
    providers: list[VoiceModelProvider]


class CallsChange(Schema):
    """What is left out stays; "auto" leaves the choice to her. ``voice``: whose is heard when a voice model answers.
    ``turns``: who finds out that you have finished, the model's provider or this computer."""

    model_config = ConfigDict(extra="forbid")

    way: CallWay | Literal["auto"] | None = None
    voice: CallVoice | Literal["auto"] | None = None
    turns: CallTurns | Literal["auto"] | None = None
    provider: str | None = Field(None, max_length=40)
    api_key: str | None = Field(None, max_length=1000)


@get("/api/calls", response=CallsState, summary="Who answers calls")
async def calls(call: Call) -> CallsState:
    return _state(call)


@post("/api/calls", body=CallsChange, response=CallsState, summary="Choose who answers calls")
async def change_calls(call: Call[CallsChange]) -> CallsState:
    sent, neko = call.body, call.neko
    changes = neko.models.calls.changes(
        way=sent.way, voice=sent.voice, turns=sent.turns, provider=sent.provider, key=sent.api_key
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
        voice=neko.voices.in_calls(neko.characters.current),
        voice_chosen=choice.chosen_voice,
        voices=list(choice.voices),
        turns="here" if choice.finds_turns_here else "model",
        turns_chosen=choice.chosen_turns,
        turns_can_be_found_here=choice.lets_find_turns,
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
