"""The ASGI app: guard, calls, files, socket, pages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import chain

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Router

from neko.app import Neko
from neko.errors import NekoError
from neko.settings import ASSETS
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import ALLOWED_HOSTS
from neko.web.allowed_hosts import AllowedHosts
from neko.web.endpoint import Endpoint, routes_of
from neko.web.errors import failure_of, http_exception_response, json_response
from neko.web.given_pages import given_routes
from neko.web.guard import Guard
from neko.web.openapi import description_route
from neko.web.pages import WEB, page_routes
from neko.web.request_language import client_language
from neko.web.routes import (
    agent,
    agent_audit,
    agent_policies,
    agent_server,
    agent_tasks,
    approvals,
    avatar_models,
    backup,
    calls,
    character_cards,
    character_model,
    character_voices,
    characters,
    chats,
    core_api,
    emotion,
    faults,
    health,
    hearing,
    helplines,
    history,
    languages,
    live2d,
    mcp,
    media_cookies,
    memory,
    memory_browser,
    memory_facts,
    memory_files,
    memory_import,
    memory_memos,
    memory_service,
    memory_sharing,
    memory_times,
    memory_work,
    metrics,
    microphone,
    models,
    monitor,
    page_config,
    personal_dynamics,
    plugins,
    preferences,
    privacy,
    proactive,
    providers,
    reply_options,
    settings,
    small_model,
    speech,
    steam,
    translation,
    vrm,
    window_title,
    workshop,
)
from neko.web.static_files import ForeignFiles, StaticFiles
from neko.web.style_sheets import STYLE_SHEETS
from neko.web.token_auth import TokenAuth
from neko.web.viewer_sockets import viewer_routes

ROUTE_MODULES = (
    health,
    page_config,
    personal_dynamics,
    preferences,
    languages,
    core_api,
    providers,
    characters,
    character_cards,
    character_model,
    character_voices,
    avatar_models,
    live2d,
    vrm,
    chats,
    microphone,
    history,
    memory,
    memory_browser,
    memory_facts,
    memory_files,
    memory_import,
    memory_memos,
    memory_service,
    memory_times,
    memory_sharing,
    memory_work,
    backup,
    helplines,
    models,
    small_model,
    settings,
    privacy,
    proactive,
    reply_options,
    speech,
    hearing,
    calls,
    emotion,
    translation,
    faults,
    agent,
    agent_audit,
    agent_policies,
    agent_server,
    agent_tasks,
    approvals,
    mcp,
    media_cookies,
    plugins,
    steam,
    workshop,
    window_title,
    metrics,
    monitor,
)

ENDPOINTS: tuple[Endpoint, ...] = tuple(chain.from_iterable(module.ENDPOINTS for module in ROUTE_MODULES))


def create_asgi(neko: Neko, socket_route: BaseRoute, *, allowed_hosts: Iterable[str] = ()) -> Starlette:
    """The app, to be served or to be mounted below another one.

    ``allowed_hosts`` are further names it answers to, beside loopback, the bound address and those of
    ``NEKO_ALLOWED_HOSTS`` (comma separated).
    """
    settings = neko.settings
    hosts = AllowedHosts(settings.host, (*SettingsInForce({}, settings.environ).get(ALLOWED_HOSTS), *allowed_hosts))
    calls = [*routes_of(ENDPOINTS, neko), description_route(ENDPOINTS)]
    sockets = [socket_route, *viewer_routes(neko)]
    # What a page asks for a hundred times comes first: a request is compared with one route after the other.
    routes: list[BaseRoute] = [*_own_files(), *calls, *_models(neko), *sockets, *page_routes(neko)]
    if settings.pages is not None:
        ours = Router(routes, redirect_slashes=False)
        routes = [*calls, *_models(neko), *sockets, *given_routes(neko, settings.pages, ours)]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Guard, hosts=hosts, access=TokenAuth(settings.token) if settings.token else None),
        ],
        exception_handlers={HTTPException: _refused, Exception: partial(_crashed, neko)},
    )
    app.router.redirect_slashes = False
    return app


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
        Mount("/workshop", ForeignFiles(lambda: neko.workshop.root)),
        Mount("/user_mods", ForeignFiles(lambda: neko.workshop.root)),
    ]


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return http_exception_response(error)


async def _crashed(neko: Neko, request: Request, _error: Exception) -> Response:
    """Outside the calls, which answer for themselves; the server logs the exception."""
    return json_response(await failure_of(NekoError(), client_language(request) or neko.language.current), 500)
