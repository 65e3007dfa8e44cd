"""The title of the window in front, where the system tells it: on Windows, and by an X server. Text from outside."""

from __future__ import annotations

import importlib.util
import logging
import sys
import threading
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from typing import Final

from neko.errors import NekoError

logger = logging.getLogger(__name__)

_LONGEST: Final = 500


def is_wayland(environ: Mapping[str, str]) -> bool:
    """Does the session let no program see another one's windows?"""
    return bool(environ.get("WAYLAND_DISPLAY")) or environ.get("XDG_SESSION_TYPE") == "wayland"


class FrontWindow:
    """``environ`` names the display. ``deadline_s``: how long an X server may take; ``asking`` is who waits for one."""

    deadline_s: float = 2.0

    def __init__(self, environ: Mapping[str, str], platform: str = sys.platform) -> None:
        self._environ = environ
        self._platform = platform
        self.asking: threading.Thread | None = None

    @property
    def is_told(self) -> bool:
        """Can it be asked for here?"""
        if self._platform != "linux":
            return self._platform == "win32"
        has_display = bool(self._environ.get("DISPLAY")) and not is_wayland(self._environ)
        return has_display and importlib.util.find_spec("Xlib") is not None

    def title(self) -> str | None:
        """None where it is not told, or not in time; blocks."""
        if not self.is_told:
            return None
        return _of_windows() if self._platform == "win32" else self._in_time(self._environ["DISPLAY"])

    def _in_time(self, display: str) -> str | None:
        """One thread at most waits for a server that hangs, and keeps no process from its end."""
        if self.asking is not None and self.asking.is_alive():
            return None
        told = SimpleQueue[str | None]()
        self.asking = threading.Thread(target=lambda: told.put(_of_x_server(display)), name="X server", daemon=True)
        self.asking.start()
        try:
            return told.get(timeout=self.deadline_s)
        except Empty:
            logger.warning("the title of the window in front is not known: the X server does not answer")
            return None


def _of_x_server(display: str) -> str | None:
    from neko.agent.computer.x11 import X11Devices  # nobody may ever want it

    try:
        devices = X11Devices(display)
        try:
            return devices.title(devices.focus())[:_LONGEST]
        finally:
            devices.close()
    except (NekoError, OSError) as error:
        logger.warning("the title of the window in front is not known: %s", type(error).__name__)
        return None


def _of_windows() -> str | None:
    if sys.platform == "win32":
        import ctypes

        text = ctypes.create_unicode_buffer(_LONGEST)
        user32 = ctypes.windll.user32
        user32.GetWindowTextW(user32.GetForegroundWindow(), text, _LONGEST)
        return str(text.value)
    return None
