"""Which browser there is on this computer to be driven. Everything here reads the disk."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_COMMANDS: Final = (
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "microsoft-edge",
    "microsoft-edge-stable",
)
_MAC_APPS: Final = ("Google Chrome", "Chromium", "Microsoft Edge")
_WINDOWS_PROGRAMS: Final = (
    "Google/Chrome/Application/chrome.exe",
    "Chromium/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
_DOWNLOADED: Final = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "chromium-*/chrome-win*/chrome.exe",
)


def playwright_installed() -> bool:
    """Without importing it."""
    return find_spec("playwright") is not None


def find_browser(chosen: str, environ: Mapping[str, str]) -> Path | None:
    """The one that the user chose, else the system's, else the one that Playwright has downloaded."""
    if chosen:
        path = Path(chosen).expanduser()
        return path if path.is_file() else None
    return next((path for path in _candidates(environ) if path.is_file()), None)


def has_display(environ: Mapping[str, str]) -> bool:
    """A window could be seen."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    for command in _COMMANDS:
        if found := shutil.which(command, path=environ.get("PATH")):
            yield Path(found)
    if sys.platform == "darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            yield from (folder / f"{app}.app/Contents/MacOS/{app}" for app in _MAC_APPS)
    if sys.platform == "win32":
        for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
            if root := environ.get(name):
                yield from (Path(root) / program for program in _WINDOWS_PROGRAMS)
    for pattern in _DOWNLOADED:
        yield from sorted(_downloads(environ).glob(pattern), reverse=True)


def _downloads(environ: Mapping[str, str]) -> Path:
    """Where Playwright keeps its browsers (playwright.dev, "Managing browser binaries")."""
    if own := environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return Path(own)
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/ms-playwright"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "ms-playwright"
    return Path.home() / ".cache/ms-playwright"
