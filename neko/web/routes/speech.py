"""Which voice speaks: the engine for everybody, the voice for each character."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, RootModel
from starlette.responses import Response

from neko.providers import normalise_base_url
from neko.web.custom_api import switched_on
from neko.web.endpoint import Call, get, post
from neko.web.masking import is_masked, masked, masked_url
from neko.web.schemas import Empty, Language, Schema, Success

Engine = Literal["builtin", "openai", "browser", "off"]
SOUND = "application/octet-stream"


class SpeechChange(Schema):
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


class SampleText(Schema):
    text: str = Field(min_length=1, max_length=300)
    language: Language | None = None


class Sound(RootModel[bytes]):
    """PCM, 16-bit little-endian, mono, 48 kHz."""

    model_config = ConfigDict(defer_build=True)


@get("/api/speech", response_model=SpeechState, summary="The voice in force for the current character")
async def speech(call: Call[Empty]) -> SpeechState:
    return _state(call)


@post("/api/speech", request_model=SpeechChange, response_model=SpeechState, summary="Choose engine and voice")
async def change_speech(call: Call[SpeechChange]) -> SpeechState:
    given = call.body.model_dump(exclude_none=True)
    voice = {name: given[name] for name in ("voice", "rate", "pitch") if name in given}
    own: dict[str, Any] = {"voices": {call.neko.characters.current: voice}}
    if "engine" in given:
        own["speech"] = {"engine": given["engine"]}
    await call.neko.config.change({**_endpoint(call.body, call.neko.config.values), "neko": own})
    return _state(call)


def _endpoint(given: SpeechChange, values: Mapping[str, Any]) -> dict[str, Any]:
    """Changes for the speech server; empty when the request does not speak of it.

    A key is forgotten when the address moves: it goes to the server it was given for and to no other.
    """
    if given.url is None and given.model is None and given.api_key is None:
        return {}
    url, model, key = (_text(values, name) for name in ("ttsModelUrl", "ttsModelId", "ttsModelApiKey"))
    wanted = url if given.url is None or is_masked(given.url) else normalise_base_url(given.url)
    if given.api_key is not None and not is_masked(given.api_key):
        key = given.api_key.strip()
    elif url and wanted != normalise_base_url(url):
        key = ""
    if given.model is not None:
        model = given.model.strip()
    if not wanted:
        return {"ttsModelUrl": "", "ttsModelId": model, "ttsModelApiKey": key}
    return switched_on("tts", wanted, model, key, values)


def _state(call: Call[Any]) -> SpeechState:
    values, character = call.neko.config.values, call.neko.characters.current
    tuning = call.neko.voices.tuning(character)
    return SpeechState.model_validate(
        {
            "character": character,
            "engine": call.neko.voices.engine,
            "voice": tuning.voice,
            "rate": tuning.rate,
            "pitch": tuning.pitch,
            "url": masked_url(_text(values, "ttsModelUrl")),
            "model": _text(values, "ttsModelId"),
            "api_key": masked(_text(values, "ttsModelApiKey")),
        }
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value.strip() if isinstance(value, str) else ""


@post(
    "/api/speech/sample",
    request_model=SampleText,
    response_model=Sound,
    summary="A sentence in the chosen voice",
    produces=SOUND,
)
async def sample(call: Call[SampleText]) -> Response:
    neko, language = call.neko, call.body.language
    sound = await neko.voices.sample(neko.characters.current, call.body.text, language or neko.language.current)
    return Response(sound, media_type=SOUND, headers={"cache-control": "no-store"})


ENDPOINTS = (speech, change_speech, sample)
