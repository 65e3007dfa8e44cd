"""The small model on this computer: what there is, how far loading is, take it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from starlette.responses import Response

from neko.errors import ModelError
from neko.i18n import describe
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.request_language import request_language
from neko.web.routes.models import CurrentModel, choices_of, current_of, model_failure
from neko.web.schemas import Schema


class SmallModelFile(Schema):
    """``size`` in bytes; ``languages`` is empty where they are not known."""

    name: str
    size: int
    languages: list[str]


class SmallModels(Schema):
    """``command`` is what to type where nothing is installed that runs a model; own GGUF files go into ``folder``.

    ``state`` is that of ``model``, "off" when none is chosen; it has been loading for ``loading_s`` seconds.
    ``chosen``: it answers. ``error`` and ``remedy``: why it does not.
    """

    installed: bool
    command: str
    folder: str
    files: list[SmallModelFile]
    state: Literal["off", "loading", "ready", "failed"]
    model: str
    loading_s: float
    chosen: bool
    error: str
    remedy: str


class SmallModelChoice(Schema):
    """``model`` is the name of one of ``SmallModels.files``."""

    model: str = Field(min_length=1, max_length=255)


@get("/api/models/small", response=SmallModels, summary="The small model on this computer, and how it is")
async def small_models(call: Call) -> SmallModels:
    small = call.neko.models.small
    available, server = await small.available(), small.server
    error = server.error if server else None
    notice = describe(error, request_language(call.request, call.neko)) if error else None
    return SmallModels(
        installed=available.installed,
        command=available.command,
        folder=str(available.folder),
        files=[SmallModelFile(name=one.name, size=one.size, languages=list(one.languages)) for one in available.files],
        state=server.state if server else "off",
        model=server.file.name if server else "",
        loading_s=round(server.loading_s if server else 0.0, 1),
        chosen=small.is_chosen,
        error=notice.text if notice else "",
        remedy=notice.remedy if notice else "",
    )


@post(
    "/api/models/small/use",
    body=SmallModelChoice,
    response=CurrentModel,
    summary="Load the small model, and think with it once it answers",
    failures={200: "It cannot be loaded.", 409: "The environment decides this, or the disk refuses."},
)
async def use_small_model(call: Call[SmallModelChoice]) -> CurrentModel | Response:
    try:
        file = await call.neko.models.small.load(call.body.model)
    except ModelError as error:
        return await model_failure(error, call)
    await call.neko.config.change((await in_thread(choices_of, call.neko)).changes_for_small(file.setting))
    return await in_thread(current_of, call.neko)


ENDPOINTS = (small_models, use_small_model)
