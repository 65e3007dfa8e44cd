"""A page that is nothing but the page's own modules: no server, the files are handed to the browser from the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Route

ROOT = Path(__file__).parents[2]
ADDRESS = "http://localhost/"
EMPTY = "<!doctype html><title>page</title><body></body>"

_FOLDERS = {
    "/static/assets/": ROOT / "assets",
    "/static/locales/": ROOT / "assets" / "locales",
    "/static/": ROOT / "neko" / "web" / "static",
    "/tests/": Path(__file__).parent,
}
_TYPES = {
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
}


async def open_static_page(
    browser: Browser, width: int = 800, height: int = 600, *, html: str = EMPTY, files: Mapping[str, str] | None = None
) -> Page:
    """The page ``html``, on which ``import("/static/…")``, ``import("/tests/…")`` and the paths in ``files`` work."""
    texts = {"/": html, **(files or {})}

    async def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        file = _file(path)
        suffix = Path(path).suffix or ".html"
        if path in texts:
            await route.fulfill(content_type=_TYPES[suffix], body=texts[path])
        elif file is not None and file.is_file():
            await route.fulfill(content_type=_TYPES.get(suffix, "text/plain"), body=file.read_bytes())
        else:
            await route.fulfill(status=404, body="")

    page = await browser.new_page(viewport={"width": width, "height": height})
    await page.route("**/*", answer)
    await page.goto(ADDRESS)
    return page


def _file(path: str) -> Path | None:
    for prefix, folder in _FOLDERS.items():
        if path.startswith(prefix):
            return folder / path.removeprefix(prefix)
    return None
