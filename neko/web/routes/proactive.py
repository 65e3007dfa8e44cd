"""She speaks of her own accord: what the user allows, and a page that asks for it now (``contract/rest.md`` §9)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field
from starlette.responses import Response

from neko.app import Neko
from neko.app.occasions import Kind
from neko.app.proactive import Brought, Outcome
from neko.errors import ModelError, ModelTimeoutError
from neko.sessions.manners import Verdict, read_quiet
from neko.settings.speaking_first import (
    PROACTIVE,
    PROACTIVE_EVERY_MIN,
    PROACTIVE_FEEDS,
    PROACTIVE_PER_DAY,
    PROACTIVE_QUIET,
    PROACTIVE_SOURCES,
)
from neko.tasks import in_thread
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError, failure_of, json_response
from neko.web.request_language import request_language
from neko.web.schemas import Failure, Schema, Success

_PICTURE: Final = "data:image/jpeg;base64,"
_LARGEST_PICTURE: Final = 12_000_000
_SOURCES: Final = {
    "vision": "screen",
    "window": "window",
    "news": "news",
    "video": "news",
    "home": "news",
    "personal": "personal",
}
_CHANNELS: Final = {Kind.SCREEN: "vision", Kind.WINDOW: "window", Kind.NEWS: "web"}
_TAGS: Final = {Kind.SCREEN: "SCREEN", Kind.NEWS: "WEB", Kind.WINDOW: "WEB"}

Source = Literal["memory", "screen", "window", "news"]


class ProactiveRequest(Schema):
    """Without ``enabled_modes`` they follow from what is sent. A picture is a JPEG as a ``data:`` address."""

    lanlan_name: str | None = Field(None, max_length=100)
    enabled_modes: list[str] | None = Field(None, max_length=20)
    screenshot_data: str | None = Field(None, max_length=_LARGEST_PICTURE)
    window_title: str | None = Field(None, max_length=1000)
    use_window_search: bool = False
    use_personal_dynamic: bool = False
    content_type: str | None = Field(None, max_length=20)
    language: str | None = Field(None, max_length=20)


class SourceLink(Schema):
    title: str
    url: str
    source: str


class ProactiveAnswer(Success):
    """``action`` is "chat" when she has spoken; else ``reason`` says why not ("nothing": nothing was worth it)."""

    action: Literal["chat", "pass"]
    message: str = ""
    reason: str = ""
    lanlan_name: str
    source_mode: str = ""
    source_tag: str = "unknown"
    active_channels: list[str] = Field(default_factory=list)
    source_links: list[SourceLink] = Field(default_factory=list)


class ProactiveFailure(Failure):
    """Her model does not choose, or say, what there is to say."""

    action: Literal["pass"] = "pass"


class ProactiveState(Success):
    """``now``: whether she may speak to the current character's user at this moment, and if not, why. ``failed``: feeds
    that cannot be read, with the reason. ``windows``: the system tells the title of the window in front."""

    on: bool
    every_min: int
    per_day: int
    quiet: str
    sources: list[str]
    feeds: list[str]
    now: str
    failed: dict[str, str]
    windows: bool


class ProactiveChange(Schema):
    """What is not named stays. ``quiet`` is like "22:00-08:00", "" for no such hours."""

    on: bool | None = None
    every_min: int | None = Field(None, ge=5, le=480)
    per_day: int | None = Field(None, ge=1, le=96)
    quiet: str | None = Field(None, max_length=40)
    sources: list[Source] | None = Field(None, max_length=4)
    feeds: list[str] | None = Field(None, max_length=20)


@post(
    "/api/proactive_chat",
    body=ProactiveRequest,
    response=ProactiveAnswer,
    summary="Have her say something of her own accord, if it suits and there is something",
    body_limit=_LARGEST_PICTURE + 10_000,
    failures={
        400: "That is no picture.",
        404: "No such character.",
        409: "She is answering already.",
        500: "The model fails.",
        504: "The model is too slow.",
    },
)
async def proactive_chat(call: Call[ProactiveRequest]) -> ProactiveAnswer | Response:
    name = call.body.lanlan_name or call.neko.characters.current
    if name not in call.neko.characters.cards.names:
        raise HTTPError(404, "unknown_character", f"There is no character called {name}.", name=name)
    try:
        outcome = await call.neko.proactive.consider(name, _brought(call.body))
    except ModelTimeoutError as error:
        raise HTTPError(504, error.code, str(error), **error.params) from error
    except ModelError as error:
        told = await failure_of(error, request_language(call.request, call.neko))
        return json_response(ProactiveFailure(**told.model_dump()), 500)
    if failure := outcome.failure:
        told = Failure(error=failure.message, code=failure.code, remedy=failure.remedy, link=failure.link or None)
        return json_response(ProactiveFailure(**told.model_dump()), 500)
    if outcome.verdict is Verdict.BUSY:
        raise HTTPError(409, "already_answering", "She is answering already.")
    return _answer(name, outcome)


@get("/api/proactive", response=ProactiveState, summary="When she may speak of her own accord")
async def proactive(call: Call) -> ProactiveState:
    return await _state(call.neko)


async def _state(neko: Neko) -> ProactiveState:
    read, speaks = neko.config.in_force.get, neko.proactive
    return ProactiveState(
        on=read(PROACTIVE),
        every_min=read(PROACTIVE_EVERY_MIN),
        per_day=read(PROACTIVE_PER_DAY),
        quiet="" if (hours := read(PROACTIVE_QUIET)) == "none" else hours,
        sources=list(read(PROACTIVE_SOURCES)),
        feeds=list(read(PROACTIVE_FEEDS)),
        now=(await speaks.may_speak(neko.characters.current)).value,
        failed=dict(speaks.feeds.failed),
        windows=await in_thread(lambda: speaks.front.is_told),
    )


@post(
    "/api/proactive",
    body=ProactiveChange,
    response=ProactiveState,
    summary="Change when she may speak of her own accord",
    failures={400: "Those are no hours, or a feed's address is none.", 409: "The disk refuses."},
)
async def change_proactive(call: Call[ProactiveChange]) -> ProactiveState:
    changes = call.body.model_dump(exclude_none=True)
    if "quiet" in changes:
        changes["quiet"] = _hours(changes["quiet"])
    if "feeds" in changes:
        changes["feeds"] = _addresses(changes["feeds"])
    await call.neko.config.change({"neko": {"proactive": changes}})
    return await _state(call.neko)


def _hours(text: str) -> str:
    try:
        read_quiet(text)
    except ValueError as error:
        raise HTTPError(400, "no_hours", f"“{text}” is no such time. Write it like 22:00-8:00.", text=text) from error
    return text.strip() or "none"


def _addresses(feeds: Sequence[str]) -> list[str]:
    addresses = list(dict.fromkeys(filter(None, (one.strip() for one in feeds))))
    for address in addresses:
        if not address.startswith(("http://", "https://")) or len(address) > 1000 or "," in address:
            raise HTTPError(400, "no_feed_address", f"{address} is no address of a feed.", address=address[:100])
    return addresses


def _brought(body: ProactiveRequest) -> Brought:
    modes = body.enabled_modes
    if modes is None:
        named = {
            "vision": bool(body.screenshot_data),
            "window": body.use_window_search,
            "news": body.content_type in ("news", "video"),
            "personal": body.use_personal_dynamic,
        }
        modes = [mode for mode, wanted in named.items() if wanted] or ["home"]
    sources = frozenset(_SOURCES[mode] for mode in modes if mode in _SOURCES)
    picture = _jpeg(body.screenshot_data) if body.screenshot_data and "screen" in sources else b""
    return Brought(sources, picture, body.window_title or "")


def _jpeg(data: str) -> bytes:
    if data.startswith(_PICTURE):
        try:
            return base64.b64decode(data[len(_PICTURE) :], validate=True)
        except (binascii.Error, ValueError):
            pass
    raise HTTPError(400, "not_a_picture", "That is no JPEG picture.")


def _answer(name: str, outcome: Outcome) -> ProactiveAnswer:
    occasion = outcome.occasion
    if not outcome.text or occasion is None:
        reason = "nothing" if outcome.verdict is Verdict.NOW else outcome.verdict.value
        return ProactiveAnswer(action="pass", reason=reason, lanlan_name=name)
    channel = _CHANNELS.get(occasion.kind, "memory")
    links = [SourceLink(title=occasion.text, url=occasion.link, source=occasion.source)] if occasion.link else []
    return ProactiveAnswer(
        action="chat",
        message=outcome.text,
        lanlan_name=name,
        source_mode=channel,
        source_tag=_TAGS.get(occasion.kind, "unknown"),
        active_channels=[channel],
        source_links=links,
    )


ENDPOINTS = (proactive_chat, proactive, change_proactive)
