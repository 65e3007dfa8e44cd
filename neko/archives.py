"""Zip archives that anybody may have made."""

from __future__ import annotations

import errno
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,  # encrypted
    NotImplementedError,
    ValueError,  # a place before the beginning of the file
)


class ArchiveError(Exception):
    """It is damaged, encrypted, or packed in a way that nobody here knows."""


class ArchiveNameError(ArchiveError):
    """The name of an entry is in another encoding."""


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Entry:
    def __init__(self, file: Readable) -> None:
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        with _told((OSError,)):  # bz2 says so
            return self._file.read(size)


def open_archive(file: Path | BinaryIO, encoding: str | None = None) -> zipfile.ZipFile:
    """``encoding``: of names that do not say theirs. Raises ``ArchiveError``, and ``OSError`` where the file itself
    cannot be read."""
    with _told():
        return zipfile.ZipFile(file, metadata_encoding=encoding)


@contextmanager
def open_entry(archive: zipfile.ZipFile, entry: str | zipfile.ZipInfo) -> Iterator[Readable]:
    """The content of an entry. Raises ``ArchiveError``, ``KeyError``, and so does reading."""
    with _told((OSError,)):
        file = archive.open(entry)
    with file:
        yield _Entry(file)


@contextmanager
def _told(further: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    try:
        yield
    except UnicodeError as error:
        raise ArchiveNameError(str(error)) from error
    except Exception as error:
        is_place_of_no_file = isinstance(error, OSError) and error.errno == errno.EINVAL
        if is_place_of_no_file or isinstance(error, (*_DAMAGE, *further)):
            raise ArchiveError(str(error)) from error
        raise
