"""Logins of media sites that the user gives: kept for their owner alone, never told again (``contract/rest.md`` §10).

The original encrypts them with a key that lies beside the file, which keeps nobody out; here what is given is in a file
of its owner's only, like those with the other keys, and ``encrypted`` says so. What the original has encrypted counts
as it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from pydantic import Field, field_validator
from starlette.responses import Response

from neko.app import Neko
from neko.app.site_logins import SITE_LOGIN, forget_login, kept_login, replace_login
from neko.errors import ConfigError
from neko.settings import is_loopback
from neko.tasks import in_thread
from neko.web.endpoint import Call, delete, get, post
from neko.web.errors import HTTPError, failure_of, json_response
from neko.web.request_language import request_language
from neko.web.schemas import Done, Empty, Failure, Schema, Success

REQUIRED: Final = {
    "bilibili": ("SESSDATA",),
    "douyin": ("sessionid", "ttwid"),
    "kuaishou": ("kuaishou.server.web_st", "userId"),
    "weibo": ("SUB",),
    "reddit": ("reddit_session",),
    "twitter": ("auth_token",),
}
"""The cookies without which a site knows nobody, by site."""

_NAMES: Final = {"bilibili": "Bilibili", "douyin": "Douyin", "kuaishou": "Kuaishou", "weibo": "Weibo"} | {
    "reddit": "Reddit",
    "twitter": "Twitter/X",
}
_SUSPICIOUS: Final = re.compile(r"<script|javascript:|onload\s*=|eval\s*\(|union\s+select|\.\./", re.IGNORECASE)
_COOKIE_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 6265 §4.1.1."""

_HERE_ONLY: Final = {403: "Only this computer may do this."}
_UNKNOWN: Final = {400: "There is no such site, or a cookie that it needs is missing."}


class Site(Schema):
    """``needs``: the cookies without which the site knows nobody."""

    name: str
    methods: list[str]
    default_method: str
    needs: list[str]


class Sites(Success):
    data: dict[str, Site]


class Cookies(Schema):
    """``cookie_string`` as a browser sends it: ``name=value; name=value``. ``encrypt`` is taken and changes nothing."""

    platform: str = Field(min_length=2, max_length=20, pattern="^[a-z0-9_-]+$")
    cookie_string: str = Field(min_length=5, max_length=8192)
    encrypt: bool = True

    @field_validator("cookie_string")
    @classmethod
    def _harmless(cls, text: str) -> str:
        if _SUSPICIOUS.search(text) or not text.strip().isprintable():
            raise ValueError("this looks like no cookies")
        return text


class Kept(Schema):
    platform: str
    count: int
    encrypted: bool


class Saved(Done):
    data: Kept


class Legacy(Schema):
    success: bool
    msg: str


class State(Schema):
    """``locked``: N.E.K.O. has encrypted it, and the key that opens it is not there."""

    has_cookies: bool
    cookies_count: int
    locked: bool


class States(Success):
    data: dict[str, State]


class StateOfSite(State):
    platform: str


class OneState(Success):
    data: StateOfSite


class SitePath(Schema):
    platform: str


class CookiesRefused(Failure):
    """N.E.K.O.'s page shows ``detail``."""

    detail: str


@get("/api/auth/platforms", response=Sites, failures=_HERE_ONLY, summary="The sites whose login can be given")
async def platforms(call: Call) -> Sites:
    _here_only(call)
    return Sites(
        data={
            site: Site(name=_NAMES[site], methods=["manual"], default_method="manual", needs=list(needs))
            for site, needs in REQUIRED.items()
        }
    )


@post(
    "/api/auth/cookies/save",
    body=Cookies,
    response=Saved,
    summary="Keep the login of a site",
    failures={**_UNKNOWN, **_HERE_ONLY},
)
async def save(call: Call[Cookies]) -> Saved | Response:
    _here_only(call)
    try:
        count = await in_thread(_keep, call.neko, call.body)
    except HTTPError as error:
        return await _refused(call, error)
    return Saved(message="saved", data=Kept(platform=call.body.platform, count=count, encrypted=False))


@post(
    "/api/auth/save_cookie",
    body=Cookies,
    response=Legacy,
    summary="Keep the login of a site, as older pages ask for it",
    failures=_HERE_ONLY,
)
async def save_legacy(call: Call[Cookies]) -> Legacy:
    _here_only(call)
    try:
        await in_thread(_keep, call.neko, call.body)
    except (HTTPError, ConfigError) as error:
        failure = await failure_of(error, request_language(call.request, call.neko))
        return Legacy(success=False, msg=failure.error)
    return Legacy(success=True, msg="saved")


@get("/api/auth/cookies/status", response=States, failures=_HERE_ONLY, summary="Which sites have a login")
async def status(call: Call) -> States:
    _here_only(call)
    return States(data={site: await in_thread(_state, call.neko, site) for site in REQUIRED})


@get(
    "/api/auth/cookies/{platform}",
    path=SitePath,
    response=OneState,
    summary="Whether a site has a login; it is never told",
    failures={**_UNKNOWN, **_HERE_ONLY},
)
async def state(call: Call[Empty, Empty, SitePath]) -> OneState | Response:
    _here_only(call)
    site = call.path.platform
    if site not in REQUIRED:
        return await _refused(call, _no_site(site))
    found = await in_thread(_state, call.neko, site)
    return OneState(data=StateOfSite(platform=site, **found.model_dump()))


@delete(
    "/api/auth/cookies/{platform}",
    path=SitePath,
    response=Done,
    summary="Forget the login of a site, for good",
    failures={**_UNKNOWN, **_HERE_ONLY},
)
async def forget(call: Call[Empty, Empty, SitePath]) -> Done | Response:
    _here_only(call)
    if call.path.platform not in REQUIRED:
        return await _refused(call, _no_site(call.path.platform))
    await in_thread(forget_login, _file(call.neko, call.path.platform))
    return Done(message="deleted")


def _here_only(call: Call[Any, Any, Any]) -> None:
    client = call.request.client
    if client is None or not is_loopback(client.host):
        raise HTTPError(403, "invalid", "Only this computer may do this.")


def _no_site(site: str) -> HTTPError:
    return HTTPError(400, "invalid", "There is no such site.", name=site[:20])


async def _refused(call: Call[Any, Any, Any], error: HTTPError) -> Response:
    failure = await failure_of(error, request_language(call.request, call.neko))
    return json_response(CookiesRefused(**failure.model_dump(), detail=str(error)), error.status)


def _file(neko: Neko, site: str) -> Path:
    return neko.folder.config(f"{site}{SITE_LOGIN}")


def _keep(neko: Neko, sent: Cookies) -> int:
    """How many cookies there are. Raises ``HTTPError``, ``ConfigError``."""
    if sent.platform not in REQUIRED:
        raise _no_site(sent.platform)
    pairs = (part.partition("=") for part in sent.cookie_string.split(";"))
    cookies = {name.strip(): value.strip() for name, _, value in pairs if _COOKIE_NAME.fullmatch(name.strip())}
    if missing := [name for name in REQUIRED[sent.platform] if not cookies.get(name)]:
        raise HTTPError(400, "invalid", f"A cookie that the site needs is missing: {', '.join(missing)}.")
    path = _file(neko, sent.platform)
    replace_login(path, cookies)
    return len(cookies)


def _state(neko: Neko, site: str) -> State:
    kept = kept_login(_file(neko, site))
    return State(has_cookies=bool(kept), cookies_count=len(kept or ()), locked=kept is None)


ENDPOINTS = (platforms, save, save_legacy, status, state, forget)
