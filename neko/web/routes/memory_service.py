"""The memory service of N.E.K.O. under this port, each of its paths below ``/memory`` (``contract/memory.md`` §5, §9).

Its clients split texts at Chinese words, so those stay as they are there.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any, Literal
from uuid import uuid4

import orjson
from pydantic import RootModel
from starlette.responses import Response

from neko.app import Neko
from neko.errors import NekoError
from neko.i18n import describe, sentence
from neko.memory.line_codec import parse
from neko.types.lines import NewLine
from neko.types.memory import RecentEntry
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.request_language import request_language
from neko.web.routes.history import known
from neko.web.schemas import Empty, Schema
from neko.well_formed import is_blank, load_json, well_formed

_UNKNOWN = {404: "There is no character of this name."}
_FOUND = 5
_SEARCH_S = 10.0


class NamePath(Schema):
    name: str


class ServiceHealth(Schema):
    app: Literal["N.E.K.O"] = "N.E.K.O"
    service: Literal["memory"] = "memory"
    status: Literal["ok"] = "ok"
    instance_id: str


@get("/memory/health", response=ServiceHealth, summary="Whether the memory is up")
async def health(call: Call) -> ServiceHealth:
    return ServiceHealth(instance_id=call.neko.instance_id)


class InputHistory(Schema):
    """``input_history``: JSON of a list of ``{"role", "content"}``, content a text or a list of parts."""

    input_history: str


class Outcome(Schema):
    """``status`` is ``error`` with a ``message`` when nothing was done. Off the record nothing is kept: ``count`` is 0,
    and ``message`` says so."""

    status: str
    message: str = ""
    count: int = 0


@post(
    "/memory/cache/{name}",
    path=NamePath,
    body=InputHistory,
    response=Outcome,
    summary="Keep what was said, which is settled after ten minutes in which nothing more is; answers 200 also when it "
    "could not, with status error",
    failures=_UNKNOWN,
)
async def cache(call: Call[InputHistory, Empty, NamePath]) -> Outcome:
    return await _kept(call, "cached")


@post(
    "/memory/process/{name}",
    path=NamePath,
    body=InputHistory,
    response=Outcome,
    summary="Keep what was said, and sum up what has become too long",
    failures=_UNKNOWN,
)
async def process(call: Call[InputHistory, Empty, NamePath]) -> Outcome:
    return await _kept(call, "processed", Settling.PLAIN)


@post(
    "/memory/renew/{name}",
    path=NamePath,
    body=InputHistory,
    response=Outcome,
    summary="The same for a session that goes on in another, with a memo that keeps as much as it can",
    failures=_UNKNOWN,
)
async def renew(call: Call[InputHistory, Empty, NamePath]) -> Outcome:
    return await _kept(call, "processed", Settling.DETAILED)


class Settling(Enum):
    """Whether what has become too long is summed up, and how."""

    NONE = "none"
    PLAIN = "plain"
    DETAILED = "detailed"


async def _kept(call: Call[InputHistory, Empty, NamePath], status: str, settling: Settling = Settling.NONE) -> Outcome:
    """What was said is committed before a model is asked: a client that does not wait for its answer loses nothing."""
    name, memory = known(call, call.path.name), call.neko.memory
    language, manager = request_language(call.request, call.neko), call.neko.conversations.get(name)
    unkept = manager is not None and manager.keeps_nothing
    try:
        lines = _lines(call.body.input_history)
        if lines and not unkept:
            await memory.store_said(name, lines)
        if settling is not Settling.NONE:
            models, detailed = call.neko.models.of_memory, settling is Settling.DETAILED
            await memory.settle(name, models, detailed=detailed, waits=True)
            if models().learn is not None:
                memory.learn_later(name, models)
    except NekoError as error:
        return Outcome(status="error", message=describe(error, language, files_by_name=True).whole)
    if unkept:
        return Outcome(status=status, message=sentence("off_record.unkept", language))
    return Outcome(status=status, count=len(lines))


def _lines(text: str) -> list[NewLine]:
    """Raises ``HTTPError`` for what is no list of messages."""
    try:
        history = load_json(text.encode(), strict=True)
    except (ValueError, RecursionError):
        history = None
    entries = [parse(entry) for entry in history] if isinstance(history, list) else [None]
    if None in entries:
        raise HTTPError(400, "bad_history", "This is no list of messages with a role and a content.")
    session, now = str(uuid4()), datetime.datetime.now()
    said = [entry for entry in entries if entry and not is_blank(entry.text)]
    return [NewLine(session, session, entry.role, entry.text, entry.at or now) for entry in said]


class Text(RootModel[str]):
    """A text, as JSON."""


@get(
    "/memory/new_dialog/{name}",
    path=NamePath,
    response=Empty,
    produces="text/plain",
    summary="What a new session is told of the character, the user and what was said last; nothing for an unknown name",
)
async def new_dialog(call: Call[Empty, Empty, NamePath]) -> Response:
    name = call.path.name
    if name not in call.neko.characters.names:
        return _plain("")
    cards, now = call.neko.characters.cards, datetime.datetime.now()
    clock = f"{now:%A, %B} {now.day}, {now:%Y} at {now:%I:%M %p}"
    said = _said(await call.neko.memory.recent(name, with_left=True), name, cards.master_name)
    return _plain(
        f"========{name}的内心活动========\n{name}的脑海里经常想着自己和{cards.master_name}的事情,"
        f"他记得{await _settings(call.neko, name)}\n\n"
        f"现在时间是{clock}。开始聊天前，{name}又在脑海内整理了近期发生的事情。\n{said}"
    )


@get(
    "/memory/get_recent_history/{name}",
    path=NamePath,
    response=Text,
    summary="The recent window as lines of speaker and text",
    failures=_UNKNOWN,
)
async def get_recent_history(call: Call[Empty, Empty, NamePath]) -> Response:
    name, master = known(call, call.path.name), call.neko.characters.cards.master_name
    said = _said(await call.neko.memory.recent(name, with_left=True), name, master)
    return _json(f"开始聊天前，{name}又在脑海内整理了近期发生的事情。\n{said}")


@get(
    "/memory/get_settings/{name}",
    path=NamePath,
    response=Text,
    summary="What the cards, and the settings that N.E.K.O. extracted, say of the character and the user",
    failures=_UNKNOWN,
)
async def get_settings(call: Call[Empty, Empty, NamePath]) -> Response:
    name = known(call, call.path.name)
    return _json(f"{name}记得{await _settings(call.neko, name)}")


class QueryPath(NamePath):
    query: str


@get(
    "/memory/search_for_memory/{name}/{query:path}",
    path=QueryPath,
    response=Text,
    summary="What was said about something, as numbered lines",
    failures=_UNKNOWN,
)
async def search_for_memory(call: Call[Empty, Empty, QueryPath]) -> Response:
    name, query = known(call, call.path.name), well_formed(call.path.query)
    found = await call.neko.memory.recall(name, query, limit=_FOUND, timeout_s=_SEARCH_S, is_search=True)
    lines = [f"记忆片段{number}: {one.speaker} | {one.text}" for number, one in enumerate(found)]
    return _json("\n".join((f"===={name}尝试回忆=====\n{name}回忆起了与“{query}”有关的往事:", *lines)))


@post("/memory/reload", response=Outcome, summary="Take what was written into the cards by hand")
async def reload(call: Call) -> Outcome:
    await call.neko.characters.reload()
    return Outcome(status="success")


@post(
    "/memory/cancel_correction/{name}",
    path=NamePath,
    response=Outcome,
    summary="Give up the review of the recent window that runs, if one does",
    failures=_UNKNOWN,
)
async def cancel_correction(call: Call[Empty, Empty, NamePath]) -> Outcome:
    was_there = call.neko.memory.cancel_review(known(call, call.path.name))
    return Outcome(status="cancelled" if was_there else "no_task")


@post("/memory/shutdown", response=Outcome, summary="The memory stops with Neko, and not before")
async def shutdown(call: Call) -> Outcome:
    return Outcome(status="shutdown_disabled")


def _said(entries: Sequence[RecentEntry], name: str, master: str) -> str:
    speakers = {"user": master, "assistant": name, "system": "SYSTEM_MESSAGE"}
    return "\n".join(f"{speakers[entry.role]} | {entry.text}" for entry in entries)


async def _settings(neko: Neko, name: str) -> str:
    await neko.extracted.read(name)
    hers, users = neko.extracted.of(name)
    told: dict[str, Any] = {name: hers, neko.characters.cards.master_name: users}
    return orjson.dumps(told, default=dict).decode()


def _plain(text: str) -> Response:
    return Response(text, media_type="text/plain", headers={"cache-control": "no-store"})


def _json(text: str) -> Response:
    return Response(orjson.dumps(text), media_type="application/json", headers={"cache-control": "no-store"})


ENDPOINTS = (
    health,
    cache,
    process,
    renew,
    new_dialog,
    get_recent_history,
    get_settings,
    search_for_memory,
    reload,
    cancel_correction,
    shutdown,
)
