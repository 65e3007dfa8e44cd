"""JSON documents on disk, and the one folder that holds everything of the user.

All calls block; on the event loop they go through ``tasks.in_thread``. A document is replaced
whole (temporary file, fsync, rename) and its previous good content is kept once as ``.bak``.
A document that does not parse is set aside and never overwritten.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from filelock import FileLock, Timeout

from neko.errors import ConfigError, DamagedFileError, DataFolderError, DataFolderInUseError

logger = logging.getLogger(__name__)

_SUBFOLDERS: Final = ("config", "memory", "live2d", "vrm/animation", "character_cards", "workshop")
_TEMPORARY: Final = ".tmp"


def read_json(path: Path, default: Any, expect: type | None = None) -> Any:
    """The parsed document, or ``default`` when there is no such file.

    A file that does not parse, or whose top level is not an ``expect``, is renamed to
    ``<name>.damaged-<YYYYmmdd-HHMMSS>`` and ``DamagedFileError(file, kept)`` is raised.
    ``ConfigError(file, why)`` when the file exists but cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return default
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", file=str(path), why=str(error)) from error
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise set_aside(path, f"it is not valid JSON ({error})") from error
    if expect is not None and not isinstance(value, expect):
        raise set_aside(path, "its content has the wrong shape")
    return value


def set_aside(path: Path, why: str) -> DamagedFileError:
    """Rename a damaged file so that nothing overwrites it; returns the error that reports it."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S}-{number}")
    try:
        path.rename(aside)
    except OSError:
        logger.exception("a damaged file could not be renamed: %s", path)
        aside = path
    return DamagedFileError(f"{path} is damaged: {why}; it is kept as {aside}", file=str(path), kept=str(aside))


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Replace the document so that a crash at any moment leaves the old or the new one, whole.

    The previous good content becomes ``<name>.bak``; writing the same content again changes
    nothing. Missing parent folders are made. A link is followed, permissions are kept.
    Raises ``TypeError`` or ``ValueError`` when ``value`` is not JSON, ``ConfigError(file, why)``
    when the disk refuses.
    """
    content = _encode(value, indent)
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        previous = target.read_bytes() if target.exists() else None
        if previous == content:
            return
        if previous is not None:
            if _parses(previous):
                _replace(target.with_name(target.name + ".bak"), previous, like=target)
            else:
                logger.error("%s", set_aside(target, "it is not valid JSON"))
        _replace(target, content, like=target)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", file=str(path), why=str(error)) from error


def _encode(value: Any, indent: int | None) -> bytes:
    try:
        return (json.dumps(value, ensure_ascii=False, indent=indent) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(value, ensure_ascii=True, indent=indent) + "\n").encode()


def _parses(content: bytes) -> bool:
    try:
        json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return True


def _replace(target: Path, content: bytes, like: Path) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=_TEMPORARY)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if like.exists():
            temporary.chmod(like.stat().st_mode & 0o777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class DataFolder:
    """The user's folder, held by this process alone from ``open`` until ``close``."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> Self:
        """Make the folder and its parts, see that it can be written, and lock it.

        Raises ``DataFolderError(file, why)`` when it cannot be written, ``DataFolderInUseError(file)`` when
        another Neko has it.
        """
        path = path.expanduser().absolute()
        try:
            for name in _SUBFOLDERS:
                (path / name).mkdir(parents=True, exist_ok=True)
            for folder in (path, path / "config", path / "memory"):
                check_writable(folder)
        except OSError as error:
            raise _not_writable(path, error) from error
        lock = FileLock(path / ".neko.lock", timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout as error:
            raise DataFolderInUseError(f"{path} is in use by another Neko", file=str(path)) from error
        except OSError as error:
            raise _not_writable(path, error) from error
        _sweep((path / "config", path / "memory"))
        return cls(path, lock)

    def config(self, name: str) -> Path:
        """A configuration file, for example ``characters.json``."""
        return self.path / "config" / name

    @property
    def memory(self) -> Path:
        return self.path / "memory"

    def close(self) -> None:
        """Let the folder go; idempotent, from any thread."""
        self._lock.release(force=True)


def check_writable(folder: Path) -> None:
    """Write and remove a small file; raises ``OSError`` where that fails."""
    probe = folder / ".test_neko_write"
    probe.touch()
    probe.unlink(missing_ok=True)


def _not_writable(path: Path, error: OSError) -> DataFolderError:
    why = error.strerror or str(error)
    return DataFolderError(f"{path} cannot be written: {why}", file=str(path), why=why)


def _sweep(folders: Iterable[Path]) -> None:
    """Remove what an interrupted write left behind."""
    for folder in folders:
        for leftover in folder.glob(f".*.json*.*{_TEMPORARY}"):
            with contextlib.suppress(OSError):
                leftover.unlink()
