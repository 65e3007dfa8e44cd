"""Imports into memories: files are sent, what they would bring is told, then they are imported, cut short, taken back.

There is one import at a time. Whoever looks at it asks for it again while ``state`` is a working one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence, Set
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from starlette.datastructures import UploadFile

from neko.app.import_share import Share
from neko.app.imports import Import, State
from neko.i18n import describe
from neko.memory.import_files import Kind, Source
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.request_body import BodyFormat
from neko.web.request_language import request_language
from neko.web.routes.history import CharacterPath, known
from neko.web.schemas import Empty, Id, Schema, Success
from neko.web.upload import Upload, save_upload

LARGEST = 1 << 30
"""Bytes of the files of one import."""
_MOST_FILES = 200
_MOST_TOLD = 200


class FileShape(Schema):
    """``character`` is "" where the file does not say whose it is. ``unread`` entries are nothing that was said;
    ``damaged``: more was there than could be read. ``why`` tells what is wrong with a file of kind ``other``."""

    name: str
    kind: Literal["export", "markdown", "log", "recent", "settings", "facts", "chat", "other"]
    character: str
    unread: int
    damaged: bool
    why: Literal["", "not_memory", "empty", "too_large", "unreadable"]


class ShareShape(Schema):
    """What goes to one character. ``named`` is what the files call it, ``exists`` whether there is that character:
    else it is made. ``known`` of the ``lines`` are there already; earlier ``versions`` of replies are no lines. Of
    ``missing_pictures`` the file has only the names. ``first`` and ``last`` are ISO 8601, local time, ""
    without lines. ``number`` names the import among the changes, 0 before it has begun."""

    named: str
    character: str
    exists: bool
    lines: int
    known: int
    versions: int
    summaries: int
    settings: int
    facts: int
    pictures: int
    missing_pictures: int
    first: str
    last: str
    number: int


class ImportShape(Schema):
    """``state`` is "none" without an import; "reading", "running" and "taking_back" go on by themselves. ``done`` of
    ``total`` lines, which is 0 while it is not known."""

    state: Literal["none", "reading", "ready", "running", "done", "cancelled", "taking_back", "taken_back", "failed"]
    files: list[FileShape]
    more_files: int = 0
    shares: list[ShareShape]
    done: int = 0
    total: int = 0
    error: str = ""


class Sent(Schema):
    """``character``: to whom goes what does not say whose it is. ``modified``: when each file was changed last, in
    milliseconds since 1970."""

    character: str
    modified: list[float] = Field([], max_length=_MOST_FILES)


@post(
    "/api/memory_import",
    body=Sent,
    body_format=BodyFormat.MULTIPART,
    upload=Upload("files", LARGEST, max_files=_MOST_FILES),
    response=ImportShape,
    summary="Send files to import: exports, files of a memory of N.E.K.O., chats of SillyTavern and Open-LLM-VTuber, "
    "zip archives of them. Nothing is imported yet: the answer comes to tell what would be",
    failures={404: "There is no character of this name.", 409: "An import is running."},
)
async def send(call: Call[Sent, Empty, Empty]) -> ImportShape:
    imports, character = _free(call), known(call, call.body.character)
    async with imports.receiving() as workplace:
        files = [await _kept(file, workplace / "sent", number) for number, file in enumerate(call.files)]
        for (_, path), modified in zip(files, call.body.modified, strict=False):
            await in_thread(_date, path, modified / 1000)
        await imports.look(files, character)
    return _shape(call)


async def _kept(file: UploadFile, place: Path, number: int) -> tuple[str, Path]:
    parts = re.split(r"[/\\]+", file.filename or f"{number}")
    safe = [re.sub(r'[<>:"|?*\x00-\x1f]', "_", part)[-200:] for part in parts if part not in ("", ".", "..")]
    path = place.joinpath(*safe or [f"{number}"])
    try:
        await in_thread(_make_room, path)
    except FileExistsError:  # another one's name, or a folder's
        path = place / f".{number}" / path.name
        await in_thread(_make_room, path)
    await save_upload(file, path)
    return "/".join(safe), path


def _make_room(path: Path) -> None:
    """Make the folders of a file that is to come; raises ``FileExistsError`` where it has no place."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except NotADirectoryError as error:
        raise FileExistsError(str(path)) from error
    if path.exists():
        raise FileExistsError(str(path))


