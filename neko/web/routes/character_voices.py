"""The voice that a character's card names, and the voices that were made or added (``contract/rest.md`` §3.3)."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from pydantic import Field
from starlette.responses import Response

from neko import i18n
from neko.app import Neko
from neko.audio.engines import voice_cloning
from neko.audio.wav import as_wav
from neko.errors import NekoError
from neko.providers.catalogue import catalogue
from neko.providers.speech_services import speech_services
from neko.settings.registry import EngineKind
from neko.speech_errors import SpeechSilentError
from neko.tasks import in_thread
from neko.web.endpoint import Call, delete, get, post, put
from neko.web.errors import HTTPError, failure_of, json_response, status_of
from neko.web.request_body import BodyFormat
from neko.web.request_language import request_language
from neko.web.routes.characters import NamePath, known_character, refused_voice
from neko.web.schemas import CleanText, Done, Empty, Failure, Schema, Success
from neko.web.upload import Upload

_UNKNOWN = {404: "There is no character of this name."}
_RATE = 48_000


class VoiceChoice(Schema):
    """Empty for none."""

    voice_id: CleanText = Field(max_length=200)


class VoiceChosen(Success):
    session_restarted: bool


class VoiceMode(Schema):
    """All false for a name that nobody has."""

    is_voice_mode: bool
    is_current: bool
    is_active: bool


class Library(Schema):
    """``voices`` by id; ``free_voices``: ids by what they are called, while the free service speaks. ``cloner``: the
    service that can make a voice of a recording, "" for none."""

    voices: dict[str, dict[str, Any]]
    free_voices: dict[str, str]
    cloner: str


class VoiceToKeep(Schema):
    voice_id: CleanText = Field(min_length=1, max_length=200)
    voice_data: dict[str, Any] = Field(max_length=50)


class VoicePath(Schema):
    voice_id: str


class VoiceQuery(Schema):
    voice_id: CleanText = Field(min_length=1, max_length=200)


class VoiceOfRecording(Schema):
    """``ref_language``: ch, en, fr, de, ja, ko or ru, else it counts as ch."""

    prefix: str = Field(pattern="^[A-Za-z0-9]{1,10}$")
    ref_language: str = Field("ch", max_length=20)


class Cloned(Schema):
    """``engine`` speaks with the voice."""

    voice_id: str
    message: str
    request_id: str
    is_local: bool
    engine: EngineKind


class CloningRefused(Failure):
    """N.E.K.O.'s page shows ``detail`` and ``suggestion``."""

    detail: str
    suggestion: str


class Preview(Success):
    """``audio`` is base64."""

    audio: str
    mime_type: str


@put(
    "/api/characters/catgirl/voice_id/{name}",
    path=NamePath,
    body=VoiceChoice,
    response=VoiceChosen,
    summary="Name a character's voice; a conversation of the current one begins anew with it",
    invalid_status=400,
    failures={400: "No voice is named, or there is none of this id.", **_UNKNOWN},
)
async def choose_voice(call: Call[VoiceChoice, Empty, NamePath]) -> VoiceChosen | Response:
    name, voice = known_character(call, call.path.name), call.body.voice_id.strip()
    if refusal := await refused_voice(call.neko, name, voice):
        return refusal
    return VoiceChosen(session_restarted=await call.neko.characters.set_voice(name, voice))


@get(
    "/api/characters/catgirl/{name}/voice_mode_status",
    path=NamePath,
    response=VoiceMode,
    summary="Whether a character is in a call",
)
async def voice_mode(call: Call[Empty, Empty, NamePath]) -> VoiceMode:
    neko, name = call.neko, call.path.name
    conversation = neko.conversations.opened.get(name)
    return VoiceMode(
        is_voice_mode=conversation is not None and conversation.in_call,
        is_current=name == neko.characters.current,
        is_active=conversation is not None and conversation.active,
    )


@post(
    "/api/characters/catgirl/{name}/unregister_voice",
    path=NamePath,
    response=Done,
    summary="Take the voice off a character's card",
    failures={400: "Her card names none.", **_UNKNOWN},
)
async def take_voice(call: Call[Empty, Empty, NamePath]) -> Done:
    name = known_character(call, call.path.name)
    if not call.neko.characters.cards.voice(name):
        raise HTTPError(400, "invalid", "Her card names no voice.")
    await call.neko.characters.set_voice(name, "")
    return Done(message="removed")


