"""Somebody who visits the page: a browser profile, what its pages asked for, and what they complained about."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, WebError, expect

from tests.page.running_neko import ENDED

TIMEOUT_MS = 30_000
"""Milliseconds; a condition of the page that has not come by then does not come, on a busy machine too."""

BYTES_PER_MS = 96
"""Of her voice."""

ANY_ONLINE = re.compile("^(online|builtin)$")
SOME_ID = re.compile("^[0-9]+$")

expect.set_options(timeout=TIMEOUT_MS)

NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""

SAVE_DATA = """
Object.defineProperty(NetworkInformation.prototype, "saveData", { get: () => true });
"""

NO_BLUR = """
{
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, ::before, ::after, ::backdrop { backdrop-filter: none !important; }");
  document.adoptedStyleSheets.push(sheet);
}
"""

LOST = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_SOCKET_NOT_CONNECTED",
    "WebSocket connection",
)
"""What a browser says of a server that is gone, for ``forgive``."""


class PageDriver:
    """``open`` a page, then ``say``. After the test ``check``: nothing left the server's origin, nothing failed.

    They save data unless told otherwise: what is loaded ahead is a fifth of what a page costs.
    Nor do they see through glass: its blur, drawn anew with each frame, is most of what a browser without a graphics
    card draws.
    """

    def __init__(self, browser: Browser, *, saves_data: bool = True, blurs: bool = False, **device: Any) -> None:
        """``blurs``: what lies behind glass is drawn blurred; ``device``: as ``Browser.new_context`` wants it."""
        self._browser = browser
        self._scripts = [NOTE_VIOLATIONS]
        if saves_data:
            self._scripts.append(SAVE_DATA)
        if not blurs:
            self._scripts.append(NO_BLUR)
        self._device = {"viewport": {"width": 1440, "height": 900}, "locale": "en-US", **device}
        self._forgiven: list[str] = []
        self.context: BrowserContext
        self.page: Page
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        self.sent: list[str] = []
        self.binary = 0
        self.sound: list[bytes] = []
        self.voice: defaultdict[str, bytearray] = defaultdict(bytearray)
        self.received: list[str] = []
        self._heard = asyncio.Event()
        self._went = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.context = await self._browser.new_context(**self._device)
        self.context.set_default_timeout(TIMEOUT_MS)
        await self.context.add_init_script("".join(self._scripts))
        self.context.on("request", self._on_request)
        self.context.on("console", self._on_console)
        self.context.on("weberror", self._on_error)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.context.close()

    def forgive(self, *fragments: str) -> None:
        """Complaints that hold one of these are expected."""
        self._forgiven.extend(fragments)

    def check(self) -> None:
        wrong = [text for text in self.complaints if not any(part in text for part in self._forgiven)]
        assert not wrong, wrong
        assert self.hosts() <= {"127.0.0.1"}, self.hosts()

    def hosts(self) -> set[str]:
        """Every host that was asked for anything."""
        parts = (urlsplit(request.url) for request in self.requests)
        return {part.hostname or "" for part in parts if part.scheme in ("http", "https", "ws", "wss")}

    async def open(self, url: str, *, ready: bool = True) -> Page:
        """Open another page; with ``ready`` her socket is up, the server has greeted it and the history stands."""
        self._heard.clear()
        self.page = await self.context.new_page()
        self.page.on("websocket", self._listen)
        await self.page.goto(url)
        if ready:
            await self.until_ready()
            await asyncio.wait_for(self._heard.wait(), TIMEOUT_MS / 1000)
        return self.page

    async def until_ready(self) -> None:
        await expect(self.get("connection")).to_have_attribute("data-state", ANY_ONLINE)

    async def say(self, text: str) -> None:
        await self.get("composer").fill(text)
        await self.get("composer").press("Enter")

    async def reply(self, count: int = 1) -> str:
        """Wait until the ``count``-th stored reply stands; its text."""
        replies = self.lines("assistant")
        reply = replies.nth(count - 1)
        await expect(reply).to_have_attribute("data-id", SOME_ID)
        await expect(reply.locator(".line-words")).not_to_be_empty()  # what shows Markdown may be on its way
        return await words(reply)

    async def until_sent(self, action: str, count: int = 1, **fields: Any) -> list[dict[str, Any]]:
        """Wait until the page has sent ``count`` such actions with these values; all of them so far."""
        wanted = {"action": action, **fields}
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            while len(found := [one for one in map(json.loads, self.sent) if wanted.items() <= one.items()]) < count:
                self._went.clear()
                await self._went.wait()
        return found

    def get(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    def lines(self, role: str = "") -> Locator:
        return self.page.locator(f'.line[data-testid="line"]{f"[data-role={role}]" if role else ""}')

    async def texts(self, role: str = "") -> list[str]:
        """The words of every line, as a reader sees them, from the top."""
        found = self.page.locator(f'.line[data-testid="line"]{f"[data-role={role}]" if role else ""} .line-words')
        return [text.strip() for text in await found.all_text_contents()]

    async def until(self, holds: str, arg: Any = None, *, seconds: float = TIMEOUT_MS / 1000) -> None:
        """Wait until the JavaScript function ``holds(arg)`` answers something true.

        Playwright's own way needs ``eval``, which the page's policy forbids.
        """
        came = await self.page.evaluate(
            f"""async ([arg, end]) => {{
              const holds = {holds};
              for (end += performance.now(); performance.now() < end;) {{
                if (holds(arg)) return true;
                await new Promise((resolve) => setTimeout(resolve, 15));
              }}
              return Boolean(holds(arg));
            }}""",
            [arg, seconds * 1000],
        )
        assert came, f"not within {seconds} s: {holds}"

    async def violations(self) -> list[str]:
        found: list[str] = await self.page.evaluate("window.violations")
        return found

    def _on_console(self, message: ConsoleMessage) -> None:
        asked = message.location.get("url", "")
        lost = "net::ERR_" in message.text or message.text.startswith("WebSocket connection")
        if lost and any(asked.startswith(f"{url}/") for url in ENDED):
            return
        if message.type == "error" or message.text.startswith("[DOM]"):  # so Chromium speaks of forms
            self.complaints.append(f"console: {message.text} {asked}")

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)

    def _on_error(self, error: WebError) -> None:
        self.complaints.append(f"thrown: {error.error}")

    def _listen(self, socket: Any) -> None:
        socket.on("framesent", self._on_sent)
        socket.on("framereceived", self._on_received)

    def _on_sent(self, data: str | bytes) -> None:
        if isinstance(data, str):
            self.sent.append(data)
        else:
            self.sound.append(data)
        self._went.set()

    def _on_received(self, data: str | bytes) -> None:
        if isinstance(data, str):
            self.received.append(data)
            self._heard.set()
        else:
            self.binary += 1
            self.voice[json.loads(self.received[-1])["speech_id"]] += data


async def words(line: Locator) -> str:
    return (await line.locator(".line-words").text_content() or "").strip()
