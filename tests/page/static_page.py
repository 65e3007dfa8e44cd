"""A page that is nothing but the page's own modules: no server, the files are handed to the browser from the disk."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Route

ROOT = Path(__file__).parents[2]
ADDRESS = "http://localhost/"

_FOLDERS = {
    "/static/assets/": ROOT / "assets",
    "/static/": ROOT / "neko" / "web" / "static",
    "/tests/": Path(__file__).parent,
}
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".svg": "image/svg+xml", ".json": "application/json"}


async def open_static_page(browser: Browser, width: int = 800, height: int = 600) -> Page:
    """An empty page on which ``import("/static/…")`` and ``import("/tests/…")`` work."""
    page = await browser.new_page(viewport={"width": width, "height": height})
    await page.route("**/*", _answer)
    await page.goto(ADDRESS)
    return page


async def _answer(route: Route) -> None:
    path = urlsplit(route.request.url).path
    if path == "/":
        await route.fulfill(content_type="text/html", body="<!doctype html><title>page</title><body></body>")
        return
    for prefix, folder in _FOLDERS.items():
        if path.startswith(prefix):
            file = folder / path.removeprefix(prefix)
            if file.is_file():
                await route.fulfill(content_type=_TYPES.get(file.suffix, "text/plain"), body=file.read_bytes())
                return
    await route.fulfill(status=404, body="")
