"""Folders of Steam's Workshop on this computer: what is in them, and what is to be published (``contract/rest.md`` §8).

None of these calls needs Steam; those that do are in ``steam``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field
from starlette.responses import Response

from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError, json_response
from neko.web.request_body import BodyFormat
from neko.web.schemas import Done, Empty, Schema, Success
from neko.web.upload import Upload
from neko.workshop import items, publishing
from neko.workshop.folder import WorkshopFolder
from neko.workshop.items import CARD, Item
from neko.workshop_errors import WorkshopError

_PICTURE_LIMIT = 10 << 20
_CARD_LIMIT = 4 << 20
_UPLOADED = "已上传 · already published"
"""N.E.K.O.'s page looks for the first word."""
_BAD_PATHS: Mapping[int, str] = {403: "The path leads out of the folder of items.", 404: "There is nothing there."}


class WorkshopConfig(Schema):
    """Unknown keys of the file are kept and told."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    default_workshop_folder: str
    auto_create_folder: bool


class WorkshopConfigAnswer(Success):
    config: WorkshopConfig


class WorkshopConfigChange(Schema):
    default_workshop_folder: str | None = Field(None, max_length=4000)
    auto_create_folder: bool | None = None
    user_mod_folder: str | None = Field(None, max_length=4000)


class Scan(Schema):
    folder_path: str = ""


class LocalItem(Schema):
    """``title``: what the card or model in it is called; ``name`` is the folder's. ``lastModified`` in seconds since
    1970, ``size`` in bytes; ``previewImage`` is a path for the picture route, and ``vrm`` are paths of models for the
    mount ``/workshop``."""

    id: str
    source: str = "local"
    name: str
    title: str
    path: str
    lastModified: int
    size: int
    tags: list[str] = Field(default=[])
    previewImage: str | None
    vrm: list[str]


class LocalItems(Success):
    local_items: list[LocalItem]
    published_items: list[LocalItem]
    folder_path: str
    default_path_used: bool


class ItemNumber(Schema):
    item: str


class LocalItemAnswer(Success):
    item: LocalItem


class ItemQuery(Schema):
    item_path: str = Field(min_length=1)


class Uploaded(Success):
    is_published: bool
    published_file_id: str | None


class PathQuery(Schema):
    path: str = Field(min_length=1)


class Content(Success):
    """``content`` is base64 when ``is_binary``."""

    content: str
    is_binary: bool


class DirectoryQuery(Schema):
    directory: str = ""


class ListedFile(Schema):
    name: str
    path: str


class ListedFiles(Success):
    files: list[ListedFile]


class ListedAudio(ListedFile):
    """``prefix``: what a voice made of it may be called."""

    prefix: str


class ListedAudios(Success):
    files: list[ListedAudio]


class CardPath(Schema):
    card: str


class CardMeta(Success):
    has_uploaded: bool
    meta: dict[str, Any] | None


class Preparation(Schema):
    """``model_type``: of which kind the model of this name is."""

    charaData: dict[str, Any]
    modelName: str = Field(min_length=1, max_length=200)
    model_type: Literal["live2d", "vrm"] = "live2d"
    fileName: str = Field("character.chara.json", max_length=200)
    character_card_name: str = Field("", max_length=200)


class Prepared(Done):
    temp_folder: str
    item_id: str
    workshop_item_id: str | None = None


class AlreadyPublished(Schema):
    success: bool = False
    error: str
    message: str
    code: str = "workshop_published"
    workshop_item_id: str


class CleanUp(Schema):
    temp_folder: str = Field(min_length=1)


class PreviewFolder(Schema):
    content_folder: str = ""


class Preview(Done):
    file_path: str


@get("/api/steam/workshop/config", response=WorkshopConfigAnswer, summary="Where the items of the Workshop are")
async def config(call: Call) -> WorkshopConfigAnswer:
    folder = call.neko.workshop
    return WorkshopConfigAnswer(config=WorkshopConfig(**await in_thread(lambda: folder.config)))


@post(
    "/api/steam/workshop/config",
    body=WorkshopConfigChange,
    response=WorkshopConfigAnswer,
    summary="Choose where the items of the Workshop are; null takes a choice back",
    failures={400: "It cannot be a folder.", 403: "The folder holds private files."},
)
async def set_config(call: Call[WorkshopConfigChange]) -> WorkshopConfigAnswer:
    changed = await in_thread(call.neko.workshop.set, call.body.model_dump(exclude_unset=True))
    return WorkshopConfigAnswer(config=WorkshopConfig(**changed))


@post(
    "/api/steam/workshop/local-items/scan",
    body=Scan,
    response=LocalItems,
    summary="The items that are on this computer, a folder each",
    failures=_BAD_PATHS,
)
async def scan(call: Call[Scan]) -> LocalItems:
    folder, found = await in_thread(_scanned, call, call.body.folder_path)
    return LocalItems(
        local_items=found,
        published_items=[],
        folder_path=str(folder),
        default_path_used=not call.body.folder_path.strip(),
    )


@get(
    "/api/steam/workshop/local-items/{item}",
    path=ItemNumber,
    query=Scan,
    response=LocalItemAnswer,
    summary="One of the items that are on this computer",
    failures=_BAD_PATHS,
)
async def local_item(call: Call[Empty, Scan, ItemNumber]) -> LocalItemAnswer:
    _, found = await in_thread(_scanned, call, call.query.folder_path)
    for one in found:
        if one.id == call.path.item:
            return LocalItemAnswer(item=one)
    raise HTTPError(404, "workshop_missing", "There is no such item.", path=call.path.item[:200])


def _scanned(call: Call[Any, Any, Any], path: str) -> tuple[Path, list[LocalItem]]:
    workshop = call.neko.workshop
    folder = workshop.folder(path) if path.strip() else workshop.root
    return folder, [_shape(number, one, workshop) for number, one in enumerate(items.items_in(folder), 1)]


def _shape(number: int, item: Item, workshop: WorkshopFolder) -> LocalItem:
    return LocalItem(
        id=f"local_{number}",
        name=item.path.name,
        title=item.title,
        path=str(item.path),
        lastModified=item.modified,
        size=item.size,
        previewImage=workshop.shown(item.preview.resolve()) if item.preview else None,
        vrm=[workshop.shown(path.resolve()) for path in item.vrm],
    )


@get(
    "/api/steam/workshop/check-upload-status",
    query=ItemQuery,
    response=Uploaded,
    summary="Whether an item was published from here, and as which number",
    failures=_BAD_PATHS,
    invalid_status=400,
)
async def check_upload_status(call: Call[Empty, ItemQuery]) -> Uploaded:
    number = await in_thread(lambda: items.published_as(call.neko.workshop.folder(call.query.item_path)))
    return Uploaded(is_published=number is not None, published_file_id=number)


@get(
    "/api/steam/workshop/read-file",
    query=PathQuery,
    response=Content,
    summary="A card, text, sound or picture of an item, up to 5 MB",
    failures={**_BAD_PATHS, 400: "It is another kind of file.", 413: "It is too large."},
)
async def read_file(call: Call[Empty, PathQuery]) -> Content:
    content, is_binary = await in_thread(lambda: items.content_of(call.neko.workshop.file(call.query.path)))
    return Content(content=content, is_binary=is_binary)


@get(
    "/api/steam/workshop/list-chara-files",
    query=DirectoryQuery,
    response=ListedFiles,
    summary="The cards in a folder of items",
    failures=_BAD_PATHS,
)
async def list_chara_files(call: Call[Empty, DirectoryQuery]) -> ListedFiles:
    found = await in_thread(lambda: items.files_in(call.neko.workshop.folder(call.query.directory), [CARD]))
    return ListedFiles(files=[ListedFile(name=path.name, path=str(path)) for path in found])


@get(
    "/api/steam/workshop/list-audio-files",
    query=DirectoryQuery,
    response=ListedAudios,
    summary="The recordings of voices in a folder of items",
    failures=_BAD_PATHS,
)
async def list_audio_files(call: Call[Empty, DirectoryQuery]) -> ListedAudios:
    found = await in_thread(lambda: items.files_in(call.neko.workshop.folder(call.query.directory), items.AUDIO))
    return ListedAudios(
        files=[ListedAudio(name=one.name, path=str(one), prefix=items.voice_prefix(one)) for one in found]
    )


@get(
    "/api/steam/workshop/meta/{card}",
    path=CardPath,
    response=CardMeta,
    summary="What is known of the upload of a card",
    failures={400: "No card can be called so."},
)
async def meta(call: Call[Empty, Empty, CardPath]) -> CardMeta:
    found = await in_thread(publishing.meta_of, call.neko.folder.path / "character_cards", call.path.card)
    return CardMeta(has_uploaded=bool(found and found.get("workshop_item_id")), meta=found)


@post(
    "/api/steam/workshop/prepare-upload",
    body=Preparation,
    body_limit=_CARD_LIMIT,
    response=Prepared,
    summary="Make a folder of a card and its model that is ready to be published",
    invalid_status=400,
    failures={400: "A name cannot be, or the card is published already.", 404: "There is no model of this name."},
)
async def prepare_upload(call: Call[Preparation]) -> Prepared | Response:
    neko, wanted = call.neko, call.body
    name = wanted.character_card_name or str(wanted.charaData.get("name") or wanted.charaData.get("档案名") or "")
    known = await in_thread(publishing.meta_of, neko.folder.path / "character_cards", name) if name else None
    if known and known.get("workshop_item_id"):
        number = str(known["workshop_item_id"])
        return json_response(AlreadyPublished(error=_UPLOADED, message=_UPLOADED, workshop_item_id=number), 400)
    if wanted.model_type == "vrm":
        model = (await in_thread(neko.avatars.vrm.find, wanted.modelName)).path
    else:
        model = (await in_thread(neko.avatars.live2d.find, wanted.modelName)).folder
    folder = await in_thread(publishing.prepare, neko.workshop.root, wanted.charaData, wanted.fileName, model)
    return Prepared(message="prepared", temp_folder=str(folder), item_id=folder.name)


@post(
    "/api/steam/workshop/cleanup-temp-folder",
    body=CleanUp,
    response=Done,
    summary="Delete a folder that was made to be published",
    invalid_status=400,
    failures=_BAD_PATHS,
)
async def cleanup_temp_folder(call: Call[CleanUp]) -> Done:
    workshop = call.neko.workshop
    await in_thread(lambda: publishing.clean_up(workshop.root, workshop.own_folder(call.body.temp_folder)))
    return Done(message="deleted")


@post(
    "/api/steam/workshop/upload-preview-image",
    body=PreviewFolder,
    body_format=BodyFormat.MULTIPART,
    upload=Upload("file", _PICTURE_LIMIT),
    response=Preview,
    summary="Give an item its picture: PNG or JPEG, up to 10 MB",
    invalid_status=400,
    failures={**_BAD_PATHS, 400: "It is no such picture.", 413: "It is too large."},
)
async def upload_preview_image(call: Call[PreviewFolder]) -> Preview:
    content = await call.files[0].read()
    place = call.body.content_folder

    def keep() -> Path:
        workshop = call.neko.workshop
        return publishing.keep_preview(workshop.root, content, workshop.own_folder(place) if place.strip() else None)

    return Preview(message="stored", file_path=str(await in_thread(keep)))


# ── pictures and files for the pages ───────────────────────────────────────────


class ExistsQuery(Schema):
    path: str = Field(min_length=1)


class Exists(Schema):
    exists: bool


class FolderQuery(Schema):
    folder: str = Field(min_length=1)


class FirstImage(Success):
    imagePath: str


class ImageQuery(Schema):
    image_path: str = Field(min_length=1)


class Image(Schema):
    """The bytes of the picture."""


@get(
    "/api/file-exists",
    query=ExistsQuery,
    response=Exists,
    summary="Whether a file of an item is there",
    invalid_status=400,
)
async def file_exists(call: Call[Empty, ExistsQuery]) -> Exists:
    try:
        await in_thread(call.neko.workshop.inside, call.query.path)
    except WorkshopError:
        return Exists(exists=False)
    return Exists(exists=True)


@get(
    "/api/find-first-image",
    query=FolderQuery,
    response=FirstImage,
    summary="The picture that stands for an item, as a path for the picture route",
    invalid_status=400,
    failures={200: "There is no picture.", 403: "The path leads out of the folder of items."},
)
async def find_first_image(call: Call[Empty, FolderQuery]) -> FirstImage:
    def look() -> str:
        workshop = call.neko.workshop
        found = items.preview_in(workshop.folder(call.query.folder))
        if found is None:
            raise HTTPError(200, "workshop_missing", "There is no picture.", path=call.query.folder[:200])
        return workshop.shown(found)

    try:
        return FirstImage(imagePath=await in_thread(look))
    except WorkshopError as error:
        status = 403 if error.code == "workshop_outside" else 200
        raise HTTPError(status, error.code, str(error), **error.params) from error


@get(
    "/api/steam/proxy-image",
    query=ImageQuery,
    response=Image,
    produces="image/*",
    summary="A picture of an item, up to 50 MB",
    failures={**_BAD_PATHS, 400: "It is no picture on this computer.", 413: "It is too large."},
)
async def proxy_image(call: Call[Empty, ImageQuery]) -> Response:
    if "://" in call.query.image_path or call.query.image_path.startswith("//"):
        raise HTTPError(400, "workshop_picture", "Only pictures on this computer are shown.")
    content, kind = await in_thread(lambda: items.picture_of(call.neko.workshop.file(call.query.image_path)))
    headers = {"cache-control": "no-cache", "content-security-policy": "sandbox; default-src 'none'"}
    return Response(content, headers=headers, media_type=kind)


ENDPOINTS = (
    config,
    set_config,
    scan,
    local_item,
    check_upload_status,
    read_file,
    list_chara_files,
    list_audio_files,
    meta,
    prepare_upload,
    cleanup_temp_folder,
    upload_preview_image,
    file_exists,
    find_first_image,
    proxy_image,
)
