"""The ASGI app: guard, calls, files, socket, pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from neko.app import Neko
from neko.errors import NekoError
from neko.settings import ASSETS
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import ALLOWED_HOSTS
from neko.tasks import in_thread
from neko.web.allowed_hosts import AllowedHosts
from neko.web.given_pages import given_routes
from neko.web.guard import Guard
from neko.web.pages import WEB, page_routes
from neko.web.plain_answers import health, plain_json
from neko.web.request_language import client_language
from neko.web.static_files import ForeignFiles, StaticFiles
from neko.web.style_sheets import STYLE_SHEETS
from neko.web.token_auth import TokenAuth
from neko.web.viewer_sockets import viewer_routes

_READ_S: Final = 0.05
"""Seconds in which a page is on its way before its calls are loaded."""


def create_asgi(neko: Neko, socket_route: BaseRoute, *, allowed_hosts: Iterable[str] = ()) -> Starlette:
    """The app, to be served or to be mounted below another one.

    ``allowed_hosts`` are further names it answers to, beside loopback, the bound address and those of
    ``NEKO_ALLOWED_HOSTS`` (comma separated).
    """
    settings = neko.settings
    hosts = AllowedHosts(settings.host, (*SettingsInForce({}, settings.environ).get(ALLOWED_HOSTS), *allowed_hosts))
    # Whoever asks whether she is up does not wait for what answers the other calls.
    at_once = [Route("/health", partial(_health, neko), name="/health"), socket_route, *viewer_routes(neko)]
    pages = page_routes(neko, shown=lambda: late.soon())
    # What a page asks for a hundred times comes first: a request is compared with one route after the other.
    front: list[BaseRoute] = [*_own_files(), *at_once, *(page for page in pages if page.path == "/")]
    late = LateRoutes(lambda: [*_calls(neko), *_models(neko), *pages])
    routes = [*front, late]
    if settings.pages is not None:
        given = given_routes(neko, settings.pages, Router(routes, redirect_slashes=False))
        routes = [*at_once, LateRoutes(lambda: [*_calls(neko), *_models(neko), *given])]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Guard, hosts=hosts, access=TokenAuth(settings.token) if settings.token else None),
        ],
        exception_handlers={HTTPException: _refused, Exception: partial(_crashed, neko)},
    )
    app.router.redirect_slashes = False
    return app


class LateRoutes(BaseRoute):
    """Whatever the routes before it left: routes that are made, in a thread, when the first of them is asked for or
    will be soon."""

    def __init__(self, make: Callable[[], list[BaseRoute]]) -> None:
        self.make = make
        self._router: asyncio.Future[Router] | None = None

    def soon(self) -> None:
        """A page has been answered: while its browser reads it, make what it will ask for."""
        asyncio.get_running_loop().call_later(_READ_S, self._made)

    def _made(self) -> asyncio.Future[Router]:
        router = self._router
        if router is None or (router.done() and router.exception()):
            router = self._router = asyncio.get_running_loop().run_in_executor(None, self._routed)
        return router

    def _routed(self) -> Router:
        return Router(self.make(), redirect_slashes=False)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return Match.FULL, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        router = await asyncio.shield(self._made())
        await router(scope, receive, send)


def _calls(neko: Neko) -> list[BaseRoute]:
    """Blocks: they and the models of what comes in and goes out are a fifth of what a start would import."""
    from neko.web import calls

    return calls.call_routes(neko)


def _own_files() -> list[BaseRoute]:
    return [
        Mount("/static/locales", StaticFiles(ASSETS / "locales")),
        Mount("/static/assets/avatar", StaticFiles(ASSETS / "avatar")),
        STYLE_SHEETS,
        Mount("/static", StaticFiles(WEB / "static")),
    ]


def _models(neko: Neko) -> list[BaseRoute]:
    return [
        Mount("/user_live2d", ForeignFiles(lambda: neko.avatars.live2d.user_root.folder)),
        Mount("/user_vrm", ForeignFiles(lambda: neko.avatars.vrm.folder)),
        Mount("/workshop", _items(neko)),
        Mount("/user_mods", _items(neko)),
    ]


def _items(neko: Neko) -> ForeignFiles:
    return ForeignFiles(lambda: neko.workshop.root, anywhere=True, further=lambda: neko.workshop.subscribed)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return plain_json({"detail": error.detail}, error.status_code, error.headers)


async def _crashed(neko: Neko, request: Request, _error: Exception) -> Response:
    """Outside the calls, which answer for themselves; the server logs the exception."""
    errors = await in_thread(import_module, "neko.web.errors")
    failure = await errors.failure_of(NekoError(), client_language(request) or neko.language.current)
    answer: Response = errors.json_response(failure, 500)
    return answer


async def _health(neko: Neko, _request: Request) -> Response:
    return health(neko)
