"""N.E.K.O.'s own pages out of a folder of the user's (``--pages``), as they are, at their addresses.

The folder is N.E.K.O.'s, or is laid out as that one: ``templates`` with the pages, ``static`` with their files. Below
``OWN_PAGES`` everything is as it is without such a folder, our pages and what they ask for; a page that the folder
does not have leads there. Their addresses begin at the root of the host, as N.E.K.O. writes them (pages.md §1, §2).
"""

from __future__ import annotations

import importlib
import logging
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette import staticfiles
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from neko.app import Neko
from neko.tasks import in_thread
from neko.web.content_policy import STRICT
from neko.web.mount import base_path, mount_path
from neko.web.static_files import StaticFiles

if TYPE_CHECKING:
    import jinja2

logger = logging.getLogger(__name__)

OWN_PAGES: Final = "neko-pages"

_TEMPLATES: Final = {
    "/": "index.html",
    "/memory_browser": "memory_browser.html",
    "/agent": "",
    "/monitor": "",
    "/docs": "",
    "/model_manager": "model_manager.html",
    "/l2d": "model_manager.html",
    "/live2d_parameter_editor": "live2d_parameter_editor.html",
    "/live2d_emotion_manager": "live2d_emotion_manager.html",
    "/vrm_emotion_manager": "vrm_emotion_manager.html",
    "/voice_clone": "voice_clone.html",
    "/chara_manager": "chara_manager.html",
    "/api_key": "api_key_settings.html",
    "/steam_workshop_manager": "steam_workshop_manager.html",
    "/cookies_login": "cookies_login.html",
    "/api/auth/page": "cookies_login.html",
    "/viewer": "",
    "/subtitle": "subtitle.html",
    "/{character}": "index.html",
}
"""By address; "" for a page that N.E.K.O. has not, or only on another port, by a name that is a character's here."""

_ICON: Final = "favicon.ico"

POLICY: Final = STRICT.allowing(
    script_src=("'unsafe-inline'", "'unsafe-eval'", "blob:"),
    style_src=("'unsafe-inline'",),
    worker_src=("blob:",),
    font_src=("data:",),
    media_src=("data:",),
    connect_src=("blob:", "data:"),
)
"""Scripts in the page, and what draws Live2D (which makes code of text); no other host, as everywhere."""


_FURTHER_TYPES: Final = {
    ".bmp": "image/bmp",
    ".m4a": "audio/mp4",
    ".mp4": "video/mp4",
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".webm": "video/webm",
    ".woff": "font/woff",
    ".xml": "application/xml",
}


class GivenFiles(StaticFiles):
    """Their files, which the user may change: a browser asks each time. A link out of the folder is not followed."""

    types = StaticFiles.types | _FURTHER_TYPES

    def file_response(
        self,
        full_path: staticfiles.PathLike,
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = "no-cache"
        return response


class GivenTemplates:
    """Jinja2 with escaped values, in a sandbox; a file that was changed is read again. All of it blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment: jinja2.Environment | None = None

    def render(self, name: str, values: dict[str, str]) -> str | None:
        """The page; None when there is none. Raises ``jinja2.TemplateError`` for one that cannot be made."""
        if not name or self._source(name) is None:
            return None
        if self._environment is None:
            engine, sandbox = importlib.import_module("jinja2"), importlib.import_module("jinja2.sandbox")
            self._environment = sandbox.SandboxedEnvironment(
                loader=engine.FunctionLoader(self._source), autoescape=True, undefined=engine.Undefined
            )
        return self._environment.get_template(name).render(values)

    def _source(self, name: str) -> tuple[str, str, object] | None:
        """What stands in a file of the folder; nothing of a link or a path that leads out of it."""
        folder = self._folder.resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            return None
        changed = path.stat().st_mtime_ns
        return path.read_text(encoding="utf-8"), str(path), lambda: _changed(path) == changed


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def given_routes(neko: Neko, folder: Path, ours: ASGIApp) -> list[BaseRoute]:
    """The pages and files of the folder, and ``ours`` at an address of their own; to be routed after the calls."""
    templates, files = GivenTemplates(folder / "templates"), GivenFiles(folder / "static")
    return [
        Mount(f"/{OWN_PAGES}", _below(ours)),
        Mount("/static", files),
        Route(f"/{_ICON}", partial(_icon, files), name="icon"),
        *(Route(path, partial(_show, neko, templates, name), name=path) for path, name in _TEMPLATES.items()),
    ]


async def _icon(files: GivenFiles, request: Request) -> Response:
    """What browsers ask for where a page names no icon; ours where the folder has none."""
    try:
        return await files.get_response(_ICON, request.scope)
    except HTTPException:
        return RedirectResponse(f"{base_path(request.scope)}{OWN_PAGES}/static/icons/favicon.svg", 303)


def _below(ours: ASGIApp) -> ASGIApp:
    """``ours`` below ``OWN_PAGES``. Where the root of the host may be a path that only a proxy knows, they are told of
    neither: what they hand out is relative then, and right."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        here = scope["root_path"]
        if here == f"/{OWN_PAGES}":
            scope = {**scope, "root_path": "", "path": scope["path"].removeprefix(here)}
        await ours(scope, receive, send)

    return app


async def _show(neko: Neko, templates: GivenTemplates, name: str, request: Request) -> Response:
    """A page gets ``lanlan_name`` (of the address, as N.E.K.O. gives it), ``character`` (or whoever is current),
    ``root_path`` (the path below which this app is shown, without a slash at its end) and ``base`` (the same as the
    address of this page has it, relative where nothing is known)."""
    named = request.path_params.get("character", "")
    if named == OWN_PAGES:
        return RedirectResponse(f"{base_path(request.scope)}{OWN_PAGES}/", 303)
    asked = named or request.query_params.get("lanlan_name", "")
    values = {
        "lanlan_name": asked,
        "character": asked or neko.characters.current,
        "root_path": mount_path(request.scope),
        "base": base_path(request.scope),
    }
    errors = importlib.import_module("jinja2")
    try:
        html = await in_thread(templates.render, name, values)
    except (errors.TemplateError, UnicodeDecodeError, OSError) as error:
        logger.warning("the page %s cannot be made: %s", name, error)
        return PlainTextResponse(f"{name} cannot be shown. {type(error).__name__}: {error}", 500)
    if html is None:
        query = f"?{request.url.query}" if request.url.query else ""
        rest = quote(request.scope["path"].removeprefix(request.scope.get("root_path", "")).lstrip("/"))
        return RedirectResponse(f"{base_path(request.scope)}{OWN_PAGES}/{rest}{query}", 303)
    policy = POLICY.header(request.headers.get("host", ""))
    return HTMLResponse(html, headers={"cache-control": "no-cache", "content-security-policy": policy})
