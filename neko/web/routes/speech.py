"""Which voice speaks: the engine for everybody, the voice for each character."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, RootModel
from starlette.responses import Response

from neko import i18n
from neko.app import Neko
from neko.errors import NekoError
from neko.language import normalise
from neko.providers.addresses import host_of, is_web_address
from neko.providers.speech_server import SpeechServerChoice
from neko.providers.speech_services import SpeechService, speech_services
from neko.settings import is_loopback
from neko.settings.masking import masked, masked_url
from neko.settings.registry import EngineKind
from neko.tasks import in_thread
from neko.types.speech import OfferedVoice, VoiceKind
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError, failure_of, json_response
from neko.web.request_language import request_language
from neko.web.schemas import CleanText, Empty, Schema, Success

SOUND = "application/octet-stream"


_NO_CHARACTER = {404: "There is no character of this name."}


class OfCharacter(Schema):
    """The current one when left out."""

    character: str = ""


class SpeechChange(OfCharacter):
    """What is left out stays. ``rate`` 1.0 is normal speed, ``pitch`` is in semitones."""

    engine: EngineKind | None = None
    voice: CleanText | None = Field(None, max_length=200)
    rate: float | None = Field(None, ge=0.25, le=4.0)
    pitch: float | None = Field(None, ge=-24.0, le=24.0)
    url: str | None = Field(None, max_length=1000)
    model: CleanText | None = Field(None, max_length=200)
    api_key: str | None = Field(None, max_length=1000)


Told = Literal["url", "api_key", "model", "voice"]


class Service(Schema):
    """A service that may speak for her; ``told`` is what the user tells of it, a voice among it where no list need hold
    it. ``source``: where its voices and terms are told. ``languages``: those that it speaks, none for many."""

    engine: EngineKind
    name: str
    told: list[Told]
    licence: str
    source: str
    languages: list[str]


class SpeechState(Success):
    """``voice``, ``rate`` and ``pitch`` are those of ``character``; ``api_key`` is masked.

    ``voice``, ``url``, ``model`` and ``api_key`` are those of the engine in force.
    """

    character: str
    engine: EngineKind
    services: list[Service]
    voice: str
    rate: float
    pitch: float
    url: str
    model: str
    api_key: str


class OfEngine(OfCharacter):
    """The character's own when left out."""

    engine: EngineKind | None = None


class VoiceName(Schema):
    """``label`` is what a person calls it; ``kind`` and ``language`` (BCP 47) where anybody tells them."""

    name: str
    label: str
    kind: VoiceKind | None
    language: str
    licence: str


class VoiceList(Success):
    """``error``: why the service did not tell its voices, in the reader's language; empty when it did."""

    engine: EngineKind
    voices: list[VoiceName]
    error: str = ""


class SampleText(OfCharacter):
    """``voice`` is heard without being chosen. ``language`` (BCP 47) is that of the text; without a text she presents
    herself in the nearest of her languages."""

    voice: CleanText | None = Field(None, max_length=200)
    text: str = Field("", max_length=300)
    language: str | None = Field(None, max_length=35)


class Sound(RootModel[bytes]):
    """PCM, 16-bit little-endian, mono, 48 kHz."""

    model_config = ConfigDict(defer_build=True)


@get(
    "/api/speech",
    query=OfCharacter,
    response=SpeechState,
    summary="The voice in force for a character",
    failures=_NO_CHARACTER,
)
async def speech(call: Call[Empty, OfCharacter]) -> SpeechState:
    return _state(call.neko, _character(call.neko, call.query))


@post(
    "/api/speech",
    body=SpeechChange,
    response=SpeechState,
    summary="Choose engine and voice",
    failures={**_NO_CHARACTER, 409: "The environment decides it."},
)
async def change_speech(call: Call[SpeechChange]) -> SpeechState:
    sent, neko = call.body, call.neko
    character = _character(neko, sent)
    voice = sent.model_dump(include={"voice", "rate", "pitch"}, exclude_none=True)
    sent_server = SpeechServerChoice(sent.url, sent.model, sent.api_key)
    server = sent_server if sent_server != SpeechServerChoice() else None
    await neko.config.change(neko.voices.changes(character, engine=sent.engine, tuning=voice, server=server))
    return _state(neko, character)


