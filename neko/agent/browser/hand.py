"""The Hand ``browser_use``: starts the browser at the first task, lets each task have tabs in it, ends it when idle."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from neko.agent.browser.gate import Gate
from neko.agent.browser.programs import find_browser, has_display, playwright_installed
from neko.i18n import describe
from neko.net import Network
from neko.tasks import TaskOwner, in_thread
from neko.tool_errors import BrowserError
from neko.types.hands import HandName, Job, Readiness

if TYPE_CHECKING:
    from neko.agent.browser.running import RunningBrowser
    from neko.agent.browser.workspace import BrowserWorkspace

IDLE_S: Final = 300.0
_OFFER: Final = (
    "A web browser with the user's own profile: opens pages, searches, reads and extracts, fills in forms, clicks, "
    "downloads. The user signs in themselves where that is needed."
)


@dataclass(frozen=True, slots=True)
class BrowserOptions:
    """What the user has set: a window, the program ("" finds one)."""

    visible: bool = True
    program: str = ""


class BrowserHand:
    """``folder`` is for the browser's profile. Every connection that the browser makes is by ``network``, and asked of
    ``gate``. ``options`` count from the next start of the browser on."""

    name: HandName = "browser_use"
    exclusive = False

    def __init__(
        self,
        folder: Path,
        network: Network,
        gate: Gate,
        options: Callable[[], BrowserOptions] = BrowserOptions,
        *,
        environ: Mapping[str, str] | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        self._folder = folder
        self._network = network
        self._gate = gate
        self._options = options
        self._environ = os.environ if environ is None else environ
        self._idle_s = idle_s
        self._owner = TaskOwner("browser")
        self._changing = asyncio.Lock()
        """A profile can be used by one browser: the last has ended before the next starts."""
        self._launching: asyncio.Task[BrowserError | None] | None = None
        self._running: RunningBrowser | None = None
        self._idle: asyncio.Task[None] | None = None
        self._open = 0
        self._missing: BrowserError | None = None
        self._looked = False

    # ── can it be used? ───────────────────────────────────────────────────────

    def readiness(self, language: str) -> Readiness:
        """By what was found last; where nobody has looked yet, only whether the package is there."""
        missing = self._missing
        if not self._looked and not playwright_installed():
            missing = BrowserError("not_installed", "playwright is not installed")
        if missing is None:
            return Readiness(True)
        notice = describe(missing, language)
        return Readiness(False, missing.code, f"{notice.text} {notice.remedy}".strip())

    async def probe(self) -> None:
        self._missing, self._looked = await in_thread(self._look_for), True

    def _look_for(self) -> BrowserError | None:
        if not playwright_installed():
            return BrowserError("not_installed", "playwright is not installed")
        chosen = self._options().program
        if find_browser(chosen, self._environ) is not None:
            return None
        if chosen:
            return BrowserError("not_there", "the chosen browser is not there", path=chosen)
        return BrowserError("not_found", "no browser was found")

    def offer(self, _words: str) -> str:
        return _OFFER

    # ── tasks ─────────────────────────────────────────────────────────────────

    async def open(self, job: Job) -> BrowserWorkspace:
        """Raises ``BrowserError``. Who is cancelled meanwhile leaves a browser that is starting to the next one."""
        from neko.agent.browser.workspace import BrowserWorkspace  # most of a browser's code: nobody may ever want one

        if self._running is None or self._running.closed:
            if self._launching is None or self._launching.done():
                self._launching = self._owner.spawn(self._launch(), name="launch")
            fault = await asyncio.shield(self._launching)
            if fault is not None:
                raise fault
        if self._running is None:
            raise BrowserError("closed", "the browser has ended")
        self._open += 1
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        return BrowserWorkspace(job, self._running, self._let_go)

    async def _launch(self) -> BrowserError | None:
        """Start the browser; what kept it from that, for everybody who waits for it."""
        try:
            async with self._changing:
                await self._start()
        except BrowserError as error:
            return error
        if self._open == 0:
            self._rest()
        return None

    async def _start(self) -> None:
        from neko.agent.browser.running import Launch, RunningBrowser

        await self.probe()
        if self._missing is not None:
            raise self._missing
        if self._running is not None:
            await self._running.aclose()
            self._running = None
        options = self._options()
        program = await in_thread(find_browser, options.program, self._environ)
        if program is None:
            raise BrowserError("not_found", "no browser was found")
        launch = Launch(program, self._folder / "profile", options.visible and has_display(self._environ))
        running = RunningBrowser(launch, self._gate, self._network, self._owner)
        await running.start()
        self._running = running

    def _let_go(self) -> None:
        self._open -= 1
        if self._open == 0 and not self._owner.closed:
            self._rest()

    def _rest(self) -> None:
        """Nobody uses the browser from now on, maybe of one before this: it may end after a while."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = self._owner.spawn(self._end_when_idle(), name="idle")

    async def _end_when_idle(self) -> None:
        await asyncio.sleep(self._idle_s)
        running, self._running = self._running, None
        if running is not None:
            async with self._changing:
                await running.aclose()

    async def aclose(self) -> None:
        """Also of a browser that is just starting. Another task starts it anew."""
        running, self._running = self._running, None
        if running is not None:
            await running.aclose()
        owner, self._owner = self._owner, TaskOwner("browser")
        await owner.aclose(timeout_s=1.0)
