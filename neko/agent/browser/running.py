"""The browser program while it runs: one, with one profile, for all tasks, each in tabs of its own.

So the user signs in once, and nobody waits for another. It ends with us whatever happens: Playwright's driver ends it
when the pipe to us breaks.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from neko.agent.browser.elements import shown
from neko.agent.browser.gate import Gate
from neko.agent.browser.gate_proxy import GateProxy
from neko.agent.browser.restraint import SILENCED_WITH_THE_PAGE, Restraint
from neko.agent.browser.tabs import Tab
from neko.child_process import own_environment
from neko.net import Network
from neko.tasks import TaskOwner, in_thread, to_the_end
from neko.tool_errors import BrowserError

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page
    from playwright.async_api._context_manager import PlaywrightContextManager

logger = logging.getLogger(__name__)

VIEWPORT: Final = {"width": 1080, "height": 810}
"""Pixels; a screenshot is as large, and a larger one would only cost tokens."""
_START_S: Final = 30.0
# What a shared worker sends, or the browser itself later on, belongs to no page and could not be held back
# (``restraint``).
_FLAGS: Final = (
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-shared-workers",
    "--disable-blink-features=FetchLaterAPI",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-crash-restore-bubble",
)


@dataclass(frozen=True, slots=True)
class Launch:
    """How the browser is started: which program, with which profile, and whether in a window."""

    program: Path
    profile: Path
    visible: bool


class RunningBrowser:
    """``closed``: it has ended, by us, by the user or by itself; then every act fails."""

    def __init__(self, launch: Launch, gate: Gate, network: Network, owner: TaskOwner) -> None:
        self.visible = launch.visible
        self.closed = False
        self.gate = gate
        self.owner = owner
        self._launch = launch
        self._proxy = GateProxy(gate, network, owner)
        self._driver: PlaywrightContextManager | None = None
        self._context: BrowserContext | None = None
        self._restraint: Restraint | None = None

    @property
    def restraint(self) -> Restraint:
        """Once it has started."""
        assert self._restraint is not None
        return self._restraint

    async def start(self) -> None:
        """Raises ``BrowserError``."""
        from playwright.async_api import Error

        try:
            async with asyncio.timeout(_START_S):
                await self._start()
        except (Error, OSError, TimeoutError) as error:
            await self.aclose()
            said = shown(str(error), 300)
            if "sandbox" in said.lower():
                raise BrowserError("sandbox", "Chromium found no sandbox") from error
            raise BrowserError("not_started", type(error).__name__, said=said) from error
        except BaseException:
            await self.aclose()
            raise

    async def _start(self) -> None:
        launch = self._launch
        await in_thread(launch.profile.mkdir, mode=0o700, parents=True, exist_ok=True)
        await self._proxy.start()
        self._driver = (await in_thread(_load))()
        playwright = await to_the_end(self._driver.__aenter__())
        self._context = await playwright.chromium.launch_persistent_context(
            launch.profile,
            executable_path=launch.program,
            headless=not launch.visible,
            chromium_sandbox=not _is_root(),
            viewport=VIEWPORT,
            args=[*_FLAGS, f"--window-size={VIEWPORT['width']},{VIEWPORT['height'] + 140}"],
            proxy={"server": self._proxy.address},
            env=dict(own_environment()),
            accept_downloads=True,
            service_workers="block",
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
        await self._context.add_init_script(SILENCED_WITH_THE_PAGE)
        self._restraint = Restraint(self._context, self.owner)
        self._context.on("close", self._on_close)
        self._context.set_default_timeout(5_000)

    def _on_close(self, _context: Any) -> None:
        self.closed = True

    async def new_tab(self, folder: Path, on_popup: Callable[[Page], None]) -> Tab:
        """Empty; raises Playwright's errors."""
        self._check()
        assert self._context is not None
        return await self.follow(await self._context.new_page(), folder, on_popup)

    async def follow(self, page: Page, folder: Path, on_popup: Callable[[Page], None]) -> Tab:
        """A page that another has opened."""
        self._check()
        assert self._context is not None
        cdp = await self._context.new_cdp_session(page)
        tab = Tab(page, cdp, self.gate, self.restraint, self.owner, folder, on_popup)
        await cdp.send("Page.enable")
        return tab

    def _check(self) -> None:
        if self.closed:
            raise BrowserError("closed", "the browser has ended")

    async def aclose(self) -> None:
        """Within four seconds; idempotent."""
        self.closed = True
        context, self._context = self._context, None
        driver, self._driver = self._driver, None
        if context is not None:
            await _ended(context.close(), 2.5)
        if driver is not None:
            await _ended(driver.__aexit__(), 1.0)
        await self._proxy.aclose()


async def _ended(ending: Awaitable[object], most_s: float) -> None:
    try:
        async with asyncio.timeout(most_s):
            await ending
    except Exception as error:
        logger.warning("the browser did not end as it should: %s", type(error).__name__)


def _is_root() -> bool:
    """Chromium's sandbox does not work for root."""
    return sys.platform == "linux" and os.geteuid() == 0


def _load() -> Any:
    from playwright.async_api import async_playwright

    return async_playwright
