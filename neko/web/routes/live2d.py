"""Live2D models: what there is, how one comes in and goes, what is set for it (``contract/rest.md`` §4)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel

from neko.avatar_errors import AvatarError
from neko.avatars import live2d
from neko.avatars.arrival import LARGEST, MOST_FILES
from neko.avatars.live2d import EXPRESSION, LARGEST_JSON, MOTION, Live2DModel
from neko.avatars.places import Source
from neko.tasks import in_thread
from neko.web.endpoint import Call, delete, get, post
from neko.web.errors import HTTPError
from neko.web.mount import mount_path
from neko.web.request_body import BodyFormat
from neko.web.schemas import Done, Empty, Schema, Success
from neko.web.upload import Upload

_UNKNOWN: Mapping[int, str] = {404: "There is no model of this name."}
_OWN: Mapping[int, str] = {**_UNKNOWN, 403: "The model is not in the user's own folder."}
_NO_MODEL: Mapping[int, str] = {200: "There is no model of this name."}
_CONFIG_LIMIT = 4 << 20


class ModelPath(Schema):
    model: str


class ItemPath(Schema):
    item: str


class ModelShape(Schema):
    """``path`` is the address of its ``.model3.json``; ``item_id`` only for one of the Workshop."""

    name: str
    display_name: str
    path: str
    source: Literal["static", "documents", "steam_workshop"]
    item_id: str | None = None


class Names(Success):
    models: list[str]


class Models(RootModel[list[dict[str, Any]] | Names]):
    """With ``simple`` only the names."""

    model_config = ConfigDict(defer_build=True)


class ModelsQuery(Schema):
    simple: bool = False


class UserModel(Schema):
    name: str
    path: str
    source: Literal["user_documents"] = "user_documents"


class UserModels(Success):
    models: list[UserModel]


class Config(Success):
    config: dict[str, Any]


class References(Schema):
    Motions: dict[str, list[dict[str, Any]]] | None = None
    Expressions: list[dict[str, Any]] | None = None


class ConfigChange(Schema):
    FileReferences: References


class Files(Success):
    motion_files: list[str]
    expression_files: list[str]


class FilesOfItem(Files):
    """``model_config_url`` is the address of its ``.model3.json``."""

    model_config_url: str | None


class Parameter(Schema):
    id: str
    groupId: str
    name: str


class ParameterGroup(Schema):
    id: str
    name: str


class Parameters(Success):
    parameters: list[Parameter]
    parameter_groups: dict[str, ParameterGroup]


class Values(Schema):
    parameters: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(max_length=5000)


class KeptValues(Success):
    parameters: dict[str, float]


class EmotionMapping(Schema):
    """Paths from the ``.model3.json``, by emotion."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    motions: dict[str, list[str]] = Field({})
    expressions: dict[str, list[str]] = Field({})


class Uploaded(Done):
    """``left_out``: files that are no part of a model."""

    model_name: str
    model_path: str
    left_out: int


class PartKind(Schema):
    file_type: Literal["motion", "expression"] | None = None


class Part(Done):
    filename: str
    file_path: str


class NewName(Schema):
    new_name: str = Field(min_length=1, max_length=200)


class Live2DRenamed(Success):
    model_name: str


class Directory(Done):
    directory: str


# ── what there is ──────────────────────────────────────────────────────────────


@get("/api/live2d/models", query=ModelsQuery, response=Models, summary="Every Live2D model; simple: only the names")
async def models(call: Call[Empty, ModelsQuery]) -> Models:
    found = await in_thread(call.neko.avatars.live2d.all)
    if call.query.simple:
        return Models(Names(models=[model.name for model in found]))
    shapes = [
        ModelShape(
            name=model.name,
            display_name=model.name,
            path=_address(call, model),
            source=model.root.source.value,
            item_id=model.item or None,
        )
        for model in found
    ]
    return Models([shape.model_dump(exclude_none=True) for shape in shapes])


@get("/api/live2d/user_models", response=UserModels, summary="The Live2D models in the user's own folder")
async def user_models(call: Call) -> UserModels:
    found = await in_thread(call.neko.avatars.live2d.all)
    own = [model for model in found if model.root.source is Source.USER]
    return UserModels(models=[UserModel(name=model.name, path=_address(call, model)) for model in own])


@get(
    "/api/live2d/model_config/{model}",
    path=ModelPath,
    response=Config,
    summary="A model's .model3.json, with motions and expressions; nothing is written",
    failures=_UNKNOWN,
)
async def model_config(call: Call[Empty, Empty, ModelPath]) -> Config:
    return await _config(await _named(call))


@get(
    "/api/live2d/model_config_by_id/{item}",
    path=ItemPath,
    response=Config,
    summary="The same, by the number of a Workshop item",
    failures=_UNKNOWN,
)
async def model_config_by_id(call: Call[Empty, Empty, ItemPath]) -> Config:
    return await _config(await _of_item(call))


