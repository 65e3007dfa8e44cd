"""Keeping a page from sending anything, while something is tried in it that shall only change what is seen.

A request that wants nothing but to be shown something is a GET, a HEAD or an OPTIONS (RFC 9110 §9.2.1), unless its
address names a deed as badly made pages have it (``/items/5/delete``, ``?action=buy``, ``?add-to-cart=5``), whatever
it is asked as; and a POST of a GraphQL query.
All else is held back while a page is restrained: it is never sent, and the page is told that it failed. A page stays
restrained until the user has approved something, or it has been left for another. What was held back is so when it
comes again, too, alone or within a larger body, as from a page that keeps what failed for its next one, or tries again
after a yes to something else: until it is what the user approved, or the task is over. A yes to an act in a page is one
to larger bodies, which may be its own; a yes to open another page is none.

What goes through an open WebSocket cannot be held back, so in a page that has one nothing is tried
(``Tab.has_socket``); one that is opened meanwhile leads nowhere. What remains: a worker, or a frame of another host,
that begins with a socket may open it before it is kept from that, as only what is there can be kept from anything; a
page may send what failed in other words, by which nobody knows it again, or in a later task; a plain link with a
listener that a script gave it is followed as a link, as nothing tells the two apart from without; and a GET whose
address names no deed, that of a download too, is a look, whatever a server makes of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import deque
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from neko.agent.browser.gate import NOWHERE, place_of
from neko.tasks import TaskOwner, together

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request, Route, Worker

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_DEEDS: Final = """
    accept activate add addtocart approve book buy cancel checkoutnow clear confirm deactivate del delete destroy
    disable disconnect discard enable erase follow install kick leave like logout logoff merge ordernow pay publish
    purchase reboot reject remove reset restart revoke send shutdown signout signoff submit transfer trash unfollow
    uninstall unlike unsubscribe upgrade upvote vote withdraw
"""
_NAMING_A_DEED: Final = frozenset({"action", "act", "do", "op", "cmd", "command", "method", "_method", "task", "mode"})
_VERBS: Final = """
    confirm delete destroy discard erase logout purchase remove revoke signout uninstall unfollow unsubscribe