@get("/api/characters/voices", response=Library, summary="The voices that were made or added")
async def library(call: Call) -> Library:
    neko = call.neko
    free = neko.voices.engine(neko.characters.current) == "free"
    return Library(
        voices=await in_thread(neko.voice_library.all),
        free_voices=dict((await in_thread(catalogue)).free_voices) if free else {},
        cloner=_service_name(neko),
    )


def _service_name(neko: Neko) -> str:
    cloner = neko.voices.cloner
    return speech_services()[cloner].name if cloner else ""


@post(
    "/api/characters/voice_clone",
    body=VoiceOfRecording,
    body_format=BodyFormat.MULTIPART,
    upload=Upload("file", voice_cloning.LARGEST_SAMPLE + (64 << 10)),
    response=Cloned,
    summary="Have a voice made of a recording by the service that is set up, and keep it",
    invalid_status=400,
    failures={
        400: "No voice can be made of the recording, or nothing here can make one.",
        409: "The settings do not let anything be sent.",
        413: "The recording is too large.",
        502: "The service refused it.",
        503: "The user's own server does not answer.",
        504: "The service does not answer.",
    },
)
async def clone(call: Call[VoiceOfRecording]) -> Cloned | Response:
    neko, asked = call.neko, call.body
    try:
        sample = await in_thread(voice_cloning.sample_of, await call.files[0].read())
        made = await neko.voices.clone(sample, asked.prefix, asked.ref_language)
    except NekoError as error:
        return await _not_cloned(call, error)
    is_local = made.engine == "cosyvoice"
    told = {"prefix": asked.prefix, "engine": made.engine, "is_local": is_local}
    await in_thread(neko.voice_library.add, made.id, told, datetime.now())
    return Cloned(voice_id=made.id, message="stored", request_id=made.request, is_local=is_local, engine=made.engine)


async def _not_cloned(call: Call[VoiceOfRecording], error: NekoError) -> Response:
    failure = await failure_of(error, request_language(call.request, call.neko))
    is_own_server = isinstance(error, SpeechSilentError) and call.neko.voices.cloner == "cosyvoice"
    status = 503 if is_own_server else status_of(error)
    refused = CloningRefused(**failure.model_dump(), detail=failure.said, suggestion=failure.remedy)
    return json_response(refused, status)


@post(
    "/api/characters/voices",
    body=VoiceToKeep,
    response=Done,
    summary="Add a voice",
    invalid_status=400,
    failures={400: "The voice has no id, or nothing is told of it."},
)
async def add(call: Call[VoiceToKeep]) -> Done:
    await in_thread(call.neko.voice_library.add, call.body.voice_id, call.body.voice_data, datetime.now())
    return Done(message="added")


@delete(
    "/api/characters/voices/{voice_id}",
    path=VoicePath,
    response=Done,
    summary="Remove a voice, from the cards that name it too",
    failures={404: "There is no voice of this id."},
)
async def remove(call: Call[Empty, Empty, VoicePath]) -> Done:
    voice, characters = call.path.voice_id, call.neko.characters
    if not await in_thread(call.neko.voice_library.remove, voice):
        raise HTTPError(404, "unknown_voice", "There is no voice of this id.")
    await characters.forget_voice(voice)
    return Done(message="removed")


@get(
    "/api/characters/voice_preview",
    query=VoiceQuery,
    response=Preview,
    summary="A short sentence in a voice: of the engine that it is of, else of the current character's",
    failures={
        409: "The settings do not let the voice speak.",
        502: "The service of the voice refused, broke off or sent no sound.",
        504: "The service of the voice does not answer.",
    },
)
async def preview(call: Call[Empty, VoiceQuery]) -> Preview:
    neko, name = call.neko, call.neko.characters.current
    language = neko.language.current
    text = (await in_thread(i18n.sentence, "voice.sample_text", language)).format(name=name)
    voice = call.query.voice_id
    kept = (await in_thread(neko.voice_library.all)).get(voice, {})
    kind: EngineKind | None = "cosyvoice" if kept.get("is_local") is True else voice_cloning.engine_of(voice)
    sound = await neko.voices.sample(name, text, language, voice, kind)
    return Preview(audio=base64.b64encode(await in_thread(as_wav, sound, _RATE)).decode(), mime_type="audio/wav")


ENDPOINTS = (choose_voice, voice_mode, take_voice, library, clone, add, remove, preview)
