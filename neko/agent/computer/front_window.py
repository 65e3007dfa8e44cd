"""The title of the window in front, where the system tells it: on Windows, and by an X server. Text from outside."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Mapping
from typing import Final

from neko.errors import NekoError

logger = logging.getLogger(__name__)

_LONGEST: Final = 500


def is_wayland(environ: Mapping[str, str]) -> bool:
    """Does the session let no program see another one's windows?"""
    return bool(environ.get("WAYLAND_DISPLAY")) or environ.get("XDG_SESSION_TYPE") == "wayland"


class FrontWindow:
    """``environ`` names the display."""

    def __init__(self, environ: Mapping[str, str], platform: str = sys.platform) -> None:
        self._environ = environ
        self._platform = platform

    @property
    def is_told(self) -> bool:
        """Can it be asked for here?"""
        if self._platform != "linux":
            return self._platform == "win32"
        has_display = bool(self._environ.get("DISPLAY")) and not is_wayland(self._environ)
        return has_display and importlib.util.find_spec("Xlib") is not None

    def title(self) -> str | None:
        """None where it is not told; blocks."""
        if not self.is_told:
            return None
        return _of_windows() if self._platform == "win32" else _of_x_server(self._environ["DISPLAY"])


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
