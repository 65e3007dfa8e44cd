"""One page of a task, and what happens in it meanwhile: dialogs, downloads, crashes, loads that never end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from neko.agent.browser.elements import shown
from neko.agent.browser.gate import Gate, place_of
from neko.agent.outside import visible
from neko.tasks import TaskOwner, in_thread
from neko.types.hands import Picture

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Dialog, Download, Page, Request, WebSocket

    from neko.agent.browser.restraint import Restraint

LARGEST_DOWNLOAD: Final = 200 * 1024 * 1024
_DOCUMENT_S: Final = 12.0
_FETCH_S: Final = 3.0
_QUIET_S: Final = 0.1
_ANSWER_S: Final = 3.0
_WAITED_FOR: Final = frozenset({"document", "xhr", "fetch"})
_MOST_REQUESTS: Final = 500
_CLOSE_S: Final = 0.7
"""For each of two requests to close a page."""
_THUMBNAIL_SCALE: Final = 0.3
_NAME_FORBIDDEN: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')
_WINDOWS_DEVICES: Final = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_LONGEST_FILE_NAME: Final = 100


class Tab:
    """``notices`` tell the model what it did not do itself, oldest first; ``files`` what was downloaded since they were
    last taken. ``on_popup`` gets each page that this one opens."""

    def __init__(
        self,
        page: Page,
        cdp: CDPSession,
        gate: Gate,
        restraint: Restraint,
        owner: TaskOwner,
        folder: Path,
        on_popup: Callable[[Page], None],
    ) -> None:
        self.page = page
        self.notices: deque[str] = deque(maxlen=20)
        self.files: list[Path] = []
        self.crashed = False
        self.accepts: tuple[str, str | None] | None = None
        """The message of the dialog that the user allowed to be accepted, and what to write into it."""
        self.last_dialog: tuple[str, str] | None = None
        self._cdp = cdp
        self._gate = gate
        self._restraint = restraint
        self._sockets: set[WebSocket] = set()
        self._owner = owner
        self._folder = folder
        self._under_way: dict[Any, bool] = {}
        self._downloading: set[asyncio.Task[None]] = set()
        self._received: dict[str, int] = {}
        self._errors = 0
        self._changed = asyncio.Event()
        page.on("popup", on_popup)
        page.on("dialog", self._on_dialog)
        page.on("download", self._on_download)
        page.on("crash", self._on_crash)
        page.on("pageerror", self._on_error)
        page.on("request", self._on_request)
        page.on("requestfinished", self._on_request_over)
        page.on("requestfailed", self._on_request_over)
        page.on("websocket", self._on_socket)
        cdp.on("Page.downloadProgress", self._on_progress)
        cdp.on("Page.frameNavigated", self._on_new_document)
        restraint.know(page)

    @property
    def title(self) -> str:
        return shown(self.page.url, 120)

    @property
    def has_socket(self) -> bool:
        """It has a WebSocket open, through which it can send what nobody sees."""
        return any(not socket.is_closed() for socket in self._sockets)

    # ── what happens by itself ────────────────────────────────────────────────

    def _on_socket(self, socket: WebSocket) -> None:
        self._sockets = {one for one in self._sockets if not one.is_closed()} | {socket}
        self._restraint.opened(self.page, socket.url)

    def _on_new_document(self, event: dict[str, Any]) -> None:
        if "parentId" not in event["frame"]:
            self._restraint.release(self.page)

    def _on_request(self, request: Request) -> None:
        if request.is_navigation_request() and request.frame.parent_frame is None:
            self.tell_refusal(request.url)
        if request.resource_type in _WAITED_FOR and len(self._under_way) < _MOST_REQUESTS:
            self._under_way[request] = request.resource_type == "document"
            self._changed.set()

    def _on_request_over(self, request: Request) -> None:
        if self._under_way.pop(request, None) is not None:
            self._changed.set()
        if request.failure and request.is_navigation_request():
            self.tell_refusal(request.url)

    def tell_refusal(self, url: str) -> None:
        """Say so, if this address that the page leads to may not be opened."""
        reason = self._gate.refusal(*place_of(url)) if url.startswith("http") else ""
        if reason:
            self._tell(f"The page led to {shown(url, 120)}, which was not opened. {reason}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self._owner.spawn(self._answer(dialog), name="dialog")

    async def _answer(self, dialog: Dialog) -> None:
        kind, message = dialog.type, shown(dialog.message, 300)
        accepted, self.accepts = self.accepts, None
        with contextlib.suppress(playwright_errors()):
            if accepted is not None and accepted[0] == message:
                await dialog.accept(accepted[1] or "")
                self._tell(f"The dialog “{message}” ({kind}) was accepted.")
                return
            await dialog.dismiss()
        self.last_dialog = (kind, message)
        if kind == "alert":
            self._tell(f"The page showed a message: “{message}”.")
        elif kind == "beforeunload":
            self._tell("The page asked whether it may be left, and was not; accept that with answer_dialog first.")
        else:
            self._tell(f"The page asked “{message}” ({kind}), which was answered with no (dismissed).")

    def _on_crash(self, _page: Page) -> None:
        self.crashed = True
        self._under_way.clear()
        self._changed.set()
        self._tell("The page has crashed. Open its address again, or another.")

    def _on_error(self, error: Exception) -> None:
        self._errors += 1
        if self._errors <= 2:
            self._tell(f"A script of the page failed: {shown(str(error), 160)}")

    def _tell(self, notice: str) -> None:
        if notice not in self.notices:
            self.notices.append(notice)

    # ── downloads ─────────────────────────────────────────────────────────────

    def _on_download(self, download: Download) -> None:
        if self._owner.closed:
            return
        task = self._owner.spawn(self._save(download), name="download")
        self._downloading.add(task)
        task.add_done_callback(self._downloading.discard)
        task.add_done_callback(lambda _: self._changed.set())

    async def _save(self, download: Download) -> None:
        name = safe_file_name(download.suggested_filename)
        try:
            if self._restraint.restrains(self.page):
                await download.cancel()
                self._tell(f"The page wanted to give you the file {name}, which was not taken: call download for it.")
                return
            refusal = await download.failure()
            if refusal is None:
                path = await in_thread(_free_path, self._folder, name)
                await download.save_as(path)
                await download.delete()
                self.files.append(path)
                self._tell(f"Downloaded: {path.name}")
                return
        except asyncio.CancelledError:
            with contextlib.suppress(playwright_errors()):
                await download.cancel()
            raise
        except playwright_errors() as error:
            refusal = shown(str(error), 120)
        self._tell(f"The download of {name} failed ({refusal}).")

    def _on_progress(self, event: dict[str, Any]) -> None:
        if event.get("receivedBytes", 0) > LARGEST_DOWNLOAD or event.get("totalBytes", 0) > LARGEST_DOWNLOAD:
            self._tell(f"A download was stopped: it is larger than {LARGEST_DOWNLOAD // 1024 // 1024} MB.")
            for task in list(self._downloading):
                task.cancel()

    # ── waiting and ending ────────────────────────────────────────────────────

    async def settled(self, *, downloads_s: float = 0.0) -> None:
        """Until what the page was doing is done, within bounds: documents, then what scripts fetch for a while.

        ``downloads_s``: wait as long for downloads, too.
        """
        if not await self._quiet(lambda: any(self._under_way.values()), _DOCUMENT_S):
            self._tell("The page is still loading; this is what there is of it.")
            await self.stop_loading()
        with contextlib.suppress(playwright_errors()):
            await self.page.wait_for_load_state("domcontentloaded", timeout=_ANSWER_S * 1000)
        await self._quiet(lambda: bool(self._under_way), _FETCH_S)
        if downloads_s and not await self._quiet(lambda: bool(self._downloading), downloads_s):
            self._tell("The download goes on.")

    async def _quiet(self, busy: Callable[[], bool], most_s: float) -> bool:
        """Wait until it has not been busy for a moment; False when that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                while not self.crashed:
                    self._changed.clear()
                    if busy():
                        await self._changed.wait()
                        continue
                    try:
                        async with asyncio.timeout(_QUIET_S):
                            await self._changed.wait()
                    except TimeoutError:
                        return True
                return True
        return False

    async def stop_loading(self) -> None:
        self._under_way.clear()
        with contextlib.suppress(TimeoutError, playwright_errors()):
            async with asyncio.timeout(0.25):
                await self._cdp.send("Page.stopLoading")

    def stop_downloads(self) -> None:
        for task in list(self._downloading):
            task.cancel()

    async def close(self) -> None:
        self.stop_downloads()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self.page.close()
        except TimeoutError:
            # Chromium loses the request when it comes as another document takes the place of the last one
            with contextlib.suppress(TimeoutError, playwright_errors()):
                async with asyncio.timeout(_CLOSE_S):
                    await self._cdp.send("Page.close")
        except playwright_errors():
            pass

    async def thumbnail(self) -> Picture | None:
        """What the page looks like, small."""
        size = self.page.viewport_size
        if self.crashed or size is None:
            return None
        clip = {"x": 0, "y": 0, **size, "scale": _THUMBNAIL_SCALE}
        with contextlib.suppress(TimeoutError, playwright_errors()):
            async with asyncio.timeout(1.0):
                wanted = {"format": "jpeg", "quality": 50, "clip": clip}
                answer = await self._cdp.send("Page.captureScreenshot", wanted)
                return Picture(base64.b64decode(answer["data"]), "image/jpeg")
        return None


def playwright_errors() -> type[Exception]:
    """Whatever Playwright complains of; imported when it is needed."""
    from playwright.async_api import Error

    return Error


def safe_file_name(suggested: str) -> str:
    """A name for a file that a page suggests: no path, nothing unseen, no name that a system has for itself."""
    name = _NAME_FORBIDDEN.sub("_", visible(suggested).replace("\n", "_").replace("\t", "_")).strip(" .")
    if _WINDOWS_DEVICES.match(name):
        name = f"_{name}"
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 10:
        stem, ending = name, ""
    while len(stem.encode()) > _LONGEST_FILE_NAME:
        stem = stem[:-1]
    return (f"{stem}.{ending}" if ending else stem) or "download"


def _free_path(folder: Path, name: str) -> Path:
    """Where no file stands yet."""
    path, number = folder / name, 1
    while path.exists():
        number += 1
        path = folder / f"{Path(name).stem} ({number}){Path(name).suffix}"
    return path
