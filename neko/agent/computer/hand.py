"""The computer as a hand: whether it can be used here, and who uses it."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from neko.agent.computer.devices import Devices
from neko.agent.computer.front_window import is_wayland
from neko.agent.computer.own_page import is_own_page
from neko.agent.computer.screen import MssScreen, PrivateScreen, Screen, private
from neko.agent.computer.watch import StopKey
from neko.errors import NekoError
from neko.i18n import describe
from neko.tasks import in_thread, to_the_end
from neko.tool_errors import ComputerError
from neko.types.hands import HandName, Job, Readiness

if TYPE_CHECKING:
    from neko.agent.computer.workspace import ComputerWorkspace

PACKAGES: Final = ("mss", "pynput", "PIL")
PROBE_S: Final = 5.0
OFFER: Final = (
    "The user's own computer: its screen, mouse and keyboard. It can do in any program that is installed there what "
    "the user could do by hand: open, click, type, drag, press keys. It is slow and there is only one: prefer another "
    "ability that can do the same, and use this for programs that have no other way in."
)


class ComputerHand:
    """``Hand`` of this computer. ``stop_key``: what stops her, as in "esc esc"; ``language``: of what is said to the
    user; ``characters``: the names of all, by which she knows her own page; ``is_private``: nobody may look at the
    screen. Raises ``ValueError`` for a stop key that is none."""

    name: HandName = "computer_use"
    exclusive = True

    def __init__(
        self,
        *,
        stop_key: str = "esc esc",
        language: Callable[[], str] = lambda: "en",
        characters: Callable[[], Collection[str]] = tuple,
        is_private: Callable[[], bool] = lambda: False,
        environ: Mapping[str, str] = os.environ,
        platform: str = sys.platform,
    ) -> None:
        self._stop_key = StopKey.named(stop_key)
        self._language = language
        self._characters = characters
        self._is_private = is_private
        self._environ = environ
        self._platform = platform
        self._found: NekoError | None = None
        self._missing: Sequence[str] | None = None
        self._workspaces: WeakSet[ComputerWorkspace] = WeakSet()

    def readiness(self, language: str) -> Readiness:
        fault = self._plain_fault() or self._found
        if fault is None:
            return Readiness(ready=True)
        told = describe(fault, language)
        return Readiness(ready=False, code=fault.code, reason=f"{told.text} {told.remedy}".strip())

    async def probe(self) -> None:
        self._missing = None
        self._found = self._plain_fault()
        if self._found is not None:
            return
        try:
            async with asyncio.timeout(PROBE_S):
                await in_thread(self._try)
        except TimeoutError:
            self._found = ComputerError("no_display", "the display does not answer")
        except NekoError as error:
            self._found = error

    def offer(self, words: str) -> str:
        return OFFER

    async def open(self, job: Job) -> ComputerWorkspace:
        if (fault := self._plain_fault()) is not None:
            raise fault
        from neko.agent.computer.workspace import ComputerWorkspace  # nobody may ever want it

        screen, devices = await to_the_end(in_thread(self._reach))
        workspace = ComputerWorkspace(
            job,
            PrivateScreen(screen, self._is_private),
            devices,
            self._stop_key,
            self._language,
            is_own_page=lambda title: is_own_page(title, self._characters()),
        )
        self._workspaces.add(workspace)
        try:
            await workspace.open()
        except BaseException:
            await workspace.aclose()
            raise
        return workspace

    async def aclose(self) -> None:
        while self._workspaces:
            await self._workspaces.pop().aclose()

    def _plain_fault(self) -> ComputerError | None:
        """What can be said without importing or connecting anything."""
        if self._is_private():
            return private()
        if self._missing is None:
            self._missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
        if self._missing:
            return ComputerError("not_installed", f"not installed: {', '.join(self._missing)}", extra="computer")
        if self._platform != "linux":
            return None
        if is_wayland(self._environ):
            return ComputerError("wayland", "the session is a Wayland one")
        if not self._environ.get("DISPLAY"):
            return ComputerError("no_display", "DISPLAY is not set")
        return None

    def _try(self) -> None:
        screen, devices = self._reach()
        try:
            screen.grab(screen.monitors()[0])
        finally:
            devices.close()

    def _reach(self) -> tuple[Screen, Devices]:
        """The screen first: on Windows that is what makes all numbers pixels."""
        screen: Screen = MssScreen()
        screen.monitors()
        if self._platform == "darwin":
            _check_permissions()
        try:
            devices = _devices(self._platform)
            importlib.import_module("pynput")  # fails where it cannot listen
        except ImportError as error:
            raise ComputerError("no_display", f"pynput: {error}") from error
        return screen, devices


def _check_permissions() -> None:
    """macOS asks the user for both in its settings; without them pictures show the wallpaper and keys go nowhere."""
    import Quartz
    from pynput import keyboard

    if not Quartz.CGPreflightScreenCaptureAccess() or not getattr(keyboard.Listener, "IS_TRUSTED", True):
        raise ComputerError("no_permission", "macOS does not allow it")


def _devices(platform: str) -> Devices:
    if platform == "linux":
        from neko.agent.computer.x11 import X11Devices

        return X11Devices()
    from neko.agent.computer.pynput_devices import PynputDevices

    return PynputDevices()
