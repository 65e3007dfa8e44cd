"""What was said, page by page, from the verbatim log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from neko.app.export import exported
from neko.i18n import sentence
from neko.sessions.manager import SessionManager
from neko.types.lines import Line
from neko.types.memory import InChats
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.request_language import request_language
from neko.web.schemas import Empty, Id, Schema, Success
from neko.web.wire import moment_of
from neko.well_formed import well_formed


class CharacterPath(Schema):
    character: str


class HistoryQuery(Schema):
    """``before`` and ``after`` are exclusive line ids; ``chat`` is the number of one, the open one by default."""

    before: int | None = Field(None, ge=0)
    after: int | None = Field(None, ge=0)
    limit: int = Field(50, ge=1, le=500)
    chat: Id | None = None


class RemarkShape(Schema):
    """Something to know of a reply: ``code`` names a sentence in ``/api/languages``."""

    code: str
    params: dict[str, str | int | float]


class ElsewhereShape(Schema):
    """A line of the log of another character, who had this name then."""

    character: str
    id: int


class LineShape(Schema):
    """``at`` is ISO 8601 with its offset, "" where nobody knows it; ``images`` is how many pictures came with it;
    ``replaces`` is the id of the version of a reply that counted before this one; ``recalled`` are the lines that
    memory told the model of for it, ``recalled_elsewhere`` those that were said to others."""

    id: int
    role: Literal["user", "assistant", "system"]
    speaker: str
    text: str
    at: str
    status: Literal["complete", "interrupted", "failed", "replaced"]
    turn_id: str
    client_id: str | None
    images: int
    chat: int
    replaces: int | None
    pictures: list[str]
    remark: RemarkShape | None
    recalled: list[int]
    recalled_elsewhere: list[ElsewhereShape]


class History(Schema):
    """Oldest first; ``has_more`` looks in the direction that was asked for; ``chat`` is the one they are of."""

    lines: list[LineShape]
    has_more: bool
    chat: int


@get(
    "/api/history/{character}",
    path=CharacterPath,
    query=HistoryQuery,
    response=History,
    summary="A page of the conversation",
    failures={404: "There is no character of this name."},
)
async def history(call: Call[Empty, HistoryQuery, CharacterPath]) -> History:
    character, query = _known(call), call.query
    memory = call.neko.memory
    chat = await memory.open_chat(character) if query.chat is None else query.chat
    lines = await memory.lines(character, before=query.before, after=query.after, limit=query.limit + 1, chat=chat)
    more = len(lines) > query.limit
    if more:
        lines = lines[1:] if query.after is None else lines[:-1]
    return History(lines=[line_shape(line, character) for line in lines], has_more=more, chat=chat)


def line_shape(line: Line, character: str) -> LineShape:
    """A line as the page gets it; hers under the name that the ``character`` has, whatever it was then."""
    return LineShape(
        id=line.id,
        role=line.role,
        speaker=character if line.role == "assistant" else line.speaker,
        text=line.text,
        at=moment_of(line),
        status=line.status,
        turn_id=line.turn_id,
        client_id=line.client_id,
        images=line.images,
        chat=line.chat,
        replaces=line.replaces,
        pictures=list(line.pictures),
        remark=RemarkShape(code=line.remark.code, params=dict(line.remark.params)) if line.remark else None,
        recalled=list(line.recalled),
        recalled_elsewhere=[ElsewhereShape(character=one.character, id=one.id) for one in line.recalled_elsewhere],
    )


class Found(Schema):
    """``incomplete`` says in a sentence that not all could be searched yet; empty when all was."""

    lines: list[LineShape]
    has_more: bool
    incomplete: str


class PicturePath(CharacterPath):
    """``file``: as a line names it."""

    file: str


@get(
    "/api/history/{character}/pictures/{file}",
    path=PicturePath,
    response=Empty,
    produces="image/jpeg",
    summary="A picture that came with words; no cache keeps it, so that with its line it is gone",
    failures={404: "There is no such picture, or no longer."},
)
async def picture(call: Call[Empty, Empty, PicturePath]) -> Response:
    content = await call.neko.memory.picture(known(call, call.path.character), call.path.file)
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type="image/jpeg", headers={"cache-control": "private, no-store"})


class SearchQuery(Schema):
    """``before``: an exclusive line id."""

    q: str = Field("", max_length=200)
    before: int | None = Field(None, ge=0)
    limit: int = Field(30, ge=1, le=200)


@get(
    "/api/history/{character}/search",
    path=CharacterPath,
    query=SearchQuery,
    response=Found,
    summary="The lines that hold all of these words, newest first",
    failures={404: "There is no character of this name."},
)
async def search(call: Call[Empty, SearchQuery, CharacterPath]) -> Found:
    character, query = _known(call), call.query
    found = await call.neko.memory.find(character, well_formed(query.q), limit=query.limit + 1, before=query.before)
    incomplete = await said_of_index(call, character)
    lines = [line_shape(line, character) for line in found[: query.limit]]
    return Found(lines=lines, has_more=len(found) > query.limit, incomplete=incomplete)


async def said_of_index(call: Call[Any, Any, Any], character: str) -> str:
    """That not all of a memory can be searched yet; empty when all can."""
    reached = await call.neko.memory.indexing(character)
    if reached is None:
        return ""
    words = sentence("recalled.incomplete", request_language(call.request, call.neko))
    return words.format(done=reached[0], total=reached[1])


class ExportQuery(Schema):
    """``chat``: of which one, of all by default."""

    chat: Id | None = None
    form: Literal["markdown", "json"] = "markdown"


@get(
    "/api/history/{character}/export",
    path=CharacterPath,
    query=ExportQuery,
    response=Empty,
    produces="application/json, text/markdown",
    summary="All that she remembers, or one chat, as a file: JSON to be imported as it was, Markdown to be read",
    failures={404: "There is no character of this name."},
)
async def export(call: Call[Empty, ExportQuery, CharacterPath]) -> Response:
    character, form = _known(call), call.query.form
    media_type, ending = ("text/markdown", "md") if form == "markdown" else ("application/json", "json")
    name = quote(f"{character} {datetime.now():%Y-%m-%d}.{ending}")
    return StreamingResponse(
        exported(call.neko.memory, character, form, InChats.ALL if call.query.chat is None else call.query.chat),
        media_type=f"{media_type}; charset=utf-8",
        headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"},
    )


class Deletion(Schema):
    """Ids of lines. ``may_be_undone``: by ``undo_edit``, for half a minute."""

    ids: list[Id] = Field(min_length=1, max_length=200)
    may_be_undone: bool = False


class Edit(Schema):
    """``client_id``: of the words that were sent instead of what was deleted."""

    client_id: str = Field(min_length=1, max_length=200)


class Deleted(Success):
    ids: list[int]


@post(
    "/api/history/{character}/delete",
    path=CharacterPath,
    body=Deletion,
    response=Deleted,
    summary="Delete lines for good, with the earlier versions of replies among them",
    failures={404: "There is no character of this name."},
)
async def delete(call: Call[Deletion, Empty, CharacterPath]) -> Deleted:
    manager = manager_of(call, call.path.character)
    return Deleted(ids=await manager.edits.delete_lines(call.body.ids, may_be_undone=call.body.may_be_undone))


@post(
    "/api/history/{character}/undo_edit",
    path=CharacterPath,
    body=Edit,
    response=Success,
    summary="Bring back what was deleted last to be written anew; what was said instead goes",
    failures={404: "There is no character of this name.", 409: "It is too late."},
)
async def undo_edit(call: Call[Edit, Empty, CharacterPath]) -> Success:
    if not await manager_of(call, call.path.character).edits.undo_edit(call.body.client_id):
        raise HTTPError(409, "undo_too_late", "This cannot be undone any more.")
    return Success()


class VersionsQuery(Schema):
    """``line``: the id of the reply."""

    line: Id


class Versions(Schema):
    """In the order in which they were said."""

    lines: list[LineShape]


@get(
    "/api/history/{character}/versions",
    path=CharacterPath,
    query=VersionsQuery,
    response=Versions,
    summary="A reply and the versions that it replaced",
    failures={404: "There is no character of this name."},
)
async def versions(call: Call[Empty, VersionsQuery, CharacterPath]) -> Versions:
    found = await call.neko.memory.versions(_known(call), call.query.line)
    return Versions(lines=[line_shape(line, call.path.character) for line in found])


class Choice(Schema):
    """The id of a version."""

    line: Id


class Chosen(Success):
    line: LineShape


@post(
    "/api/history/{character}/versions",
    path=CharacterPath,
    body=Choice,
    response=Chosen,
    summary="Make another version of the last reply the one that counts; it becomes a line with a new id",
    failures={404: "There is no character of this name.", 409: "The last reply has no such version, or she talks."},
)
async def choose_version(call: Call[Choice, Empty, CharacterPath]) -> Chosen:
    line = await manager_of(call, call.path.character).edits.choose_version(call.body.line)
    if line is None:
        raise HTTPError(409, "version_not_now", "Only a version of the last reply can be chosen, while she is silent.")
    return Chosen(line=line_shape(line, call.path.character))


def known(call: Call[Any, Any, Any], character: str) -> str:
    """The name of a character; raises ``HTTPError`` when there is none of it."""
    if character not in call.neko.characters.names:
        raise HTTPError(404, "character", "There is no character of this name.", name=character)
    return character


def manager_of(call: Call[Any, Any, Any], character: str) -> SessionManager:
    """The conversation with a character; raises ``HTTPError`` when there is none of this name."""
    manager = call.neko.conversations.get(known(call, character))
    if manager is None:
        raise HTTPError(404, "character", "There is no character of this name.", name=character)
    return manager


def _known(call: Call[Any, Any, CharacterPath]) -> str:
    return known(call, call.path.character)


ENDPOINTS = (history, picture, search, export, delete, undo_edit, versions, choose_version)