@get(
    "/api/speech/voices",
    query=OfEngine,
    response=VoiceList,
    summary="The voices of an engine; its service may be asked for them",
    failures=_NO_CHARACTER,
)
async def voices(call: Call[Empty, OfEngine]) -> VoiceList:
    engine = call.query.engine or call.neko.voices.engine(_character(call.neko, call.query))
    try:
        offered = await call.neko.voices.offered(engine)
    except NekoError as error:
        failure = await failure_of(error, request_language(call.request, call.neko))
        return VoiceList(engine=engine, voices=[], error=failure.error)
    return VoiceList(engine=engine, voices=[_voice(voice) for voice in offered])


def _voice(voice: OfferedVoice) -> VoiceName:
    return VoiceName(
        name=voice.name,
        label=voice.label or voice.name,
        kind=voice.kind,
        language=voice.language,
        licence=voice.licence,
    )


def _character(neko: Neko, wanted: OfCharacter) -> str:
    name = wanted.character or neko.characters.current
    if not neko.characters.cards.knows(name):
        raise HTTPError(404, "character", "There is no character of this name.", name=name)
    return name


def _state(neko: Neko, character: str) -> SpeechState:
    engine, tuning = neko.voices.engine(character), neko.voices.tuning(character)
    server = neko.voices.stored_server(engine)
    return SpeechState(
        character=character,
        engine=engine,
        services=[_service(service) for service in speech_services().values()],
        voice=tuning.voice,
        rate=tuning.rate,
        pitch=tuning.pitch,
        url=masked_url(server.url or ""),
        model=server.model or "",
        api_key=masked(server.api_key or ""),
    )


def _service(service: SpeechService) -> Service:
    told: list[Told] = ["url", "api_key", "model", "voice"] if service.kind == "openai" else []
    if service.has_address:
        told = ["url", "voice"]
    elif service.provider not in ("", "free"):
        told = ["api_key", "voice"]
    return Service(
        engine=service.kind,
        name=service.name,
        told=told,
        licence=service.licence,
        source=service.source,
        languages=list(service.languages),
    )


@post(
    "/api/speech/sample",
    body=SampleText,
    response=Sound,
    summary="A sentence in the chosen voice",
    produces=SOUND,
    failures={
        **_NO_CHARACTER,
        409: "The settings do not let the voice speak.",
        502: "The service of the voice refused, broke off or sent no sound.",
        504: "The service of the voice does not answer.",
    },
)
async def sample(call: Call[SampleText]) -> Response:
    neko, sent = call.neko, call.body
    language = normalise(sent.language) if sent.language else neko.language.current
    name = _character(neko, sent)
    text = sent.text or (await in_thread(i18n.sentence, "voice.sample_text", language)).format(name=name)
    sound = await neko.voices.sample(name, text, language, sent.voice)
    return Response(sound, media_type=SOUND, headers={"cache-control": "no-store"})


class GPTSoVITSAddress(Schema):
    api_url: str = Field("", max_length=1000)


class GPTSoVITSVoice(Schema):
    id: str
    name: str
    description: str


class GPTSoVITSVoices(Success):
    voices: list[GPTSoVITSVoice]


@post(
    "/api/config/gptsovits/list_voices",
    body=GPTSoVITSAddress,
    response=GPTSoVITSVoices,
    summary="The voices of a GPT-SoVITS on this computer",
    failures={200: "There is none at this address, or it does not answer."},
)
async def gpt_sovits_voices(call: Call[GPTSoVITSAddress]) -> GPTSoVITSVoices | Response:
    url = call.body.api_url.strip()
    if not is_web_address(url) or not is_loopback(host_of(url)) or "?" in url or "#" in url:
        raise HTTPError(200, "bad_address", "The address of GPT-SoVITS is none on this computer.")
    try:
        found = await call.neko.voices.offered("gptsovits", url)
    except NekoError as error:
        return json_response(await failure_of(error, request_language(call.request, call.neko)))
    return GPTSoVITSVoices(
        voices=[
            GPTSoVITSVoice(id=voice.name, name=voice.label or voice.name, description=voice.description)
            for voice in found
        ]
    )


ENDPOINTS = (speech, change_speech, voices, sample, gpt_sovits_voices)
