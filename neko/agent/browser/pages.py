"""The tabs of one task, and what the model is told of them."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from neko.agent.browser.elements import shown
from neko.agent.browser.risk import Heard
from neko.agent.browser.running import RunningBrowser
from neko.agent.browser.snapshot import parts_of, snapshot_of
from neko.agent.browser.tabs import Tab, playwright_errors
from neko.types.hands import ActionError

if TYPE_CHECKING:
    from playwright.async_api import Page

PAGE_TOKENS: Final = 3_000
"""Of one part of a page; with what stands around it less than the loop keeps of an observation."""
MOST_TABS: Final = 10
_LOADS_S: Final = 20.0
_ADOPT_S: Final = 3.0


class Pages:
    """``files`` of ``folder`` are the task's."""

    def __init__(self, browser: RunningBrowser, folder: Path, heard: Heard) -> None:
        self.browser = browser
        self.tabs: dict[int, Tab] = {}
        self.current = 0
        self.snapshot = ""
        self.stands_still = False
        """What was done has been cancelled: a page that opens now is what it would have done next."""
        self._folder = folder
        self._heard = heard
        self._last = 0
        self._adopting: set[asyncio.Task[None]] = set()
        self._news: list[str] = []

    @property
    def tab(self) -> Tab:
        """The one that is acted in; raises ``ActionError`` when there is none."""
        self._drop_closed()
        if self.current not in self.tabs:
            raise ActionError("No page is open. Open one with navigate.")
        return self.tabs[self.current]

    @property
    def has_page(self) -> bool:
        self._drop_closed()
        return bool(self.tabs)

    def numbered(self, number: int) -> Tab:
        self._drop_closed()
        if number not in self.tabs:
            raise ActionError(f"There is no tab {number}. There are: {', '.join(map(str, self.tabs)) or 'none'}.")
        return self.tabs[number]

    def _drop_closed(self) -> None:
        for number in [number for number, tab in self.tabs.items() if tab.page.is_closed()]:
            del self.tabs[number]
        if self.current not in self.tabs and self.tabs:
            self.current = max(self.tabs)

    # ── opening ───────────────────────────────────────────────────────────────

    async def open(self, *, new: bool) -> Tab:
        """A tab to open an address in."""
        self._drop_closed()
        if not new and self.current in self.tabs and not self.tabs[self.current].crashed:
            return self.tabs[self.current]
        if len(self.tabs) >= MOST_TABS:
            raise ActionError(f"There are {MOST_TABS} tabs already. Close one first.")
        return self._added(await self.browser.new_tab(self._folder, self._on_popup))

    def _added(self, tab: Tab) -> Tab:
        self._last += 1
        self.tabs[self._last] = tab
        self.current = self._last
        return tab

    def _on_popup(self, page: Page) -> None:
        if self.browser.owner.closed:
            return
        task = self.browser.owner.spawn(self._adopt(page), name="popup")
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    async def _adopt(self, page: Page) -> None:
        with contextlib.suppress(playwright_errors()):
            if self.stands_still:
                await page.close()
                return
            if len(self.tabs) >= MOST_TABS:
                await page.close()
                self._news.append("The page opened a tab too many, which was closed.")
                return
            self._added(await self.browser.follow(page, self._folder, self._on_popup)).tell_refusal(page.url)
            self._news.append(f"The page opened a new tab, in which you are now (tab {self.current}).")

    async def load(self, tab: Tab, url: str) -> str:
        """Open an address; what there is to say of it. Never longer than its bound."""
        refusals = tab.notices.copy()
        try:
            await tab.page.goto(url, wait_until="commit", timeout=_LOADS_S * 1000)
        except playwright_errors() as error:
            await tab.stop_loading()
            if tab.page.is_closed():
                raise
            if [notice for notice in tab.notices if notice not in refusals]:
                return ""
            said = str(error)
            if "Download is starting" in said:
                return "The address is a file, which is being downloaded."
            if "Timeout" in type(error).__name__:
                return f"The server did not answer within {_LOADS_S:.0f} s."
            return f"It could not be opened: {shown(said.split(' at ')[0], 160)}"
        return ""

    async def settled(self, *, downloads_s: float = 0.0) -> None:
        """The current page and those that it opened have done what they were doing."""
        self._drop_closed()
        if self.current in self.tabs:
            await self.tabs[self.current].settled(downloads_s=downloads_s)
        if self._adopting:
            await asyncio.wait(set(self._adopting), timeout=_ADOPT_S)
            self._drop_closed()
            if self.current in self.tabs:
                await self.tabs[self.current].settled()

    async def stop(self) -> None:
        """Nothing runs on: loads and downloads end, and nothing opens until it goes on."""
        self.stands_still = True
        for tab in list(self.tabs.values()):
            tab.stop_downloads()
            if not tab.page.is_closed():
                await tab.stop_loading()

    async def aclose(self) -> None:
        for task in list(self._adopting):
            task.cancel()
        tabs = [tab for tab in self.tabs.values() if not tab.page.is_closed()]
        closing = [self.browser.owner.spawn(tab.close(), name="close") for tab in tabs if not self.browser.owner.closed]
        if closing:
            await asyncio.wait(closing, timeout=1.5)
        self.tabs.clear()

    # ── telling ───────────────────────────────────────────────────────────────

    def news(self) -> list[str]:
        """What happened by itself since it was asked last."""
        told, self._news = self._news, []
        for number, tab in self.tabs.items():
            told += [notice if number == self.current else f"Tab {number}: {notice}" for notice in tab.notices]
            tab.notices.clear()
        return told

    def files(self) -> list[Path]:
        """What was downloaded since it was asked last."""
        found = [path for tab in self.tabs.values() for path in tab.files]
        for tab in self.tabs.values():
            tab.files.clear()
        return found

    async def read(self) -> str:
        """The current page anew; raises Playwright's errors, ``ActionError``."""
        page = self.tab.page
        self.snapshot = await snapshot_of(page)
        self._heard.read(page.url, self.snapshot, [frame.url for frame in page.frames])
        return self.snapshot

    async def part(self, part: int = 1) -> str:
        """A part of the current page as it is now."""
        parts = parts_of(await self.read(), PAGE_TOKENS)
        part = min(max(1, part), len(parts))
        more = f"\n[Part {part} of {len(parts)}. look(part) shows another, find(text) searches all.]"
        return f"{parts[part - 1] or '(The page is empty.)'}{more if len(parts) > 1 else ''}"

    async def heading(self) -> str:
        tab = self.tab
        title = ""
        with contextlib.suppress(TimeoutError, playwright_errors()):
            async with asyncio.timeout(1.0):
                title = shown(await tab.page.title())
        lines = [f"Page: {title or '(no title)'}", f"Address: {tab.title}"]
        if len(self.tabs) > 1:
            tabs = (
                f"{number}{' (this)' if number == self.current else ''}: {one.title}"
                for number, one in self.tabs.items()
            )
            lines.append("Tabs: " + " | ".join(tabs))
        return "\n".join(lines)
