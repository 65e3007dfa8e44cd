"""VRM models and animations: what there is, how one comes in and goes, what is set for it (``contract/rest.md`` §5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel

from neko.avatar_errors import AvatarError
from neko.avatars.vrm import ANIMATION, MODEL, PRESETS, VrmFile
from neko.tasks import in_thread
from neko.web.endpoint import Call, delete, get, post
from neko.web.mount import mount_path
from neko.web.request_body import BodyFormat
from neko.web.routes.live2d import ModelPath, NewName
from neko.web.schemas import Done, Empty, Schema, Success
from neko.web.upload import Upload

LARGEST = 200 << 20
"""Bytes of a model or an animation."""
_FORM = 64 * 1024
"""Bytes of what a form has around its file."""
_UPLOAD = Upload("file", LARGEST + _FORM)
_UNKNOWN: Mapping[int, str] = {404: "There is no model of this name."}
_REFUSED: Mapping[int, str] = {400: "It is no such file, or one of this name is there.", 413: "It is too large."}


class Paths(Schema):
    user_vrm: str
    static_vrm: str
    static_animation: str


class PathsAnswer(Success):
    paths: Paths


class Model(Schema):
    name: str
    filename: str
    url: str
    type: Literal["vrm"] = "vrm"
    size: int
    location: Literal["project", "user"] = "user"


class Models(Success):
    models: list[Model]


class Animation(Schema):
    name: str
    filename: str
    url: str
    type: Literal["vrma", "vrm"]
    size: int


class Animations(Success):
    animations: list[Animation]


class Uploaded(Done):
    """``model_path`` says the same as ``model_url``; N.E.K.O.'s page asks for it."""

    model_name: str
    model_url: str
    model_path: str
    file_size: int


class UploadedAnimation(Done):
    filename: str
    file_path: str


class Emotions(RootModel[Annotated[dict[str, str | list[str]], Field(min_length=1)]]):
    model_config = ConfigDict(defer_build=True)


class EmotionsAnswer(Success):
    config: dict[str, list[str]]


class Expressions(Success):
    """``note`` says that the file was not there, and the names are those of the format."""

    expressions: list[str]
    note: str = ""


class VrmRenamed(Success):
    model_name: str
    model_url: str


@get("/api/model/vrm/config", response=PathsAnswer, summary="Where VRM models and animations are found")
async def config(call: Call) -> PathsAnswer:
    root = mount_path(call.request.scope)
    return PathsAnswer(
        paths=Paths(
            user_vrm=f"{root}/user_vrm",
            static_vrm=f"{root}/static/vrm",
            static_animation=f"{root}/static/vrm/animation",
        )
    )


@get("/api/model/vrm/models", response=Models, summary="Every VRM model")
async def models(call: Call) -> Models:
    found = await in_thread(call.neko.avatars.vrm.models)
    return Models(
        models=[Model(name=one.name, filename=one.path.name, url=_address(call, one), size=one.size) for one in found]
    )


@post(
    "/api/model/vrm/upload",
    body_format=BodyFormat.MULTIPART,
    upload=_UPLOAD,
    response=Uploaded,
    summary="Take in a VRM model, up to 200 MB",
    invalid_status=400,
    failures=_REFUSED,
)
async def upload(call: Call) -> Uploaded:
    taken = await _taken(call, MODEL)
    url = _address(call, taken)
    return Uploaded(message="stored", model_name=taken.name, model_url=url, model_path=url, file_size=taken.size)


@get("/api/model/vrm/animations", response=Animations, summary="Every VRM animation")
async def animations(call: Call) -> Animations:
    found = await in_thread(call.neko.avatars.vrm.moving)
    return Animations(
        animations=[
            Animation(
                name=one.name,
                filename=one.path.name,
                url=_address(call, one),
                type="vrma" if one.path.suffix.lower() == ANIMATION else "vrm",
                size=one.size,
            )
            for one in found
        ]
    )


@post(
    "/api/model/vrm/upload_animation",
    body_format=BodyFormat.MULTIPART,
    upload=_UPLOAD,
    response=UploadedAnimation,
    summary="Take in a VRM animation, up to 200 MB",
    invalid_status=400,
    failures=_REFUSED,
)
async def upload_animation(call: Call) -> UploadedAnimation:
    taken = await _taken(call, ANIMATION)
    return UploadedAnimation(message="stored", filename=taken.path.name, file_path=_address(call, taken))


@get(
    "/api/model/vrm/emotion_mapping/{model}",
    path=ModelPath,
    response=EmotionsAnswer,
    summary="A model's expressions by emotion",
    failures={400: "No model can be called so."},
)
async def emotion_mapping(call: Call[Empty, Empty, ModelPath]) -> EmotionsAnswer:
    kept = await in_thread(call.neko.avatars.vrm.emotions, call.path.model)
    return EmotionsAnswer(config={emotion: list(names) for emotion, names in kept.items()})


@post(
    "/api/model/vrm/emotion_mapping/{model}",
    path=ModelPath,
    body=Emotions,
    response=Done,
    summary="Keep a model's expressions by emotion",
    invalid_status=400,
    failures={**_UNKNOWN, 400: "There is no mapping in the request."},
)
async def set_emotion_mapping(call: Call[Emotions, Empty, ModelPath]) -> Done:
    await in_thread(call.neko.avatars.vrm.set_emotions, call.path.model, call.body.root)
    return Done(message="stored")


@get(
    "/api/model/vrm/expressions/{model}",
    path=ModelPath,
    response=Expressions,
    summary="The expressions that a model has; those of the format where the file is not there",
)
async def expressions(call: Call[Empty, Empty, ModelPath]) -> Expressions:
    try:
        found = await in_thread(call.neko.avatars.vrm.expressions, call.path.model)
    except AvatarError:
        found = []
    return Expressions(expressions=found or list(PRESETS), note="" if found else "The names that the format has.")


@delete(
    "/api/model/vrm/model/{model}",
    path=ModelPath,
    response=Done,
    summary="Delete a VRM model or animation, and what is set for it",
    failures=_UNKNOWN,
)
async def delete_model(call: Call[Empty, Empty, ModelPath]) -> Done:
    await in_thread(call.neko.avatars.vrm.delete, call.path.model)
    return Done(message="deleted")


@post(
    "/api/model/vrm/model/{model}/rename",
    path=ModelPath,
    body=NewName,
    response=VrmRenamed,
    summary="Give a VRM model or animation another name, also in the cards that use it",
    failures={**_UNKNOWN, 400: "It cannot be called so, or another one is."},
)
async def rename_model(call: Call[NewName, Empty, ModelPath]) -> VrmRenamed:
    renamed = await call.neko.avatars.rename_vrm(call.path.model, call.body.new_name)
    return VrmRenamed(model_name=renamed.name, model_url=_address(call, renamed))


async def _taken(call: Call, ending: str) -> VrmFile:
    file = call.files[0]
    return await in_thread(call.neko.avatars.vrm.take, file.filename or "", ending, file.file)


def _address(call: Call[Any, Any, Any], file: VrmFile) -> str:
    return mount_path(call.request.scope) + file.url


ENDPOINTS = (
    config,
    models,
    upload,
    animations,
    upload_animation,
    emotion_mapping,
    set_emotion_mapping,
    expressions,
    delete_model,
    rename_model,
)
