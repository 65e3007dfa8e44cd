"""Keeping a page from sending anything, while something is tried in it that shall only change what is seen.

A request that wants nothing but to be shown something is a GET, a HEAD or an OPTIONS (RFC 9110 §9.2.1), unless its
address names a deed as badly made pages have it (``/items/5/delete``, ``?action=buy``); and a POST of a GraphQL query.
All else is held back while a page is restrained: it is never sent, and the page is told that it failed. A page stays
restrained until the user has approved something in it, or it has been left for another. What goes through an open
WebSocket cannot be held back, so in a page that has one nothing is tried (``Tab.has_socket``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from neko.tasks import TaskOwner

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request, Route

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_DEEDS: Final = """
    accept activate add addtocart approve book buy cancel checkoutnow clear confirm deactivate del delete destroy
    disable disconnect discard enable erase follow install kick leave like logout logoff merge ordernow pay publish
    purchase reboot reject remove reset restart revoke send shutdown signout signoff submit transfer trash unfollow
    uninstall unlike unsubscribe upgrade upvote vote withdraw
"""
_NAMING_A_DEED: Final = frozenset({"action", "act", "do", "op", "cmd", "command", "method", "_method", "task", "mode"})
_RUNNING: Final = re.compile(r"\.(php\d?|aspx?|jsp|do|cgi|pl|action)$")
_LOOKED_AT: Final = frozenset({"document", "xhr", "fetch"})
"""Types of requests whose address may name a deed: that of a picture names what it shows."""
_UNTOLD: Final = frozenset({"ping", "beacon", "cspviolationreport", "cspreport"})
"""What pages count their visitors with; nothing on them waits for it."""
_MUTATION: Final = re.compile(r"\b(mutation|subscription)\b")
_MOST_HELD: Final = 20
_LONGEST_BODY: Final = 2_000
_LONGEST_QUERY: Final = 200_000


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A request that was not sent. ``body``: what it would have sent, cut."""

    method: str
    url: str
    body: str = ""

    @property
    def title(self) -> str:
        """Without what it would have sent."""
        parts = urlsplit(self.url)
        return f"{self.method} {parts.netloc}{parts.path}"


def names_deed(url: str) -> bool:
    """Does an address say that asking for it does something?"""
    parts = urlsplit(url)
    said = [_RUNNING.sub("", segment) for segment in parts.path.casefold().split("/")]
    for name, value in parse_qsl(parts.query.casefold(), keep_blank_values=True, max_num_fields=100):
        said += [value] if name in _NAMING_A_DEED else [name] if not value else []
    return not _deeds().isdisjoint(re.sub(r"[-_.]", "", one) for one in said)


@cache
def _deeds() -> frozenset[str]:
    return frozenset(_DEEDS.split())


def sends(method: str, url: str, kind: str, body: str) -> bool:
    """Whether a request is more than a look. ``kind``: its resource type in Playwright's words."""
    if method.upper() in _SAFE:
        return kind in _LOOKED_AT and names_deed(url)
    return not (method.upper() == "POST" and _is_graphql_query(body))


def _is_graphql_query(body: str) -> bool:
    """One or several, none of which changes anything (graphql.org, "Serving over HTTP")."""
    if not body.startswith(("{", "[")) or len(body) > _LONGEST_QUERY:
        return False
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    asked = value if isinstance(value, list) else [value]
    queries = [one.get("query") if isinstance(one, dict) else None for one in asked]
    return bool(queries) and all(isinstance(one, str) and not _MUTATION.search(one) for one in queries)


class Restraint:
    """Of one browser. Requests pass through here only while a page is restrained: that costs the browser its cache."""

    def __init__(self, context: BrowserContext, owner: TaskOwner) -> None:
        self._context = context
        self._owner = owner
        self._pages: set[Page] = set()
        self._held: dict[Page, deque[HeldBack]] = {}
        self._routed = False
        self._changing = asyncio.Lock()

    def know(self, page: Page) -> None:
        """A page of some task. One that is not known yet has just been opened by another, maybe a restrained one; and
        one that is empty still may be what that acts through."""
        self._pages.add(page)
        if self._held and page.url in ("", "about:blank"):
            self._held.setdefault(page, deque(maxlen=_MOST_HELD))
        page.on("close", self._forget)

    def _forget(self, page: Page) -> None:
        self._pages.discard(page)
        self.release(page)

    async def restrain(self, page: Page) -> None:
        """Raises Playwright's errors."""
        self._held.setdefault(page, deque(maxlen=_MOST_HELD))
        await self._follow()

    def release(self, page: Page) -> None:
        if self._held.pop(page, None) is not None and not self._held and not self._owner.closed:
            self._owner.spawn(self._released(), name="release")

    def restrains(self, page: Page) -> bool:
        return page in self._held

    def taken(self, page: Page) -> list[HeldBack]:
        """What was held back in it since it was asked last."""
        held = self._held.get(page)
        found = list(dict.fromkeys(held or ()))
        if held:
            held.clear()
        return found

    async def _released(self) -> None:
        with contextlib.suppress(_errors()):
            await self._follow()

    async def _follow(self) -> None:
        async with self._changing:
            if self._held and not self._routed:
                await self._context.route("**/*", self._on_route)
                self._routed = True  # not before: who is cancelled meanwhile leaves it to the next
            elif self._routed and not self._held:
                self._routed = False
                await self._context.unroute("**/*", self._on_route)

    async def _on_route(self, route: Route) -> None:
        with contextlib.suppress(_errors()):
            request = route.request
            holders = self._holders(request)
            body = (request.post_data_buffer or b"").decode("utf-8", "replace") if holders else ""
            if not holders or not sends(request.method, request.url, request.resource_type, body):
                await route.continue_()
                return
            if request.resource_type not in _UNTOLD:
                for held in holders:
                    held.append(HeldBack(request.method, request.url[:_LONGEST_BODY], body[:_LONGEST_BODY]))
            await route.abort("aborted")

    def _holders(self, request: Request) -> list[deque[HeldBack]]:
        """Where it is told if it is held back; nowhere when it is of a page that is free."""
        try:
            page = request.frame.page
        except _errors():  # the first request of a page that is being opened
            return list(self._held.values())
        if page in self._pages:
            return [self._held[page]] if page in self._held else []
        return list(self._held.values())


def _errors() -> type[Exception]:
    from playwright.async_api import Error

    return Error