"""
"""Of the deeds, those that an address names as no thing: as the name of a value, too, and with what it is done to."""
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W_]+")
_SHOWN: Final = re.compile(r"\.(avif|bmp|css|gif|ico|jpe?g|m?js|map|png|svg|ttf|webp|woff2?)$")
_MOST_WORDS: Final = 3
"""What has more is the title of something to read."""
_RUNNING: Final = re.compile(r"\.(php\d?|aspx?|jsp|do|cgi|pl|action|html?|json)$")
_UNTOLD: Final = frozenset({"ping", "beacon", "cspviolationreport", "cspreport"})
"""What pages count their visitors with; nothing on them waits for it. While a page is restrained, its scripts' beacons
come as what it fetches, and are told."""
_BEACON: Final = "application/x-beacon"
"""What a beacon is known by meanwhile: what it takes as an answer, of which there is none."""
_MUTATION: Final = re.compile(r"\b(mutation|subscription)\b")
_QUERY: Final = re.compile(r"\s*(?:#.*\s*)*(?:query\b|fragment\b|\{)[^{]*\{?\s*[\w.]")
_OF_GRAPHQL: Final = frozenset({"query", "variables", "operationName", "extensions"})
_SILENCE_S: Final = 2.0
"""However many frames and workers a page has."""
_SILENCED: Final = """() => {
  const mark = Symbol.for('silenced'), all = globalThis;
  if (all[mark]) return;
  const Socket = all.WebSocket, sockets = Socket?.prototype, beacons = all.Navigator?.prototype;
  all[mark] = {fetch: all.fetch, Socket, send: sockets?.send, beacon: beacons?.sendBeacon};
  const fetched = all.fetch;
  all.fetch = (what, how) => fetched(what, how?.keepalive ? {...how, keepalive: false} : how);
  if (Socket) {
    sockets.send = function () { this.close(); };
    all.WebSocket = new Proxy(Socket, {construct: (_, [url]) => new Socket('NOWHERE' + encodeURIComponent(url))});
  }
  if (beacons) beacons.sendBeacon = (to, body) => {
    const how = {method: 'POST', body, mode: 'no-cors', credentials: 'include', headers: {Accept: 'BEACON'}};
    fetched(to, how).catch(() => {});
    return true;
  };
}""".replace("NOWHERE", f"wss://{NOWHERE}/?").replace("BEACON", _BEACON)
"""What is sent while a page is left passes by us, and so does what goes through a socket."""
SILENCED_WITH_THE_PAGE: Final = f"""(() => {{
  try {{
    if (self !== top && top[Symbol.for('silenced')]) ({_SILENCED})();
  }} catch {{ /* of another host */ }}
}})()"""
"""For each new document: a frame in a page that is restrained, before anything in it runs."""
_SPEAKING: Final = """() => {
  const mark = Symbol.for('silenced'), all = globalThis, was = all[mark];
  if (!was) return;
  delete all[mark];
  all.fetch = was.fetch;
  if (was.Socket) all.WebSocket = was.Socket;
  if (was.send) all.WebSocket.prototype.send = was.send;
  if (was.beacon) all.Navigator.prototype.sendBeacon = was.beacon;
}"""
_MOST_HELD: Final = 20
_LONGEST_BODY: Final = 2_000
_LONGEST_QUERY: Final = 200_000
_MOST_UNSENT: Final = 200
_SHORTEST_PART: Final = 16
"""Of a body that is known again within a larger one."""
_VARYING: Final = re.compile(r"\d{10,}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
"""Times and numbers of requests: the same is sent again with others."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A request that was not sent. ``body``: what it would have sent, cut. ``counts``: a beacon to another site than
    that of its document, as pages have their visitors counted."""

    method: str
    url: str
    body: str = ""
    counts: bool = field(default=False, compare=False)

    @property
    def title(self) -> str:
        """Without what it would have sent."""
        parts = urlsplit(self.url)
        return f"{self.method} {parts.netloc}{parts.path}"

    @property
    def without_varying(self) -> HeldBack:
        return HeldBack(self.method, _VARYING.sub("", self.url), _VARYING.sub("", self.body))


def names_deed(url: str) -> bool:
    """Does an address say that asking for it does something?"""
    parts = urlsplit(url)
    said = [_RUNNING.sub("", part) for part in parts.path.split("/") if not _SHOWN.search(part)]
    verbs = [one for one in said if len(_WORD.findall(one)) <= _MOST_WORDS]
    for name, value in parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100):
        if name.casefold() in _NAMING_A_DEED:
            said.append(value)
            verbs.append(value)
        elif not value:
            said.append(name)
        if value not in ("0", "false"):
            verbs.append(name)
    firsts = {words[0].casefold() for words in map(_WORD.findall, verbs) if words}
    deeds = {re.sub(r"[-_.]", "", one).casefold() for one in said}
    named = not (_deeds().isdisjoint(deeds) and _verbs().isdisjoint(firsts))
    return named or any(re.match(r"add[-_.]?to", one, re.IGNORECASE) for one in verbs)


@cache
def _verbs() -> frozenset[str]:
    return frozenset(_VERBS.split())


@cache
def _deeds() -> frozenset[str]:
    return frozenset(_DEEDS.split())


def sends(method: str, url: str, body: str) -> bool:
    """Whether a request is more than a look."""
    if method.upper() in _SAFE:
        return names_deed(url) or any(
            name == "query" and _MUTATION.search(value) for name, value in parse_qsl(urlsplit(url).query)
        )
    return method.upper() != "POST" or names_deed(url) or not _is_graphql_query(body)


def _is_graphql_query(body: str) -> bool:
    """One or several, none of which changes anything (graphql.org, "Serving over HTTP")."""
    if not body.startswith(("{", "[")) or len(body) > _LONGEST_QUERY:
        return False
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    asked = value if isinstance(value, list) else [value]
    return bool(asked) and all(isinstance(one, dict) and _is_query(one) for one in asked)


def _is_query(asked: dict[str, Any]) -> bool:
    """Words that somebody searches for, or has written, may be called a query, too."""
    query = asked.get("query")
    known = asked.keys() <= _OF_GRAPHQL
    return known and isinstance(query, str) and bool(_QUERY.match(query)) and not _MUTATION.search(query)


class Restraint:
    """Of one browser. Requests pass through here only while a page is restrained: that costs the browser its cache."""

    def __init__(self, context: BrowserContext, owner: TaskOwner) -> None:
        self._context = context
        self._owner = owner
        self._pages: set[Page] = set()
        self._held: dict[Page, deque[HeldBack]] = {}
        self._unsent: dict[HeldBack, str] = {}
        """What was held back, without what varies; and its body, by which it is known within others."""
        self._routed = False
        self._changing = asyncio.Lock()

    def know(self, page: Page) -> None:
        """A page of some task. One that is not known yet has just been opened by another, maybe a restrained one; and
        one that is empty still may be what that acts through."""
        self._pages.add(page)
        if self._held and page.url in ("", "about:blank"):
            self._held.setdefault(page, deque(maxlen=_MOST_HELD))
        page.on("close", self._forget)
        page.on("worker", lambda worker: self._on_worker(page, worker))

    def _on_worker(self, page: Page, worker: Worker) -> None:
        if page in self._held and not self._owner.closed:
            self._owner.spawn(_tolerant(worker.evaluate(_SILENCED)), name="worker")

    def _forget(self, page: Page) -> None:
        self._pages.discard(page)
        self.release(page)

    async def restrain(self, page: Page) -> None:
        """Raises Playwright's errors, ``TimeoutError``."""
        self._held.setdefault(page, deque(maxlen=_MOST_HELD))
        await self._follow()
        await self._in_all(page, _SILENCED)

    async def free(self, page: Page) -> None:
        """It may send again, by all ways. Raises Playwright's errors, ``TimeoutError``."""
        if page in self._held:
            await self._in_all(page, _SPEAKING)
            self.release(page)

    async def _in_all(self, page: Page, script: str) -> None:
        """In a page, its frames and its workers; of these, those that answer."""
        async with asyncio.timeout(_SILENCE_S):
            await page.evaluate(script)
        frames = [frame.evaluate(script) for frame in page.frames if frame is not page.main_frame]
        workers = [worker.evaluate(script) for worker in page.workers]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SILENCE_S):
                await together(*map(_tolerant, [*frames, *workers]))

    def opened(self, page: Page, socket: str) -> None:
        """A page has opened a WebSocket to that address."""
        if page in self._held:
            wanted = unquote(urlsplit(socket).query) if place_of(socket)[0] == NOWHERE else socket
            self._held[page].append(HeldBack("WEBSOCKET", wanted[:_LONGEST_BODY]))

    def release(self, page: Page) -> None:
        if self._held.pop(page, None) is not None:
            self._loosen()

    def approved(self, requests: Iterable[HeldBack]) -> None:
        """The user has approved something, with which these may be sent; others that were held back before may be a
        part of it."""
        self.forget(requests)
        self._unsent = dict.fromkeys(self._unsent, "")

    def forget(self, requests: Iterable[HeldBack]) -> None:
        """They may be sent."""
        for request in requests:
            self._unsent.pop(request.without_varying, None)
        self._loosen()

    def _loosen(self) -> None:
        if self._routed and not (self._held or self._unsent) and not self._owner.closed:
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
            wanted = bool(self._held or self._unsent)
            if wanted and not self._routed:
                await self._context.route("**/*", self._on_route)
                self._routed = True  # not before: who is cancelled meanwhile leaves it to the next
            elif self._routed and not wanted:
                self._routed = False
                await self._context.unroute("**/*", self._on_route)

    async def _on_route(self, route: Route) -> None:
        with contextlib.suppress(_errors()):
            request = route.request
            holders = self._holders(request)
            told = request.resource_type not in _UNTOLD
            asked = HeldBack(request.method, request.url[:_LONGEST_BODY], counts=_counts(request))
            body = (request.post_data_buffer or b"").decode("utf-8", "replace")
            again = told and self._is_unsent(replace(asked, body=body))
            if not again and (not holders or not sends(request.method, request.url, body)):
                await route.continue_()
                return
            if told:
                asked = replace(asked, body=body[:_LONGEST_BODY])
                for held in holders:
                    held.append(asked)
                if holders and not asked.counts and len(self._unsent) < _MOST_UNSENT:
                    self._unsent[asked.without_varying] = asked.body if len(body) <= _LONGEST_BODY else ""
            await route.abort("aborted")

    def _is_unsent(self, asked: HeldBack) -> bool:
        """It was held back before, by itself or within others."""
        cut = replace(asked, body=asked.body[:_LONGEST_BODY]).without_varying
        parts = (part for part in self._unsent.values() if len(part) >= _SHORTEST_PART)
        return cut in self._unsent or any(part in asked.body or _escaped(part) in asked.body for part in parts)

    def _holders(self, request: Request) -> list[deque[HeldBack]]:
        """Where it is told if it is held back; nowhere when it is of a page that is free."""
        try:
            page = request.frame.page
        except _errors():  # the first request of a page that is being opened
            return list(self._held.values())
        if page in self._pages:
            return [self._held[page]] if page in self._held else []
        return list(self._held.values())


def _counts(request: Request) -> bool:
    return request.headers.get("accept") == _BEACON and _site(request.frame.url) != _site(request.url)


def _site(url: str) -> str:
    """Nearly: what all hosts of one owner end with."""
    return ".".join(place_of(url)[0].split(".")[-2:])


def _escaped(text: str) -> str:
    """As a text stands within JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


async def _tolerant(work: Coroutine[Any, Any, Any]) -> None:
    """A frame or a worker may end meanwhile."""
    with contextlib.suppress(_errors()):
        await work


def _errors() -> type[Exception]:
    from playwright.async_api import Error

    return Error
