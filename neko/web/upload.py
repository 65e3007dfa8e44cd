"""Files sent with a form: declared limits, a check of each file's first bytes, temporary files on disk."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartParser

from neko.storage import private
from neko.tasks import in_thread

HEAD_BYTES = 512

FileCheck = Callable[[str, bytes], None]
"""Gets a file's name and its first bytes (``HEAD_BYTES``, or all of a shorter file), before the rest
is taken; raises ``HTTPError`` for what is not wanted."""


def _any_file(_name: str, _head: bytes) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Upload:
    """Up to ``max_files`` files in the form field ``field``; ``limit`` is in bytes, for the whole body."""

    field: str
    limit: int
    max_files: int = 1
    check: FileCheck = _any_file


class UploadParser(MultiPartParser):
    """Starlette's parser, which keeps up to 1 MiB of a file in memory and the rest on disk, with our check."""

    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None], upload: Upload | None) -> None:
        super().__init__(headers, stream, max_files=upload.max_files if upload else 0)
        self._check = upload.check if upload else _any_file
        self._head: bytearray | None = None

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        self._head = bytearray() if self._current_part.file else None

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._head is not None:
            self._head += data[start : min(end, start + HEAD_BYTES - len(self._head))]
            if len(self._head) == HEAD_BYTES:
                self._check_head()
        super().on_part_data(data, start, end)

    def on_part_end(self) -> None:
        self._check_head()
        super().on_part_end()

    def _check_head(self) -> None:
        file, head = self._current_part.file, self._head
        self._head = None
        if file is not None and head is not None:
            self._check(file.filename or "", bytes(head))


async def save_upload(file: UploadFile, target: Path) -> int:
    """Copy a file that was sent to ``target``, for its owner's eyes only; its size in bytes.

    Never whole in memory, never on the loop.
    """

    def copy() -> int:
        with open(target, "wb", opener=private) as output:
            shutil.copyfileobj(file.file, output)
            return output.tell()

    return await in_thread(copy)
