"""The recent windows as files, and the switch of the review: what N.E.K.O.'s page of memories asks."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field

from neko.hand_written import decoded
from neko.memory.line_codec import parse
from neko.memory_files import recent_name
from neko.settings.registry import MEMORY_REVIEW
from neko.tasks import in_thread
from neko.types.memory import RecentEntry
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.routes.history import known, manager_of
from neko.web.schemas import Empty, Schema, Success

_FILE = re.compile(r"recent_(.+)\.json")


class Files(Schema):
    files: list[str]


@get("/api/memory/recent_files", response=Files, summary="The files of the recent windows")
async def recent_files(call: Call) -> Files:
    return Files(files=await in_thread(_names, call.neko.folder.memory))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("recent*.json") if path.is_file())


class FileQuery(Schema):
    filename: str


class FileContent(Schema):
    """``content`` is the text of the file."""

    content: str


@get(
    "/api/memory/recent_file",
    query=FileQuery,
    response=FileContent,
    summary="What stands in the file of a recent window",
    failures={400: "It is no such file's name.", 404: "There is no such file."},
)
async def recent_file(call: Call[Empty, FileQuery, Empty]) -> FileContent:
    path = call.neko.folder.memory / recent_name(_character(call.query.filename))
    try:
        return FileContent(content=decoded(await in_thread(path.read_bytes), "replace"))
    except OSError as error:
        raise HTTPError(404, "no_file", "There is no such file.") from error


class Entry(Schema):
    role: str
    text: str = Field("", max_length=200_000)


class Edited(Schema):
    """The whole window, the oldest entry first."""

    filename: str
    chat: list[Entry] = Field(max_length=10_000)


class Saved(Success):
    need_refresh: bool = True
    catgirl_name: str


@post(
    "/api/memory/recent_file/save",
    body=Edited,
    response=Saved,
    summary="Replace a recent window; a session that runs begins anew with it",
    invalid_status=400,
    failures={400: "It is no such file's name, or an entry is by nobody.", 404: "There is no such character."},
)
async def save(call: Call[Edited, Empty, Empty]) -> Saved:
    name = known(call, _character(call.body.filename))
    entries = [parse(entry.model_dump()) for entry in call.body.chat]
    if None in entries:
        raise HTTPError(400, "bad_history", "This is no list of messages with a role and a content.")
    await call.neko.memory.rewrite_recent(name, [RecentEntry(entry.role, entry.text) for entry in entries if entry])
    call.neko.memory.cancel_review(name)
    manager_of(call, name).begin_anew()
    return Saved(catgirl_name=name)


class ReviewConfig(Schema):
    enabled: bool


class ReviewSet(Success):
    enabled: bool


@get("/api/memory/review_config", response=ReviewConfig, summary="Whether recent windows are tidied up by themselves")
async def review_config(call: Call) -> ReviewConfig:
    return ReviewConfig(enabled=call.neko.config.in_force.get(MEMORY_REVIEW))


@post("/api/memory/review_config", body=ReviewConfig, response=ReviewSet, summary="Switch that on or off")
async def set_review_config(call: Call[ReviewConfig, Empty, Empty]) -> ReviewSet:
    await call.neko.config.change({MEMORY_REVIEW.name: call.body.enabled})
    return ReviewSet(enabled=call.neko.config.in_force.get(MEMORY_REVIEW))


def _character(file: str) -> str:
    match = _FILE.fullmatch(file)
    if match is None or ".." in file or re.search(r"[/\\]", file):
        raise HTTPError(400, "file_name", "This is not the name of a recent window.")
    return match[1]


ENDPOINTS = (recent_files, recent_file, save, review_config, set_review_config)
