"""Where this app is mounted: every address it hands out starts there.

A reverse proxy may put it below a path that only the proxy knows. So what a browser resolves by itself (the base of
a page, a redirect to the same page) is relative where nothing is known, and right under any path.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.types import Scope


def mount_path(scope: Scope) -> str:
    """The path this app is mounted at, percent-encoded, without a slash at its end; empty at the root."""
    return quote(scope.get("root_path", "").rstrip("/"))


def base_path(scope: Scope) -> str:
    """What addresses start from, as the address of this request sees it; ends with a slash."""
    if root := mount_path(scope):
        return root + "/"
    return "../" * (scope["path"].count("/") - 1) or "./"


def same_place(scope: Scope) -> str:
    """The address of this request without its query, relative: it cannot be read as another host."""
    return "./" + quote(scope["path"].rpartition("/")[2])
