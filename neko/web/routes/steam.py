"""What needs Steam (``contract/rest.md`` §8, §9, §12): where it is not switched on, or cannot be asked, these calls say
so in the way that quiets the pages of N.E.K.O."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

from pydantic import Field, StrictInt, StringConstraints

from neko import i18n
from neko.app import Neko
from neko.app.publishing import VISIBILITIES, Wanted
from neko.app.steam import Steam
from neko.avatars.vrm import MODEL
from neko.settings.in_force import change_of
from neko.settings.registry import STEAM
from neko.steam.items import SteamItem
from neko.steam_errors import SteamError
from neko.tasks import in_thread, to_the_end
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.request_language import request_language
from neko.web.schemas import Done, Empty, Schema, Success
from neko.workshop import items
from neko.workshop.folder import WorkshopFolder

NO_STEAM: Final[Mapping[int, str]] = {503: "There is no Steam."}
_REFUSED: Final[Mapping[int, str]] = {**NO_STEAM, 500: "Steam says no."}
_LARGEST_ID: Final = 2**64 - 1

Words = Annotated[str, StringConstraints(strip_whitespace=True)]


class AchievementPath(Schema):
    name: str


class Played(Schema):
    seconds: int = Field(10, ge=0, le=86_400)


class PlayTime(Success):
    """Both in seconds."""

    totalPlayTime: int
    added: int
    warning: str = ""


class Achievement(Schema):
    name: str
    unlocked: bool


class Achievements(Schema):
    count: int
    achievements: list[Achievement]


class ItemPath(Schema):
    item: str


class State(Schema):
    """``EItemState``."""

    subscribed: bool
    legacyItem: bool
    installed: bool
    needsUpdate: bool
    downloading: bool
    downloadPending: bool
    isWorkshopItem: bool


class DownloadProgress(Schema):
    bytesDownloaded: int
    bytesTotal: int
    percentage: float


class SubscribedItem(Schema):
    """``timeAdded`` and ``timeUpdated`` in seconds since 1970; ``vrm``: paths of models for the mount ``/workshop``."""

    publishedFileId: str
    title: str
    description: str
    tags: list[str]
    state: State
    installedFolder: str | None
    fileSizeOnDisk: int
    downloadProgress: DownloadProgress
    timeAdded: int
    timeUpdated: int
    steamIDOwner: str = ""
    previewUrl: str = ""
    vrm: list[str] = Field(default=[])


class FailingState(Schema):
    subscribed: bool = True
    installed: bool = False
    downloading: bool = False
    needsUpdate: bool = False
    error: bool = True


class FailingItem(Schema):
    """One that Steam's servers do not tell of."""

    publishedFileId: str
    title: str
    description: str = ""
    state: FailingState = Field(default_factory=FailingState)
    error_message: str


class SubscribedItems(Success):
    items: list[SubscribedItem | FailingItem]
    total: int


class DetailedItem(Schema):
    """``timeCreated``, ``timeUpdated`` and ``timeAdded`` in seconds since 1970."""

    publishedFileId: int
    title: str
    description: str
    tags: list[str]
    state: State
    installedFolder: str | None
    fileSizeOnDisk: int
    downloadProgress: DownloadProgress
    timeCreated: int
    timeUpdated: int
    timeAdded: int
    previewImageUrl: str
    previewUrl: str
    fileUrl: str
    fileSize: int
    fileId: int
    previewFileId: int
    steamIDOwner: str


class ItemAnswer(Success):
    item: DetailedItem


class InstalledAt(Success):
    item_id: str
    installed: bool = True
    path: str
    full_path: str
    size_on_disk: int


class Unsubscription(Schema):
    item_id: StrictInt | Words


class NamedCharacters(Success):
    """``going`` came from the item; ``staying`` has a name of its cards, but is the user's own or the current one."""

    going: list[str]
    staying: list[str]


class Unsubscribed(Done):
    """``characters`` are those who are deleted; ``staying`` as in ``NamedCharacters``."""

    status: str = "accepted"
    characters: list[str]
    staying: list[str]


class Publication(Schema):
    """``visibility``: 0 everybody, 1 friends, 2 nobody; what is none of these is for everybody."""

    title: Words = Field(min_length=1, max_length=128)
    content_folder: Words = Field(min_length=1, max_length=4000)
    visibility: int
    preview_image: Words = Field("", max_length=4000)
    description: str = Field("", max_length=8000)
    tags: list[Annotated[Words, Field(min_length=1, max_length=255, pattern="^[^,]*$")]] = Field(
        default=[], max_length=50
    )
    change_note: str = Field("", max_length=8000)
    character_card_name: Words = Field("", max_length=200)


class PublishedItem(Done):
    published_file_id: int
    needs_agreement: bool


class PublishingState(Schema):
    """``step`` is "" while nothing is published; ``done`` of ``total`` bytes, 0 while Steam does not tell."""

    step: str
    folder: str
    done: int
    total: int


class Switch(Success):
    """``on``: it is asked; that may be in vain."""

    on: bool


