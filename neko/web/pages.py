"""The page: one template, the same for ``/`` and ``/{character}``.

An unknown name gets the page as well; the WebSocket then says which character there is.
"""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from neko.app import Neko
from neko.settings import ASSETS
from neko.tasks import in_thread
from neko.web.mount import mount_path
from neko.web.request_language import request_language
from neko.web.static_files import content_version

if TYPE_CHECKING:
    import jinja2

WEB = Path(__file__).parent
VERSIONED = (WEB / "static", ASSETS / "locales", ASSETS / "avatar")
PAGES = {"/": "The page with the current character.", "/{character}": "The page with this character."}


class Page:
    """The template and the version of the files it asks for, loaded at first use."""

    def __init__(self) -> None:
        self._loaded: tuple[jinja2.Template, str] | None = None

    async def render(self, *, base: str, character: str, language: str) -> str:
        if self._loaded is None:
            self._loaded = await in_thread(_load)
        template, version = self._loaded
        return template.render(base=base, character=character, language=language, version=version)


def page_routes(neko: Neko) -> list[Route]:
    """``/`` and, to be routed after everything else, ``/{character}``."""
    show = partial(_show, Page(), neko)
    return [Route(path, show, name=path) for path in PAGES]


async def _show(page: Page, neko: Neko, request: Request) -> Response:
    html = await page.render(
        base=mount_path(request.scope) + "/",
        character=request.path_params.get("character") or neko.characters.current,
        language=request_language(request, neko),
    )
    return HTMLResponse(html, headers={"cache-control": "no-cache", "vary": "accept-language"})


def _load() -> tuple[jinja2.Template, str]:
    engine = importlib.import_module("jinja2")
    environment: jinja2.Environment = engine.Environment(
        loader=engine.FileSystemLoader(WEB / "templates"), autoescape=True, auto_reload=False
    )
    return environment.get_template("index.html"), content_version(VERSIONED)
