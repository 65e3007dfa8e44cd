"""Which voice speaks: the engine for everybody, the voice for each character."""

from __future__ import annotations

from pydantic import ConfigDict, Field, RootModel
from starlette.responses import Response

from neko.app import Neko
from neko.audio.engines.local_voices import local_voices
from neko.providers.speech_server import SpeechServerChoice
from neko.settings.masking import masked, masked_url
from neko.settings.registry import ROLE_SETTINGS, EngineKind
from neko.types.speech import VoiceKind
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.schemas import Empty, Language, Schema, Success

SOUND = "application/octet-stream"


class OfCharacter(Schema):
    """The current one when left out."""

    character: str = ""


class SpeechChange(OfCharacter):
    """What is left out stays. ``rate`` 1.0 is normal speed, ``pitch`` is in semitones."""

    engine: EngineKind | None = None
    voice: str | None = Field(None, max_length=200)
    rate: float | None = Field(None, ge=0.25, le=4.0)
    pitch: float | None = Field(None, ge=-24.0, le=24.0)
    url: str | None = Field(None, max_length=1000)
    model: str | None = Field(None, max_length=200)
    api_key: str | None = Field(None, max_length=1000)


class VoiceName(Schema):
    name: str
    kind: VoiceKind


class SpeechState(Success):
    """``voice``, ``rate`` and ``pitch`` are those of ``character``; ``api_key`` is masked.

    ``voice`` is that of the engine in force, ``voices`` what else could be chosen for it, empty when nobody can know.
    """

    character: str
    engine: EngineKind
    voice: str
    voices: list[VoiceName]
    rate: float
    pitch: float
    url: str
    model: str
    api_key: str


class SampleText(OfCharacter):
    text: str = Field(min_length=1, max_length=300)
    language: Language | None = None


class Sound(RootModel[bytes]):
    """PCM, 16-bit little-endian, mono, 48 kHz."""

    model_config = ConfigDict(defer_build=True)


@get("/api/speech", query=OfCharacter, response=SpeechState, summary="The voice in force for a character")
async def speech(call: Call[Empty, OfCharacter]) -> SpeechState:
    return _state(call.neko, _character(call.neko, call.query))


@post("/api/speech", body=SpeechChange, response=SpeechState, summary="Choose engine and voice")
async def change_speech(call: Call[SpeechChange]) -> SpeechState:
    sent, neko = call.body, call.neko
    character = _character(neko, sent)
    voice = sent.model_dump(include={"voice", "rate", "pitch"}, exclude_none=True)
    sent_server = SpeechServerChoice(sent.url, sent.model, sent.api_key)
    server = sent_server if sent_server != SpeechServerChoice() else None
    await neko.config.change(neko.voices.changes(character, engine=sent.engine, tuning=voice, server=server))
    return _state(neko, character)


def _character(neko: Neko, wanted: OfCharacter) -> str:
    name = wanted.character or neko.characters.current
    if not neko.characters.cards.knows(name):
        raise HTTPError(404, "character", "There is no character of this name.", name=name)
    return name


def _state(neko: Neko, character: str) -> SpeechState:
    engine, tuning = neko.voices.engine(character), neko.voices.tuning(character)
    offered = local_voices() if engine == "builtin" else []
    url, model, key = (neko.config.in_force.stored(setting) or "" for setting in ROLE_SETTINGS["tts"])
    return SpeechState(
        character=character,
        engine=engine,
        voice=tuning.voice,
        voices=[VoiceName(name=voice.name, kind=voice.kind) for voice in offered if voice.kind],
        rate=tuning.rate,
        pitch=tuning.pitch,
        url=masked_url(url),
        model=model,
        api_key=masked(key),
    )


@post(
    "/api/speech/sample",
    body=SampleText,
    response=Sound,
    summary="A sentence in the chosen voice",
    produces=SOUND,
)
async def sample(call: Call[SampleText]) -> Response:
    neko, sent = call.neko, call.body
    sound = await neko.voices.sample(_character(neko, sent), sent.text, sent.language or neko.language.current)
    return Response(sound, media_type=SOUND, headers={"cache-control": "no-store"})


@get("/api/config/gptsovits/list_voices", response=Success, summary="None: she does not speak by GPT-SoVITS")
async def gpt_sovits_voices(call: Call) -> Success:
    raise _no_gpt_sovits()


@post("/api/config/gptsovits/list_voices", response=Success, summary="None: she does not speak by GPT-SoVITS")
async def ask_gpt_sovits(call: Call) -> Success:
    raise _no_gpt_sovits()


def _no_gpt_sovits() -> HTTPError:
    return HTTPError(200, "no_gpt_sovits", "She does not speak by GPT-SoVITS.")


ENDPOINTS = (speech, change_speech, sample, gpt_sovits_voices, ask_gpt_sovits)