class SwitchChange(Schema):
    on: bool


def _steam(neko: Neko) -> Steam:
    if not neko.steam.is_on:
        raise HTTPError(503, "no_steam", "Neko runs without Steam.")
    return neko.steam


@get("/api/steam/client", response=Switch, summary="Whether Steam's client is asked")
async def client(call: Call) -> Switch:
    return Switch(on=call.neko.steam.is_on)


@post(
    "/api/steam/client",
    body=SwitchChange,
    response=Switch,
    summary="Ask Steam's client from now on, or no longer",
    failures={409: "The environment decides this, or the disk refuses."},
)
async def switch_client(call: Call[SwitchChange]) -> Switch:
    if call.neko.config.in_force.is_pinned(STEAM):
        raise HTTPError(409, "pinned", f"{STEAM.environment[0]} decides this.")
    await call.neko.config.change(change_of(STEAM, call.body.on))
    return Switch(on=call.neko.steam.is_on)


# ── what the user has done ─────────────────────────────────────────────────────


@post(
    "/api/steam/update-playtime",
    body=Played,
    response=PlayTime,
    failures=_REFUSED,
    invalid_status=400,
    needs=_steam,
    summary="Add to the time that Steam has as played",
)
async def update_playtime(call: Call[Played]) -> PlayTime:
    total, is_kept = await call.neko.steam.play(call.body.seconds)
    warning = "" if is_kept else await _sentence(call, "steam_not_kept")
    return PlayTime(totalPlayTime=total, added=call.body.seconds, warning=warning)


@post(
    "/api/steam/set-achievement-status/{name}",
    path=AchievementPath,
    response=Done,
    failures=_REFUSED,
    needs=_steam,
    summary="Give the user one of the app's achievements",
)
async def set_achievement_status(call: Call[Empty, Empty, AchievementPath]) -> Done:
    await call.neko.steam.unlock(call.path.name)
    return Done(message="kept")


@get(
    "/api/steam/list-achievements",
    response=Achievements,
    failures={500: "There is no Steam."},
    summary="The app's achievements, and which of them the user has",
)
async def list_achievements(call: Call) -> Achievements:
    if not call.neko.steam.is_on:
        raise HTTPError(500, "no_steam", "Neko runs without Steam.")
    try:
        found = await call.neko.steam.achievements()
    except SteamError as error:
        raise HTTPError(500, error.code, str(error), **error.params) from error
    return Achievements(count=len(found), achievements=[Achievement(**one) for one in found])


# ── items ──────────────────────────────────────────────────────────────────────


@get(
    "/api/steam/workshop/subscribed-items",
    response=SubscribedItems,
    failures=NO_STEAM,
    needs=_steam,
    summary="The items of the Workshop that the user is subscribed to",
)
async def subscribed_items(call: Call) -> SubscribedItems:
    found = await call.neko.steam.subscribed()
    shapes = await in_thread(lambda: [_shape(one, call.neko.workshop) for one in found])
    return SubscribedItems(items=shapes, total=len(shapes))


@get(
    "/api/steam/workshop/item/{item}",
    path=ItemPath,
    response=ItemAnswer,
    failures={**NO_STEAM, 400: "It is no number of an item.", 404: "Steam knows no such item."},
    needs=_steam,
    summary="One item of the Workshop",
)
async def item(call: Call[Empty, Empty, ItemPath]) -> ItemAnswer:
    found = await _item(call)
    return ItemAnswer(item=await in_thread(_detailed, found))


@get(
    "/api/steam/workshop/item/{item}/path",
    path=ItemPath,
    response=InstalledAt,
    failures={**NO_STEAM, 400: "It is no number of an item.", 404: "It is not installed."},
    needs=_steam,
    summary="Where an item is installed",
)
async def item_path(call: Call[Empty, Empty, ItemPath]) -> InstalledAt:
    found = await _item(call)
    if found.folder is None:
        raise HTTPError(404, "steam_item_absent", "It is not installed.", item=str(found.id))
    folder = str(found.folder)
    return InstalledAt(item_id=str(found.id), path=folder, full_path=folder, size_on_disk=found.size)


@get(
    "/api/steam/workshop/item/{item}/characters",
    path=ItemPath,
    response=NamedCharacters,
    failures={**NO_STEAM, 400: "It is no number of an item.", 404: "Steam knows no such item."},
    needs=_steam,
    summary="The characters that an item's cards name: who would go with it, and who would stay",
)
async def item_characters(call: Call[Empty, Empty, ItemPath]) -> NamedCharacters:
    named = await call.neko.steam.named(await _item(call), call.neko.characters)
    return NamedCharacters(going=list(named.going), staying=list(named.staying))


