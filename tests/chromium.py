"""Finds a Chromium that runs; as a program: prints its path, or fails. ``--shell``: one without a window of its own.

Of the two that Chromium is built as, the headless shell is the browser without what surrounds a page: the same page
costs it half the processor time. The whole browser does all of it, too, and more: notifications, screens, extensions.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

SHELL = "chromium-headless-shell"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FEATURES_OFF = (
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "WebUIOmniboxPopup",
    "SpareRendererForSitePerProcess",
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
"""The first four make each new page start processes for what a headless browser has not: the pop-up of its address
bar, and a page yet to come; they are more than half of what a page costs. The others are those that Playwright
switches off, whose list this one takes the place of."""

FLAGS = (
    f"--disable-features={','.join(FEATURES_OFF)}",
    "--enable-features=NetworkServiceInProcess2",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""For a browser that is root in a container and has no network but loopback.

A page asks for a hundred files: without a process of its own in between each costs less.
"""


def find_shell() -> str | None:
    """The machine's own headless shell."""
    path = shutil.which(SHELL)
    return path if path is not None and _runs(path) else None


def find_chromium() -> str | None:
    """The whole browser: the machine's own, else the one that Playwright has downloaded."""
    for name in NAMES:
        path = shutil.which(name)
        if path is not None and _runs(path):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() and _runs(path) else None


def _runs(path: str) -> bool:
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return b"Chrom" in answer.stdout


def main() -> int:
    path = find_shell() if "--shell" in sys.argv else find_chromium()
    if path is None:
        return 1
    sys.stdout.write(f"Tests of the page use {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
