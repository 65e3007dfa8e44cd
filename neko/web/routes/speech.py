"""Which voice speaks: the engine for everybody, the voice for each character."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import Field

from neko.providers import normalise_base_url
from neko.web.custom_api import switched_off, switched_on
from neko.web.endpoint import Call, get, post
from neko.web.errors import Refused
from neko.web.masking import is_masked, masked, masked_url
from neko.web.shapes import Nothing, Shape, Success

Engine = Literal["builtin", "openai", "browser", "off"]
ENGINES = get_args(Engine)


class SpeechChange(Shape):
    """What is left out stays. ``rate`` 1.0 is normal speed, ``pitch`` is in semitones."""

    engine: Engine | None = None
    voice: str | None = Field(None, max_length=200)
    rate: float | None = Field(None, ge=0.25, le=4.0)
    pitch: float | None = Field(None, ge=-24.0, le=24.0)
    url: str | None = Field(None, max_length=1000)
    model: str | None = Field(None, max_length=200)
    api_key: str | None = Field(None, max_length=1000)


class SpeechState(Success):
    """``voice``, ``rate`` and ``pitch`` are those of ``character``; ``api_key`` is masked."""

    character: str
    engine: Engine
    voice: str
    rate: float
    pitch: float
    url: str
    model: str
    api_key: str


@get("/api/speech", answer=SpeechState, summary="The voice in force for the current character")
async def speech(call: Call[Nothing]) -> SpeechState:
    return _state(call)


@post("/api/speech", given=SpeechChange, answer=SpeechState, summary="Choose engine and voice")
async def change_speech(call: Call[SpeechChange]) -> SpeechState:
    given = call.given.model_dump(exclude_none=True)
    voice = {name: given[name] for name in ("voice", "rate", "pitch") if name in given}
    own: dict[str, Any] = {"voices": {call.services.characters.current: voice}}
    if "engine" in given:
        own["speech"] = {"engine": given["engine"]}
    await call.services.change_config({**_endpoint(call.given, call.services.config.values), "neko": own})
    return _state(call)


def _endpoint(given: SpeechChange, values: Mapping[str, Any]) -> dict[str, Any]:
    """Changes for the speech server; empty when the request does not speak of it.

    A stored key goes to the address it was given for and to no other.
    """
    if given.url is None and given.model is None and given.api_key is None:
        return {}
    url, model, key = (_text(values, name) for name in ("ttsModelUrl", "ttsModelId", "ttsModelApiKey"))
    wanted = url if given.url is None or is_masked(given.url) else normalise_base_url(given.url)
    if given.api_key is not None and not is_masked(given.api_key):
        key = given.api_key.strip()
    elif key and wanted and wanted != normalise_base_url(url):
        raise Refused(400, "key_again", "The address has changed: enter the key for it again.")
    if not wanted:
        return switched_off("tts", values)
    return switched_on("tts", wanted, model if given.model is None else given.model.strip(), key, values)


def _state(call: Call[Any]) -> SpeechState:
    values, character = call.services.config.values, call.services.characters.current
    engine = _section(values, "speech").get("engine")
    voice = _section(values, "voices").get(character)
    chosen = voice if isinstance(voice, Mapping) else {}
    return SpeechState.model_validate(
        {
            "character": character,
            "engine": engine if engine in ENGINES else "builtin",
            "voice": str(chosen.get("voice") or ""),
            "rate": _number(chosen.get("rate"), 1.0),
            "pitch": _number(chosen.get("pitch"), 0.0),
            "url": masked_url(_text(values, "ttsModelUrl")),
            "model": _text(values, "ttsModelId"),
            "api_key": masked(_text(values, "ttsModelApiKey")),
        }
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value.strip() if isinstance(value, str) else ""


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    own = values.get("neko")
    section = own.get(name) if isinstance(own, Mapping) else None
    return section if isinstance(section, Mapping) else {}


ENDPOINTS = (speech, change_speech)
