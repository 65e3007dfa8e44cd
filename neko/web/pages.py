"""The HTML pages: a list of them, and one renderer for all.

Each page is a template with a policy of its own. A page whose path has a parameter takes whatever
the others left, so such pages come last. An unknown character gets the page as well; the WebSocket
then says which character there is.
"""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from neko.app import Neko
from neko.settings import ASSETS
from neko.tasks import in_thread
from neko.web.content_policy import STRICT, ContentPolicy
from neko.web.module_graph import modules_of
from neko.web.mount import base_path
from neko.web.request_language import page_language
from neko.web.static_files import content_version

if TYPE_CHECKING:
    import jinja2

WEB = Path(__file__).parent
TEMPLATES = WEB / "templates"
STATIC = WEB / "static"
VERSIONED = (STATIC, ASSETS / "locales", ASSETS / "avatar")


@dataclass(frozen=True, slots=True)
class Page:
    """``template`` is a file of the templates folder; it gets ``base``, ``character``, ``language``,
    ``version`` (of the files it asks for), ``entry`` (the page's module, where several share a template) and ``nonce``
    (empty unless the policy uses one). With ``leads_to``, a page and what follows its ``#``, the path leads there
    instead, with the query that it came with."""

    path: str
    template: str
    summary: str
    policy: ContentPolicy = STRICT
    entry: str = ""
    leads_to: str = ""


PAGES: tuple[Page, ...] = (
    Page("/", "index.html", "The page with the current character."),
    Page("/memory_browser", "memory_browser.html", "What a character remembers, to look through and to set right."),
    Page("/agent", "agent.html", "What she does and did, what she may do, and her servers of tools."),
    Page("/model_manager", "manager.html", "What she looks like: models, and what is set for them.", entry="models"),
    Page("/voice_clone", "manager.html", "Voices made of recordings, and who has them.", entry="voices"),
    Page("/steam_workshop_manager", "manager.html", "The items of the Workshop that are here.", entry="workshop"),
    Page(
        "/cookies_login", "manager.html", "Logins of media sites: which there are, given and forgotten.", entry="logins"
    ),
    Page("/monitor", "monitor.html", "How every part of Neko is just now."),
    Page("/docs", "docs.html", "Every call of this description, to browse and to try."),
    Page("/viewer", "overlay.html", "Her and her words on nothing, for a stream.", entry="avatar"),
    Page("/subtitle", "overlay.html", "Her words on nothing, for a stream.", entry="subtitles"),
    Page("/api_key", "", "Leads to the settings of models and keys.", leads_to="#settings/model"),
    Page("/chara_manager", "", "Leads to the settings of characters.", leads_to="#settings/characters"),
    Page("/api/auth/page", "", "Leads to the logins of media sites.", leads_to="cookies_login"),
    Page("/l2d", "", "Leads to the models.", leads_to="model_manager"),
    Page("/live2d_parameter_editor", "", "Leads to a model's parameters.", leads_to="model_manager#live2d//parameters"),
    Page("/live2d_emotion_manager", "", "Leads to a model's emotions.", leads_to="model_manager#live2d//emotions"),
    Page("/vrm_emotion_manager", "", "Leads to a VRM model's emotions.", leads_to="model_manager#vrm//emotions"),
    Page("/{character}", "index.html", "The page with this character."),
)


class PageRenderer:
    """Templates and the version of the files they ask for, loaded off the loop at first use."""

    def __init__(self, templates: Path = TEMPLATES, versioned: Iterable[Path] = VERSIONED) -> None:
        self._folder = templates
        self._versioned = tuple(versioned)
        self._environment: jinja2.Environment | None = None
        self._version = ""
        self._templates: dict[str, jinja2.Template] = {}

    async def render(self, template: str, **context: str) -> str:
        """The page as HTML; ``context`` is what the template gets besides ``version``."""
        if template not in self._templates:
            self._templates[template] = await in_thread(self._load, template)
        return self._templates[template].render(version=self._version, **context)

    def _load(self, template: str) -> jinja2.Template:
        if self._environment is None:
            engine = importlib.import_module("jinja2")
            self._version = content_version(self._versioned)
            self._environment = engine.Environment(
                loader=engine.FileSystemLoader(self._folder), autoescape=True, auto_reload=False
            )
            self._environment.globals["modules_of"] = cache(partial(modules_of, STATIC))
        return self._environment.get_template(template)


def page_routes(
    neko: Neko,
    pages: Iterable[Page] = PAGES,
    renderer: PageRenderer | None = None,
    shown: Callable[[], object] = lambda: None,
) -> list[Route]:
    """One route a page, those with a parameter last; to be routed after everything else. ``shown`` is called whenever
    a browser gets one: a script that asks whether there is a page asks for nothing more."""
    shared = renderer or PageRenderer()
    return [
        Route(page.path, partial(_show, page, shared, neko, shown), name=page.path)
        for page in sorted(pages, key=lambda page: "{" in page.path)
    ]


async def _show(
    page: Page, renderer: PageRenderer, neko: Neko, shown: Callable[[], object], request: Request
) -> Response:
    if page.leads_to:
        path, _, place = page.leads_to.partition("#")
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{base_path(request.scope)}{path}{query}{'#' if place else ''}{place}", 303)
    nonce = secrets.token_urlsafe(16) if page.policy.uses_nonce else ""
    language = page_language(request, neko)
    await neko.characters.suit(language)
    html = await renderer.render(
        page.template,
        base=base_path(request.scope),
        character=request.path_params.get("character") or neko.characters.current,
        language=language,
        named="yes" if neko.characters.cards.is_master_named else "",
        nonce=nonce,
        entry=page.entry,
    )
    if "text/html" in request.headers.get("accept", ""):
        shown()
    headers = {
        "cache-control": "no-cache",
        "vary": "accept-language",
        "content-security-policy": page.policy.header(request.headers.get("host", ""), nonce),
    }
    return HTMLResponse(html, headers=headers)
