"""What turns speech into words: which engine, where, and the models that hear on this computer."""

from __future__ import annotations

import time
from typing import Literal

from pydantic import Base64Bytes, Field
from starlette.responses import Response

from neko.app import Neko
from neko.app.hearing_models import Fetch, OfferedModel
from neko.app.listening import HeardRecording
from neko.audio.noise import noise_reducer_installed
from neko.errors import NekoError
from neko.hearing_errors import HearingPrivateError
from neko.i18n import describe
from neko.providers.speech_server import SpeechServerChoice, hearing_server_changes
from neko.settings.masking import masked, masked_url
from neko.settings.registry import (
    HEARING_ENGINE,
    HEARING_LANGUAGE,
    HEARING_LOCAL_MODEL,
    PRIVACY,
    ROLE_SETTINGS,
    HearingKind,
)
from neko.tasks import in_thread
from neko.types.hearing import HEARING_RATE, HearingEngine, HearingHints
from neko.web.endpoint import Call, delete, get, post
from neko.web.errors import failure_of, json_response
from neko.web.request_language import request_language
from neko.web.schemas import Empty, Schema, Success

_NO_MODEL = {400: "There is no such model."}
_LONGEST_TEST = 2 * HEARING_RATE * 10


class ModelFetchState(Schema):
    """``count`` of ``total`` bytes are here. ``error`` and ``remedy``: why it failed."""

    state: Literal["fetching", "done", "failed", "cancelled"]
    count: int
    total: int
    error: str = ""
    remedy: str = ""


class HearingModel(Schema):
    """``languages``: primary subtags, null for about any. ``size`` in bytes. ``removable``: it was fetched."""

    name: str
    title: str
    languages: list[str] | None
    size: int
    licence: str
    source: str
    here: bool
    fetchable: bool
    removable: bool
    in_use: bool
    fetch: ModelFetchState | None


class HearingState(Success):
    """``engine`` is in force; ``chosen`` is null while that is left to her. ``name`` and ``local`` tell what hears,
    ``error`` and ``remedy`` why nothing does. ``provider`` is whose server hears without an address of its own, empty
    where there is none. Own models go into ``folder``.
    ``language`` is that of what is spoken, empty: she finds out. ``reduces_noise``: what takes noise out of a call is
    installed."""

    engine: HearingKind
    chosen: HearingKind | None
    name: str
    local: bool
    error: str
    remedy: str
    url: str
    model: str
    api_key: str
    provider: str
    language: str
    local_model: str
    reduces_noise: bool
    folder: str
    models: list[HearingModel]