@post(
    "/api/steam/workshop/unsubscribe",
    body=Unsubscription,
    response=Unsubscribed,
    failures={**_REFUSED, 400: "It is no number of an item."},
    invalid_status=400,
    needs=_steam,
    summary="End a subscription; the item's folder goes, and the characters that came from it, but for the current one",
)
async def unsubscribe(call: Call[Unsubscription]) -> Unsubscribed:
    number = _number(str(call.body.item_id))
    named = await to_the_end(call.neko.steam.unsubscribe(number, call.neko.characters))
    return Unsubscribed(message="accepted", characters=list(named.going), staying=list(named.staying))


@post(
    "/api/steam/workshop/publish",
    body=Publication,
    response=PublishedItem,
    failures={
        **_REFUSED,
        400: "Something in the request is missing or cannot be published.",
        403: "The path leads out of the folder of items.",
        404: "There is nothing there.",
    },
    invalid_status=400,
    needs=_steam,
    summary="Publish a folder as an item, or anew as the item that it is; one at a time",
)
async def publish(call: Call[Publication]) -> PublishedItem:
    wanted = call.body
    published = await call.neko.steam.publishing.publish(
        Wanted(
            title=wanted.title,
            folder=wanted.content_folder,
            visibility=wanted.visibility if wanted.visibility in VISIBILITIES else 0,
            preview=wanted.preview_image,
            description=wanted.description,
            tags=tuple(wanted.tags),
            note=wanted.change_note,
            card=wanted.character_card_name,
        )
    )
    sentence = await _sentence(call, "steam_published" if published.agreed else "steam_agreement")
    return PublishedItem(message=sentence, published_file_id=published.item, needs_agreement=not published.agreed)


@get(
    "/api/steam/workshop/publishing",
    response=PublishingState,
    failures=NO_STEAM,
    needs=_steam,
    summary="How far the publishing of an item is",
)
async def publishing(call: Call) -> PublishingState:
    progress = call.neko.steam.publishing.progress
    if progress is None:
        return PublishingState(step="", folder="", done=0, total=0)
    return PublishingState(step=progress.step, folder=str(progress.folder), done=progress.done, total=progress.total)


# ── shared ─────────────────────────────────────────────────────────────────────


async def _item(call: Call[Empty, Empty, ItemPath]) -> SteamItem:
    number = _number(call.path.item)
    found = await call.neko.steam.item(number)
    if found is None:
        raise HTTPError(404, "steam_unknown_item", "Steam knows no such item.", item=str(number))
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 20 and 0 < int(text) <= _LARGEST_ID):
        raise HTTPError(400, "steam_item_number", "It is no number of an item.")
    return int(text)


async def _sentence(call: Call[Any, Any, Any], code: str) -> str:
    language = request_language(call.request, call.neko)
    await in_thread(i18n.load, language)
    notice = i18n.notice(code, language)
    return " ".join(filter(None, (notice.text, notice.remedy)))


def _shape(item: SteamItem, workshop: WorkshopFolder) -> SubscribedItem | FailingItem:
    """Blocks: looks for the item's picture and models."""
    if item.fault:
        return FailingItem(publishedFileId=str(item.id), title=str(item.id), error_message=item.fault)
    return SubscribedItem(
        publishedFileId=str(item.id),
        vrm=[workshop.shown(path.resolve()) for path in items.files_in(item.folder, [MODEL])] if item.folder else [],
        **_told_of_both(item),
    )


def _detailed(item: SteamItem) -> DetailedItem:
    """Blocks: looks for the item's picture."""
    details = item.details
    return DetailedItem(
        publishedFileId=item.id,
        timeCreated=details.created if details else 0,
        previewImageUrl=details.picture if details else "",
        fileUrl=details.url if details else "",
        fileSize=details.size if details else item.size,
        fileId=details.file if details else 0,
        previewFileId=details.preview_file if details else 0,
        **_told_of_both(item),
    )


def _told_of_both(item: SteamItem) -> dict[str, Any]:
    """What an item in the list and one by itself are told with."""
    details = item.details
    return {
        "title": details.title if details else str(item.id),
        "description": details.description if details else "",
        "tags": list(details.tags) if details else [],
        "state": State(**item.state),
        "installedFolder": str(item.folder) if item.folder else None,
        "fileSizeOnDisk": item.size,
        "downloadProgress": _progress(item),
        "timeAdded": details.added if details else 0,
        "timeUpdated": details.updated if details else item.installed,
        "steamIDOwner": details.owner if details else "",
        "previewUrl": _preview(item.folder),
    }


def _progress(item: SteamItem) -> DownloadProgress:
    percentage = round(100 * item.loaded / item.total, 1) if item.total else 0.0
    return DownloadProgress(bytesDownloaded=item.loaded, bytesTotal=item.total, percentage=percentage)


def _preview(folder: Path | None) -> str:
    found = items.preview_in(folder) if folder and folder.is_dir() else None
    return f"/api/steam/proxy-image?image_path={quote(str(found), safe='')}" if found else ""


ENDPOINTS = (
    client,
    switch_client,
    update_playtime,
    set_achievement_status,
    list_achievements,
    subscribed_items,
    item,
    item_path,
    item_characters,
    unsubscribe,
    publish,
    publishing,
)
