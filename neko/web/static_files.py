"""Files for the browser, with our cache rule.

An address with ``?v=`` never changes its content, so browsers keep it; without one they ask each
time and get a 304.
"""

from __future__ import annotations

import copy
import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from urllib.parse import parse_qs

from starlette import staticfiles
from starlette.responses import FileResponse, Response
from starlette.types import Scope

from neko.storage import is_plain_name

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"

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
"""By ending, since the type table of the system may say anything."""

_SMALL = 256 * 1024
"""Bytes up to which a file is kept in memory once it was asked for."""
_MOST_KEPT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _SmallFile:
    """``stamp``: when it was changed (nanoseconds) and its size, which tell that the content still holds."""

    stamp: tuple[int, int]
    content: bytes


_FOREIGN_TYPES = {
    ending: kind
    for ending, kind in _TYPES.items()
    if ending not in (".css", ".html", ".js", ".map", ".mjs", ".svg", ".wasm", ".webmanifest")
} | {".vrm": "model/gltf-binary", ".vrma": "model/gltf-binary"}
"""Of files that somebody else made: nothing that a browser takes for a page, a script or a style."""
_OF_MODELS = frozenset(
    [
        ".json",
        ".moc",
        ".moc3",
        ".mtn",
        ".vrm",
        ".vrma",
        ".glb",
        ".gltf",
        ".bin",
        ".fbx",
        ".png",
        ".jpg",
        ".jpeg",
        ".webp",
        ".gif",
        ".avif",
        ".ktx2",
        ".mp3",
        ".wav",
        ".ogg",
        ".opus",
        ".m4a",
        ".mp4",
        ".webm",
        ".txt",
    ]
)
"""Endings of what models, their motions and their sound consist of."""
_FOREIGN_POLICY = "sandbox; default-src 'none'"


class StaticFiles(staticfiles.StaticFiles):
    """Serves the files below ``folder``, which need not be there yet; neither hidden files nor links out of it."""

    types = _TYPES

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)
        self.config_checked = True
        self._small: dict[str, _SmallFile] = {}
        self._changing = threading.Lock()

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """In a thread: small files are read on the way, as a page asks for a hundred of them at once."""
        if not all(map(is_plain_name, Path(path).parts)):
            return "", None
        full_path, status = super().lookup_path(path)
        if status is not None and S_ISREG(status.st_mode) and status.st_size <= _SMALL:
            self._keep(str(full_path), status)
        return full_path, status

    def _keep(self, path: str, status: os.stat_result) -> None:
        kept, stamp = self._small.get(path), (status.st_mtime_ns, status.st_size)
        if kept is not None and kept.stamp == stamp:
            return
        content = Path(path).read_bytes()
        if len(content) != status.st_size:
            return  # being written
        with self._changing:
            if sum(len(one.content) for one in self._small.values()) + len(content) > _MOST_KEPT:
                self._small.clear()
            self._small[path] = _SmallFile(stamp, content)

    def file_response(
        self,
        full_path: staticfiles.PathLike,
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        kept = self._small.get(str(full_path))
        is_whole = scope["method"] == "GET" and b"range" not in dict(scope["headers"])
        if (
            isinstance(response, FileResponse)
            and is_whole
            and kept is not None
            and kept.stamp == (stat_result.st_mtime_ns, stat_result.st_size)
        ):
            response = Response(kept.content, response.status_code, dict(response.headers))
        response.headers["cache-control"] = cache_control(scope)
        if "content-type" in response.headers:
            response.headers["content-type"] = self.types.get(
                Path(full_path).suffix.lower(), "application/octet-stream"
            )
        return response


class ForeignFiles(StaticFiles):
    """Files that came from elsewhere, such as models: data only, whatever they are called.

    ``folder`` is asked for at each request, since the user may choose another one. If that may be ``anywhere``, only
    what models consist of is there, so that no choice gives other files away. ``further`` names folders, by the first
    folder in them, in which is looked besides.
    """

    types = _FOREIGN_TYPES

    def __init__(
        self,
        folder: Callable[[], Path],
        *,
        anywhere: bool = False,
        further: Callable[[], Mapping[str, Path]] = dict,
    ) -> None:
        super().__init__(Path())
        self._folder = folder
        self._further = further
        self._anywhere = anywhere

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        if self._anywhere and Path(path).suffix.lower() not in _OF_MODELS:
            return "", None
        further = self._further().get(Path(path).parts[0]) if Path(path).parts else None
        here = copy.copy(self)  # other threads look for other files meanwhile
        here.all_directories = [self._folder(), *([further.parent] if further else [])]
        return super(ForeignFiles, here).lookup_path(path)

    def file_response(
        self,
        full_path: staticfiles.PathLike,
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["content-security-policy"] = _FOREIGN_POLICY
        return response


def cache_control(scope: Scope) -> str:
    """How long a browser may keep what it asks for here."""
    return _FOR_EVER if parse_qs(scope["query_string"]).get(b"v") else _ASK_AGAIN


def content_version(folders: Iterable[Path]) -> str:
    """A short name for everything in these folders; it changes when any file's content does. Blocks."""
    digest = hashlib.blake2b(digest_size=6)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