def _date(path: Path, modified: float) -> None:
    try:
        os.utime(path, (modified, modified))
    except (OSError, OverflowError, ValueError):
        return


@get("/api/memory_import", response=ImportShape, summary="The import, and how far it is")
async def state(call: Call) -> ImportShape:
    return _shape(call)


class Aim(Schema):
    """The character for what the files call so, "" for those that name none."""

    into: dict[str, str]


@post(
    "/api/memory_import/aim",
    body=Aim,
    response=ImportShape,
    summary="Let what the files call so go to another character, and tell anew what would come",
    failures={404: "There is no character of this name.", 409: "An import is running."},
)
async def aim(call: Call[Aim, Empty, Empty]) -> ImportShape:
    into = {named: known(call, character) for named, character in call.body.into.items()}
    if not await _free(call).aim(into) and call.neko.imports.is_busy:
        raise _busy()
    return _shape(call)


@post(
    "/api/memory_import/start",
    response=ImportShape,
    summary="Import what was told; a character that is not there is made",
    failures={400: "A name in the files cannot be that of a character.", 409: "There is nothing to import."},
)
async def start(call: Call) -> ImportShape:
    imports = _free(call)
    if imports.current and imports.current.state is State.READY:
        for share in imports.current.shares:
            if share.character not in call.neko.characters.names:
                await call.neko.characters.create(share.character, {}, beside_namesakes=True)
    if not await imports.begin():
        raise HTTPError(409, "nothing_to_import", "There is nothing to import: send the files again.")
    return _shape(call)


@post("/api/memory_import/cancel", response=ImportShape, summary="Cut the import short; what came stays")
async def cancel(call: Call) -> ImportShape:
    await call.neko.imports.cancel()
    return _shape(call)


@post("/api/memory_import/discard", response=Success, summary="Forget the import and the files that were sent")
async def discard(call: Call) -> Success:
    await call.neko.imports.discard()
    return Success()


class ImportNumber(Schema):
    number: Id


@post(
    "/api/memory_import/{character}/take_back",
    path=CharacterPath,
    body=ImportNumber,
    response=ImportShape,
    summary="Forget the lines of an import, in every layer",
    failures={404: "There is no character of this name.", 409: "An import is running."},
)
async def take_back(call: Call[ImportNumber, Empty, CharacterPath]) -> ImportShape:
    if not await _free(call).take_back(known(call, call.path.character), call.body.number):
        raise _busy()
    return _shape(call)


def _free(call: Call[Any, Any, Any]) -> Any:
    if call.neko.imports.is_busy:
        raise _busy()
    return call.neko.imports


def _busy() -> HTTPError:
    return HTTPError(409, "import_runs", "An import is running: wait for its end, or stop it.")


def _shape(call: Call[Any, Any, Any]) -> ImportShape:
    current: Import | None = call.neko.imports.current
    if current is None:
        return ImportShape(state="none", files=[], shares=[])
    names = set(call.neko.characters.names)
    told = sorted(current.sources, key=lambda one: one.kind is Kind.OTHER and not one.damaged)
    error = describe(current.error, request_language(call.request, call.neko)) if current.error else None
    return ImportShape(
        state=current.state.value,
        files=_files(told[:_MOST_TOLD]),
        more_files=max(len(told) - _MOST_TOLD, 0),
        shares=[_share(one, names) for one in current.shares],
        done=current.done,
        total=current.total,
        error=error.whole if error else "",
    )


def _files(sources: Sequence[Source]) -> list[FileShape]:
    return [
        FileShape(
            name=one.name,
            kind=one.kind.value,
            character=one.character,
            unread=one.unread,
            damaged=one.damaged,
            why=one.why,
        )
        for one in sources
    ]


def _share(one: Share, names: Set[str]) -> ShareShape:
    return ShareShape(
        named=one.named,
        character=one.character,
        exists=one.character in names,
        lines=one.lines,
        known=one.known,
        versions=one.versions,
        summaries=one.summaries,
        settings=one.settings,
        facts=one.facts,
        pictures=one.pictures,
        missing_pictures=one.missing_pictures,
        first=_iso(one.first),
        last=_iso(one.last),
        number=one.number,
    )


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


ENDPOINTS = (send, state, aim, start, cancel, discard, take_back)