@post(
    "/api/live2d/model_config/{model}",
    path=ModelPath,
    body=ConfigChange,
    body_limit=_CONFIG_LIMIT,
    response=Done,
    summary="Replace a model's motions or expressions",
    failures=_UNKNOWN,
)
async def set_model_config(call: Call[ConfigChange, Empty, ModelPath]) -> Done:
    return await _set_config(await _named(call), call.body)


@post(
    "/api/live2d/model_config_by_id/{item}",
    path=ItemPath,
    body=ConfigChange,
    body_limit=_CONFIG_LIMIT,
    response=Done,
    summary="The same, by the number of a Workshop item",
    failures=_UNKNOWN,
)
async def set_model_config_by_id(call: Call[ConfigChange, Empty, ItemPath]) -> Done:
    return await _set_config(await _of_item(call), call.body)


@get(
    "/api/live2d/model_files/{model}",
    path=ModelPath,
    response=Files,
    summary="A model's motions and expressions, as paths in its folder",
    failures=_NO_MODEL,
)
async def model_files(call: Call[Empty, Empty, ModelPath]) -> Files:
    with _answered_with_200():
        motions, expressions = await in_thread(live2d.files_of, await _named(call))
    return Files(motion_files=motions, expression_files=expressions)


@get(
    "/api/live2d/model_files_by_id/{item}",
    path=ItemPath,
    response=FilesOfItem,
    summary="The same, by the number of a Workshop item, or by name",
    failures=_NO_MODEL,
)
async def model_files_by_id(call: Call[Empty, Empty, ItemPath]) -> FilesOfItem:
    with _answered_with_200():
        try:
            model = await _of_item(call)
        except AvatarError:
            model = await in_thread(call.neko.avatars.live2d.find, call.path.item)
        motions, expressions = await in_thread(live2d.files_of, model)
    return FilesOfItem(motion_files=motions, expression_files=expressions, model_config_url=_address(call, model))


# ── what is set for one ────────────────────────────────────────────────────────


@get(
    "/api/live2d/emotion_mapping/{model}",
    path=ModelPath,
    response=Config,
    summary="A Live2D model's motions and expressions by emotion",
    failures=_UNKNOWN,
)
async def emotion_mapping(call: Call[Empty, Empty, ModelPath]) -> Config:
    return Config(config=dict(await in_thread(live2d.emotion_mapping, await _named(call))))


@post(
    "/api/live2d/emotion_mapping/{model}",
    path=ModelPath,
    body=EmotionMapping,
    response=Done,
    summary="Keep a model's motions and expressions by emotion; what it does not cover stays",
    invalid_status=400,
    failures={**_UNKNOWN, 400: "There is no mapping in the request."},
)
async def set_emotion_mapping(call: Call[EmotionMapping, Empty, ModelPath]) -> Done:
    if not call.body.model_fields_set:
        raise HTTPError(400, "invalid", "Something in the request is missing or wrong.")
    await in_thread(live2d.set_emotion_mapping, await _named(call), call.body.model_dump(exclude_unset=True))
    return Done(message="stored")


@get(
    "/api/live2d/model_parameters/{model}",
    path=ModelPath,
    response=Parameters,
    summary="The names of a model's parameters and their groups",
    failures=_NO_MODEL,
)
async def model_parameters(call: Call[Empty, Empty, ModelPath]) -> Parameters:
    with _answered_with_200():
        found = await in_thread(live2d.parameters_of, await _named(call))
    return Parameters(
        parameters=[Parameter(id=one["Id"], groupId=one["GroupId"], name=one["Name"]) for one in found.parameters],
        parameter_groups={one["Id"]: ParameterGroup(id=one["Id"], name=one["Name"]) for one in found.groups},
    )


@get(
    "/api/live2d/load_model_parameters/{model}",
    path=ModelPath,
    response=KeptValues,
    summary="The values that were set for a Live2D model's parameters",
    failures=_NO_MODEL,
)
async def load_model_parameters(call: Call[Empty, Empty, ModelPath]) -> KeptValues:
    with _answered_with_200():
        return KeptValues(parameters=await in_thread(live2d.kept_parameters, await _named(call)))


@post(
    "/api/live2d/save_model_parameters/{model}",
    path=ModelPath,
    body=Values,
    response=Done,
    summary="Keep values for a model's parameters",
    invalid_status=400,
    failures=_OWN,
)
async def save_model_parameters(call: Call[Values, Empty, ModelPath]) -> Done:
    model = await _named(call)
    await in_thread(live2d.keep_parameters, model, call.body.parameters)
    return Done(message="stored")


# ── coming and going ───────────────────────────────────────────────────────────


