"""Which model she thinks with: what there is, does it work, take it."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.responses import Response

from neko.app import Neko
from neko.errors import ModelError, NekoError
from neko.providers.model_choice import OFFLINE, Choices, Target
from neko.settings.masking import masked_url
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError, failure_of, json_response
from neko.web.request_language import request_language
from neko.web.schemas import Schema, Success

NO_SUCH_CHOICE = {400: "The choice cannot be: its code says why."}
DOES_NOT_ANSWER = {200: "The model or its server does not answer: its code says why."}


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
    """An empty ``model`` is the provider's own default. ``borrowed``: one of ``CurrentModel.offers`` is taken."""

    model: str = Field("", max_length=200)
    borrowed: bool = False


class ProviderChoice(Schema):
    provider: str = Field(min_length=1, max_length=40)


class ModelNames(Success):
    models: list[str]


class ModelTested(Success):
    latency_ms: float
    model: str
    reply: str


class ProviderTile(Schema):
    """``key_from``: the variable of the environment that holds the key, which cannot be deleted here."""

    key: str
    name: str
    base_url: str
    models: dict[str, str]
    needs_key: bool
    has_key: bool
    key_from: str
    site: str
    group: str


class BorrowedKeyOffer(Schema):
    """A key that another program left in the environment. It is used only when the user says yes."""

    provider: str
    name: str
    variables: list[str]
    base_url: str


class CurrentModel(Success):
    """``pinned`` names what the environment decides, by variable; ``offers`` what could be used of it."""

    provider: str
    provider_name: str
    base_url: str
    model: str
    offline: bool
    pinned: dict[str, str]
    offers: list[BorrowedKeyOffer]
    providers: list[ProviderTile]


@get("/api/models/local", response=LocalServers, summary="Model servers running on this machine")
async def local(call: Call) -> LocalServers:
    servers = await call.neko.models.local_servers()
    return LocalServers(
        servers=[LocalServer(name=one.name, base_url=one.base_url, models=list(one.models)) for one in servers]
    )


@post(
    "/api/models/list",
    body=ModelQuery,
    response=ModelNames,
    summary="The models a server offers",
    failures={**NO_SUCH_CHOICE, **DOES_NOT_ANSWER},
)
async def list_models(call: Call[ModelQuery]) -> ModelNames | Response:
    target = await _target(call, "")
    try:
        names = await call.neko.models.names(target.base_url, target.api_key)
    except NekoError as error:
        return await model_failure(error, call)
    return ModelNames(models=list(names))


@post(
    "/api/models/test",
    body=ModelChoice,
    response=ModelTested,
    summary="One real call to a model",
    failures={**NO_SUCH_CHOICE, **DOES_NOT_ANSWER},
)
async def test_model(call: Call[ModelChoice]) -> ModelTested | Response:
    target = await _target(call, call.body.model)
    model = target.model or ("" if target.is_elsewhere else target.provider.models.get("conversation", ""))
    if not model:
        raise HTTPError(400, "model_needed", "Choose a model of this server first.")
    tested = await call.neko.models.test(target.base_url, target.api_key, model)
    if tested.error is not None:
        return await model_failure(tested.error, call)
    return ModelTested(latency_ms=round(tested.latency_ms, 1), model=model, reply=tested.reply)


@post(
    "/api/models/use",
    body=ModelChoice,
    response=CurrentModel,
    summary="Think with this model from now on",
    failures={**NO_SUCH_CHOICE, 409: "The environment decides this, or the disk refuses."},
)
async def use_model(call: Call[ModelChoice]) -> CurrentModel | Response:
    choice = call.body
    choices = await in_thread(choices_of, call.neko)
    if choice.borrowed:
        target = (await in_thread(choices.borrowing, choice.provider)).target(choice.provider, "", "", choice.model)
        is_chosen = target.model or "conversationModelId" in choices.pinned
        try:
            model = target.model if is_chosen else await call.neko.models.suggested(target)
        except ModelError as error:
            return await model_failure(error, call)
        changes = await in_thread(choices.changes_for_borrowed, choice.provider, model)
    else:
        changes = await in_thread(choices.changes_for, choice.provider, choice.base_url, choice.api_key, choice.model)
    await call.neko.config.change(changes)
    return await in_thread(current_of, call.neko)


@post(
    "/api/models/forget",
    body=ProviderChoice,
    response=CurrentModel,
    summary="Delete a provider's key, or the address typed in with its key",
    failures={**NO_SUCH_CHOICE, 409: "The environment decides this, or the disk refuses."},
)
async def forget_key(call: Call[ProviderChoice]) -> CurrentModel:
    changes = await in_thread(choices_of(call.neko).changes_forgetting, call.body.provider)
    await call.neko.config.change(changes)
    return await in_thread(current_of, call.neko)


@get("/api/models/current", response=CurrentModel, summary="The model in force, and the providers to choose from")
async def current_model(call: Call) -> CurrentModel:
    return await in_thread(current_of, call.neko)


async def _target(call: Call[ModelQuery] | Call[ModelChoice], model: str) -> Target:
    choice = call.body
    choices = await in_thread(choices_of, call.neko)
    return choices.target(choice.provider, choice.base_url, choice.api_key, model)


def choices_of(neko: Neko) -> Choices:
    return Choices(neko.config.values, neko.settings.environ)


def current_of(neko: Neko) -> CurrentModel:
    choices = choices_of(neko)
    endpoint = neko.models.endpoint("conversation")
    label = neko.models.label
    return CurrentModel(
        provider=endpoint.provider if endpoint else OFFLINE,
        provider_name=endpoint.provider_name if endpoint else label.provider,
        base_url=masked_url(endpoint.base_url) if endpoint else "",
        model=endpoint.model if endpoint else label.model,
        offline=endpoint is None,
        pinned=choices.pinned,
        offers=[
            BorrowedKeyOffer(
                provider=one.provider.key,
                name=one.provider.name,
                variables=list(one.variables),
                base_url=masked_url(one.base_url),
            )
            for one in choices.offers
        ],
        providers=[
            ProviderTile(
                key=one.key,
                name=one.name,
                base_url=one.base_url,
                models={} if choices.is_elsewhere(one) else dict(one.models),
                needs_key=one.needs_key,
                has_key=choices.has_key(one),
                key_from=choices.key_from(one),
                site=one.site,
                group=one.group,
            )
            for one in choices.providers
        ],
    )


async def model_failure(error: NekoError, call: Call[Any]) -> Response:
    """The call itself went well: what it found out is that the model does not answer."""
    return json_response(await failure_of(error, request_language(call.request, call.neko)))


ENDPOINTS = (local, list_models, test_model, use_model, forget_key, current_model)
