"""Where this app is mounted: every address it hands out starts there."""

from __future__ import annotations

from urllib.parse import quote

from starlette.types import Scope


def mount_path(scope: Scope) -> str:
    """The path this app is mounted at, percent-encoded, without a slash at its end; empty at the root."""
    return quote(scope.get("root_path", "").rstrip("/"))
