"""Files for the browser: the page's own, its words, its face.

One hop to a thread reads a whole file, the answer carries a strong ETag. An address with ``?v=``
never changes its content, so browsers keep it; without one they ask each time and get a 304.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from neko.tasks import in_thread

_WHOLE = 4 * 1024 * 1024
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_METHODS = ("GET", "HEAD")

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".glb": "model/gltf-binary",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "application/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "application/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    size: int
    content: bytes | None
    etag: str


class StaticFiles:
    """An ASGI app that serves the files below one folder, to be mounted under a prefix."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("files are served over HTTP only")
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in _METHODS:
            raise HTTPException(405, headers={"allow": ", ".join(_METHODS)})
        found = await in_thread(_find, self._folder, _below_mount(request.scope))
        if found is None:
            raise HTTPException(404)
        headers = {
            "etag": found.etag,
            "cache-control": _FOR_EVER if request.query_params.get("v") else _ASK_AGAIN,
        }
        if found.etag in (
            tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")
        ):
            return Response(status_code=304, headers=headers)
        kind = _TYPES.get(found.path.suffix.lower(), "application/octet-stream")
        if found.content is None:
            return FileResponse(found.path, headers=headers, media_type=kind)
        return Response(found.content, headers={**headers, "content-type": kind})


def content_version(folders: Iterable[Path]) -> str:
    """A short name for everything in these folders; it changes when any file's content does. Blocks."""
    digest = hashlib.blake2b(digest_size=6)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _below_mount(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _find(folder: Path, path: str) -> _Found | None:
    """The file for a URL path below ``folder``; None for whatever is not plainly one. Blocks."""
    names = PurePosixPath(path.lstrip("/")).parts
    if not names or any(
        name.startswith(".") or not name.isprintable() or set(name) & set('\\:*?"<>|') for name in names
    ):
        return None
    root = Path(os.path.realpath(folder))
    real = Path(os.path.realpath(root.joinpath(*names)))
    try:
        if not real.is_relative_to(root) or not real.is_file():
            return None
        stat = real.stat()
        content = real.read_bytes() if stat.st_size <= _WHOLE else None
    except OSError:
        return None
    mark = content if content is not None else f"{stat.st_mtime_ns}-{stat.st_size}".encode()
    return _Found(real, stat.st_size, content, f'"{hashlib.blake2b(mark, digest_size=12).hexdigest()}"')