@post(
    "/api/live2d/upload_model",
    body_format=BodyFormat.MULTIPART,
    upload=Upload("files", LARGEST, max_files=MOST_FILES),
    response=Uploaded,
    summary="Take in a Live2D model: the files of its folder with their relative paths as names, or one zip archive",
    invalid_status=400,
    failures={400: "It is no Live2D model, or one of this name is there.", 413: "It is too large."},
)
async def upload_model(call: Call) -> Uploaded:
    arrived = await call.neko.avatars.take([(file.filename or "", file.file) for file in call.files])
    return Uploaded(
        message="stored", model_name=arrived.name, model_path=str(arrived.folder), left_out=arrived.left_out
    )


@post(
    "/api/live2d/upload_file/{model}",
    path=ModelPath,
    query=PartKind,
    body=PartKind,
    body_format=BodyFormat.MULTIPART,
    upload=Upload("file", LARGEST_JSON),
    response=Part,
    summary="Give a model another motion or expression; file_type in the form or the query, else by the file's ending",
    invalid_status=400,
    failures={**_OWN, 400: "It is no such file, or one of this name is there.", 413: "It is too large."},
)
async def upload_file(call: Call[PartKind, PartKind, ModelPath]) -> Part:
    file = call.files[0]
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    by_name = "expression" if name.lower().endswith(EXPRESSION) else "motion"
    kind = call.body.file_type or call.query.file_type or by_name
    model = await _named(call)
    place = await in_thread(live2d.add_part, model, name, EXPRESSION if kind == "expression" else MOTION, file.file)
    return Part(message="stored", filename=name, file_path=place)


@delete(
    "/api/live2d/model/{model}",
    path=ModelPath,
    response=Done,
    summary="Delete a model from the user's own folder",
    failures=_OWN,
)
async def delete_model(call: Call[Empty, Empty, ModelPath]) -> Done:
    await in_thread(call.neko.avatars.live2d.delete, call.path.model)
    return Done(message="deleted")


@post(
    "/api/live2d/model/{model}/rename",
    path=ModelPath,
    body=NewName,
    response=Live2DRenamed,
    summary="Give a model of the user's another name, also in the cards that use it",
    failures={**_OWN, 400: "It cannot be called so, or another one is."},
)
async def rename_model(call: Call[NewName, Empty, ModelPath]) -> Live2DRenamed:
    return Live2DRenamed(model_name=await call.neko.avatars.rename_live2d(call.path.model, call.body.new_name))


@get(
    "/api/live2d/open_model_directory/{model}",
    path=ModelPath,
    response=Directory,
    summary="Where a model's folder is; POST opens it on the computer that Neko runs on",
    failures=_UNKNOWN,
)
async def model_directory(call: Call[Empty, Empty, ModelPath]) -> Directory:
    return Directory(directory=str((await _named(call)).folder))


@post(
    "/api/live2d/open_model_directory/{model}",
    path=ModelPath,
    response=Directory,
    summary="Open a model's folder in the file manager of the computer that Neko runs on",
    failures=_UNKNOWN,
)
async def open_model_directory(call: Call[Empty, Empty, ModelPath]) -> Directory:
    folder = (await _named(call)).folder
    try:
        await in_thread(_open, folder)
    except OSError as error:
        raise HTTPError(409, "no_file_manager", f"No file manager can be opened here: {error}") from error
    return Directory(message="opened", directory=str(folder))


def _open(folder: Path) -> None:
    """Show a folder to who sits at this computer."""
    if sys.platform == "win32":
        os.startfile(folder)
        return
    command = "open" if sys.platform == "darwin" else "xdg-open"
    subprocess.Popen([command, folder], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)


# ── shared ─────────────────────────────────────────────────────────────────────


async def _named(call: Call[Any, Any, ModelPath]) -> Live2DModel:
    return await in_thread(call.neko.avatars.live2d.find, call.path.model)


async def _of_item(call: Call[Any, Any, ItemPath]) -> Live2DModel:
    return await in_thread(call.neko.avatars.live2d.of_item, call.path.item)


async def _config(model: Live2DModel) -> Config:
    return Config(config=await in_thread(live2d.read_config, model.config))


async def _set_config(model: Live2DModel, change: ConfigChange) -> Done:
    await in_thread(live2d.set_references, model, change.FileReferences.model_dump(exclude_none=True))
    return Done(message="stored")


def _address(call: Call[Any, Any, Any], model: Live2DModel) -> str:
    return mount_path(call.request.scope) + model.url


@contextmanager
def _answered_with_200() -> Iterator[None]:
    """N.E.K.O.'s pages look at ``success`` of these, not at the status."""
    try:
        yield
    except AvatarError as error:
        raise HTTPError(200, error.code, str(error), **error.params) from error


ENDPOINTS = (
    models,
    user_models,
    model_config,
    model_config_by_id,
    set_model_config,
    set_model_config_by_id,
    model_files,
    model_files_by_id,
    emotion_mapping,
    set_emotion_mapping,
    model_parameters,
    load_model_parameters,
    save_model_parameters,
    upload_model,
    upload_file,
    delete_model,
    rename_model,
    model_directory,
    open_model_directory,
)