class HearingChange(Schema):
    """What is left out stays. ``engine`` "auto" leaves the choice to her."""

    engine: HearingKind | Literal["auto"] | None = None
    url: str | None = Field(None, max_length=1000)
    model: str | None = Field(None, max_length=200)
    api_key: str | None = Field(None, max_length=1000)
    language: str | None = Field(None, max_length=35, pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")
    local_model: str | None = Field(None, max_length=1000)


class Recording(Schema):
    """``sound``: PCM16 little-endian mono at 16 kHz, at most ten seconds, in base64. Without it a second without a word
    is recognised. ``language`` (BCP 47) is likely spoken; ``reduce_noise`` as in a call."""

    sound: Base64Bytes = Field(b"", max_length=_LONGEST_TEST)
    language: str = Field("", max_length=35)
    reduce_noise: bool = False


class HearingTested(Success):
    """``name`` has recognised the sound in ``latency_ms``. ``speech``: somebody speaks in it; ``text``: what was made
    out."""

    name: str
    latency_ms: float
    speech: bool
    text: str


class ModelPath(Schema):
    name: str = Field(min_length=1, max_length=100)


@get("/api/hearing", response=HearingState, summary="What turns speech into words")
async def hearing(call: Call) -> HearingState:
    await call.neko.hearing.look()
    return await _state(call)


@post("/api/hearing", body=HearingChange, response=HearingState, summary="Choose what turns speech into words")
async def change_hearing(call: Call[HearingChange]) -> HearingState:
    sent, neko = call.body, call.neko
    changes = hearing_server_changes(SpeechServerChoice(sent.url, sent.model, sent.api_key), neko.config.values)
    own: dict[str, object] = {}
    if sent.engine is not None:
        own["engine"] = None if sent.engine == "auto" else sent.engine
    if sent.language is not None:
        own["language"] = sent.language or None
    if sent.local_model is not None:
        own["local_model"] = sent.local_model.strip() or None
    await neko.config.change({**changes, **({"neko": {"hearing": own}} if own else {})})
    return await _state(call)


@post(
    "/api/hearing/test",
    body=Recording,
    response=HearingTested,
    summary="Whether what hears answers: one real recognition, of a recording as a call would hear it",
    failures={200: "Nothing hears, or it does not answer."},
)
async def test_hearing(call: Call[Recording]) -> HearingTested | Response:
    neko, sound = call.neko, call.body.sound
    try:
        if sound:
            if neko.config.in_force.get(PRIVACY):
                raise HearingPrivateError("the privacy switch is on")
            names = filter(None, (neko.characters.current, neko.characters.cards.master_name))
            hints = HearingHints(call.body.language, tuple(names))
            heard = await neko.listening.hear(sound, hints, reduce_noise=call.body.reduce_noise)
        else:
            heard = await _tried(neko.hearing.engine())
    except NekoError as error:  # the call itself went well: what it found out is that nothing hears
        return json_response(await failure_of(error, request_language(call.request, neko)))
    return HearingTested(
        name=heard.engine, latency_ms=round(heard.seconds * 1000, 1), speech=heard.speech, text=heard.text
    )


async def _tried(engine: HearingEngine) -> HeardRecording:
    """A second of silence, which no voice activity would let through."""
    await engine.prewarm()
    began = time.perf_counter()
    recognition = engine.begin("test", HearingHints())
    recognition.feed(bytes(2 * HEARING_RATE))
    await recognition.finish()
    return HeardRecording(engine.capabilities.name, False, "", time.perf_counter() - began)


@post(
    "/api/hearing/models/{name}/fetch",
    path=ModelPath,
    response=HearingState,
    summary="Begin to fetch a model; GET /api/hearing tells how far it is",
    failures=_NO_MODEL,
)
async def fetch_model(call: Call[Empty, Empty, ModelPath]) -> HearingState:
    call.neko.hearing_models.fetch(call.path.name)
    return await _state(call)


@post(
    "/api/hearing/models/{name}/cancel",
    path=ModelPath,
    response=HearingState,
    summary="Stop fetching a model; it goes on from there the next time",
)
async def cancel_model(call: Call[Empty, Empty, ModelPath]) -> HearingState:
    await call.neko.hearing_models.cancel(call.path.name)
    return await _state(call)


@delete(
    "/api/hearing/models/{name}",
    path=ModelPath,
    response=HearingState,
    summary="Take away the files of a model that was fetched",
    failures=_NO_MODEL,
)
async def remove_model(call: Call[Empty, Empty, ModelPath]) -> HearingState:
    await call.neko.hearing_models.remove(call.path.name)
    return await _state(call)


async def _state(call: Call[HearingChange] | Call[Empty, Empty, ModelPath] | Call) -> HearingState:
    neko = call.neko
    language = request_language(call.request, neko)
    in_force = neko.config.in_force
    url, model, key = (in_force.stored(setting) or "" for setting in ROLE_SETTINGS["hearing"])
    offered = await neko.hearing_models.offered(neko.hearing.local_models)
    name, local, error, remedy = _what_hears(neko, language)
    server = neko.hearing.server
    return HearingState(
        engine=neko.hearing.kind,
        chosen=in_force.get(HEARING_ENGINE),
        name=name,
        local=local,
        error=error,
        remedy=remedy,
        url=masked_url(url),
        model=model,
        api_key=masked(key),
        provider=server.provider_name if server and not url else "",
        language=in_force.get(HEARING_LANGUAGE),
        local_model=in_force.get(HEARING_LOCAL_MODEL),
        reduces_noise=await in_thread(noise_reducer_installed),
        folder=str(neko.hearing_models.folder),
        models=[_model(neko, one, language) for one in offered],
    )


def _what_hears(neko: Neko, language: str) -> tuple[str, bool, str, str]:
    """Name of what hears, whether it is here, and why nothing does, with the remedy."""
    try:
        capabilities = neko.hearing.engine().capabilities
    except NekoError as error:
        notice = describe(error, language)
        return "", False, notice.text, notice.remedy
    return capabilities.name, capabilities.local, "", ""


def _model(neko: Neko, offered: OfferedModel, language: str) -> HearingModel:
    known, here, fetch = offered.known, offered.here, offered.fetch
    either = here or known
    assert either is not None
    return HearingModel(
        name=offered.name,
        title=either.title,
        languages=None if either.languages is None else sorted(either.languages),
        size=either.size,
        licence=known.licence if known else "",
        source=known.source if known else "",
        here=here is not None,
        fetchable=known is not None,
        removable=offered.can_be_removed,
        in_use=here is not None and neko.hearing.kind == "local" and neko.hearing.local_model == here,
        fetch=_fetch(fetch, language) if fetch else None,
    )


def _fetch(fetch: Fetch, language: str) -> ModelFetchState:
    notice = describe(fetch.error, language) if fetch.error else None
    return ModelFetchState(
        state=fetch.state,
        count=fetch.count,
        total=fetch.total,
        error=notice.whole if notice else "",
        remedy=notice.remedy if notice else "",
    )


ENDPOINTS = (hearing, change_hearing, test_hearing, fetch_model, cancel_model, remove_model)
