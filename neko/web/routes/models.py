"""Which model she thinks with: what there is, does it work, take it."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.responses import Response

from neko.errors import NekoError
from neko.providers import resolve
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError, failure_of, json_response
from neko.web.masking import masked_url
from neko.web.model_choice import OFFLINE, Choices, Target
from neko.web.request_language import request_language
from neko.web.schemas import Empty, Schema, Success
from neko.web.services import Services


class LocalServer(Schema):
    name: str
    base_url: str
    models: list[str]


class LocalServers(Schema):
    servers: list[LocalServer]


class ModelQuery(Schema):
    """``provider`` is a key of the catalogue. An absent or masked ``api_key`` means the stored one."""

    provider: str = Field(min_length=1, max_length=40)
    base_url: str = Field("", max_length=1000)
    api_key: str = Field("", max_length=1000)


class ModelChoice(ModelQuery):
    """An empty ``model`` is the provider's own default."""

    model: str = Field("", max_length=200)


class ModelNames(Success):
    models: list[str]


class ModelTested(Success):
    latency_ms: float
    model: str
    reply: str


class ProviderTile(Schema):
    key: str
    name: str
    base_url: str
    models: dict[str, str]
    needs_key: bool
    has_key: bool
    site: str


class CurrentModel(Success):
    """``pinned`` names what the environment decides, by variable."""

    provider: str
    provider_name: str
    base_url: str
    model: str
    offline: bool
    pinned: dict[str, str]
    providers: list[ProviderTile]


@get("/api/models/local", response_model=LocalServers, summary="Model servers running on this machine")
async def local(call: Call[Empty]) -> LocalServers:
    found = await call.services.find_local_servers()
    return LocalServers(
        servers=[LocalServer(name=one.name, base_url=one.base_url, models=list(one.models)) for one in found]
    )


@post("/api/models/list", request_model=ModelQuery, response_model=ModelNames, summary="The models a server offers")
async def list_models(call: Call[ModelQuery]) -> ModelNames | Response:
    target = await _target(call, "")
    try:
        names = await call.services.list_models(target.base_url, target.api_key)
    except NekoError as error:
        return await _model_failure(error, call)
    return ModelNames(models=list(names))


@post("/api/models/test", request_model=ModelChoice, response_model=ModelTested, summary="One real call to a model")
async def test_model(call: Call[ModelChoice]) -> ModelTested | Response:
    target = await _target(call, call.body.model)
    model = target.model or target.provider.models.get("conversation", "")
    if not model:
        raise HTTPError(400, "model_needed", "Choose a model of this server first.")
    tested = await call.services.test_model(target.base_url, target.api_key, model)
    if tested.error is not None:
        return await _model_failure(tested.error, call)
    return ModelTested(latency_ms=round(tested.latency_ms, 1), model=model, reply=tested.reply)


@post(
    "/api/models/use",
    request_model=ModelChoice,
    response_model=CurrentModel,
    summary="Think with this model from now on",
)
async def use_model(call: Call[ModelChoice]) -> CurrentModel:
    await call.services.change_config(await in_thread(_changes, call.services, call.body))
    return await in_thread(_current, call.services)


@get("/api/models/current", response_model=CurrentModel, summary="The model in force, and the providers to choose from")
async def current_model(call: Call[Empty]) -> CurrentModel:
    return await in_thread(_current, call.services)


async def _target(call: Call[ModelQuery] | Call[ModelChoice], model: str) -> Target:
    given = call.body
    choices = await in_thread(_choices, call.services)
    return choices.target(given.provider, given.base_url, given.api_key, model)


def _choices(services: Services) -> Choices:
    return Choices(services.config.values, services.settings.environ)


def _changes(services: Services, given: ModelChoice) -> dict[str, Any]:
    if given.provider == OFFLINE:
        return {"neko": {"offline": True}}
    choices = _choices(services)
    return choices.changes(choices.target(given.provider, given.base_url, given.api_key, given.model), given.api_key)


def _current(services: Services) -> CurrentModel:
    choices = _choices(services)
    endpoint = resolve("conversation", services.config.values, services.settings.environ)
    label = services.model_label
    return CurrentModel(
        provider=endpoint.provider if endpoint else OFFLINE,
        provider_name=endpoint.provider_name if endpoint else label.provider,
        base_url=masked_url(endpoint.base_url) if endpoint else "",
        model=endpoint.model if endpoint else label.model,
        offline=endpoint is None,
        pinned=choices.pinned,
        providers=[
            ProviderTile(
                key=one.key,
                name=one.name,
                base_url=one.base_url,
                models=dict(one.models),
                needs_key=one.needs_key,
                has_key=choices.has_key(one),
                site=one.site,
            )
            for one in choices.providers
        ],
    )


async def _model_failure(error: NekoError, call: Call[Any]) -> Response:
    """The call itself went well: what it found out is that the model does not answer."""
    return json_response(await failure_of(error, request_language(call.request, call.services)))


ENDPOINTS = (local, list_models, test_model, use_model, current_model)
