"""JSON documents on disk, and the one folder that holds everything of the user.

All calls block; on the event loop they go through ``tasks.in_thread``. A document is replaced
whole (temporary file, fsync, rename) and its previous good content is kept once as ``.bak``.
A document that does not parse is set aside and never overwritten;
what can be read of it counts (``read_document``). Everything is for its owner's
eyes only: files 0600, folders 0700.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self

import orjson
from filelock import FileLock, Timeout

from neko import pending_restore, set_aside
from neko.errors import (
    BackupUsedError,
    ConfigError,
    DamagedFileError,
    DataFolderError,
    DataFolderInUseError,
    DefaultsUsedError,
    DiskFullError,
    ReadLenientlyError,
    UnreadableFileError,
    UnwritableFileError,
)
from neko.hand_written import decoded, holds_all, read_leniently
from neko.well_formed import check_depth, load_json

logger = logging.getLogger(__name__)

OnFault = Callable[[ConfigError], None]

CORE_CONFIG_FILE: Final = "core_config.json"
CHARACTERS_FILE: Final = "characters.json"
PREFERENCES_FILE: Final = "user_preferences.json"

_SUBFOLDERS: Final = ("config", "memory", "live2d", "vrm/animation", "character_cards", "workshop")
_PRIVATE: Final = ("config", "memory", "character_cards")
"""Folders that hold words or keys."""
LONGEST_NAME: Final = 200
"""Bytes of a name that is part of a file's name; file systems allow 255."""
WORKPLACE: Final = ".work-"
"""Beginning of the name of a folder for copies that are needed for a moment."""
_TEMPORARY: Final = ".tmp"
_DEVICES: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
)
"""What Windows takes for no file, with any ending (https://learn.microsoft.com/windows/win32/fileio/naming-a-file)."""
_MISSING: Final = object()
_PRIVATE_FILE: Final = 0o600
_ORJSON_INDENT: Final = 2
_AS_JSON: Final = (
    orjson.OPT_INDENT_2
    | orjson.OPT_APPEND_NEWLINE
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
"""What ``json`` does not know is no JSON; what only it knows, as keys that are numbers, it writes. NaN, which no JSON
has, becomes null."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def read_json(path: Path, default: Any, expect: type | None = None) -> Any:
    """The parsed document, or ``default`` when there is no such file.

    A file that does not parse, or whose top level is not an ``expect``, is set aside and
    ``DamagedFileError(file, kept, line, column)`` is raised. ``UnreadableFileError(file, why)`` when the file
    exists but cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return default
    except OSError as error:
        why = error.strerror or str(error)
        raise UnreadableFileError(f"{path} cannot be read: {why}", file=str(path), why=why) from error
    try:
        value = check_depth(load_json(decoded(content)))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, content, f"it is not valid JSON: {error}") from error
    if expect is not None and not isinstance(value, expect):
        raise _damaged(path, content, "its content has the wrong shape")
    return value


def _damaged(path: Path, content: bytes, why: str, key: str = "") -> DamagedFileError:
    line, column = set_aside.where_damaged(content, key)
    kept = set_aside.set_aside(path, why)
    return DamagedFileError(
        f"{path} is damaged: {why}; it is kept as {kept}", file=str(path), kept=str(kept), line=line, column=column
    )


def log_fault(error: ConfigError) -> None:
    """For who has nobody to tell."""
    logger.error("%s", error)


def is_object(value: Any) -> bool:
    """The shape of most documents."""
    return isinstance(value, dict)


def read_document(
    path: Path,
    default: Any,
    fits: Callable[[Any], bool],
    on_fault: OnFault,
    parts: Callable[[Any], dict[str, Any]] = lambda _: {},
) -> Any:
    """The document in force: the file, else what can be read of it, its backup or ``default``. A fault is reported.

    ``fits`` tells a document of the right shape. A copy that was set aside and has been mended since comes back to
    its place. What counts instead of a damaged file (``stand_in``) is put in its place. ``parts`` gives what of a
    document of the wrong shape is right; without a backup that counts.
    """
    right = dict[str, Any]()
    if mended := set_aside.first_whole(reversed(set_aside.copies_of(path)), fits):
        with contextlib.suppress(ConfigError):
            write_json(path, mended[1])
            mended[0].unlink(missing_ok=True)
    fault: ConfigError
    try:
        value = read_json(path, _MISSING)
        if value is _MISSING:
            return default
        if fits(value):
            return value
        right = parts(value)
        wrong = next((key for key in value if key not in right), "") if right else ""
        fault = _damaged(path, _content(path), "its content has the wrong shape", wrong)
    except ConfigError as error:
        fault = error
    content = _content(Path(str(fault.params["kept"]))) if isinstance(fault, DamagedFileError) else b""
    value, told = stand_in(path, content, default, fits)
    if right and told is DefaultsUsedError:
        value, told = right, ReadLenientlyError
    if isinstance(fault, DamagedFileError):
        fault = told(str(fault), **fault.params)
        if told is not DefaultsUsedError:
            with contextlib.suppress(ConfigError):
                write_json(path, value)
    on_fault(fault)
    return value


def stand_in(
    path: Path, content: bytes, default: Any, fits: Callable[[Any], bool]
) -> tuple[Any, type[DamagedFileError]]:
    """What counts instead of a document whose ``content`` is damaged, and the error that says so. Changes nothing.

    What can be read of it counts before its backup when that is all of it, since it holds what its owner wrote last;
    else the backup; else the part that can be read; else ``default``.
    """
    backup = set_aside.first_whole((path.with_name(path.name + ".bak"),), fits)
    value = _read_leniently(content, fits)
    if value is not None and (backup is None or holds_all(value, content, backup[1])):
        return value, ReadLenientlyError
    return (backup[1], BackupUsedError) if backup else (default, DefaultsUsedError)


def _read_leniently(content: bytes, fits: Callable[[Any], bool]) -> Any:
    value = read_leniently(content)
    fitting = [one for one in (value, *(value if isinstance(value, list) else ())) if fits(one)]
    return fitting[0] if fitting else None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def read_again(path: Path, known: dict[str, Any], fits: Callable[[Any], bool], on_fault: OnFault) -> dict[str, Any]:
    """What the file of an object holds now, so that a change is laid over what somebody wrote into it meanwhile.

    A damaged file is set aside and reported; what can be read of it counts, if that is all. ``known`` when the file is
    gone, cannot be read or is damaged otherwise.
    """
    if found := set_aside.first_whole((path,), fits):
        whole: dict[str, Any] = found[1]
        return whole
    content = _content(path)
    if not content:
        return known
    value: dict[str, Any] | None = _read_leniently(content, fits)
    is_readable = value is not None and holds_all(value, content, known)
    fault = _damaged(path, content, "it was damaged while in use")
    on_fault((ReadLenientlyError if is_readable else BackupUsedError)(str(fault), **fault.params))
    return value if value is not None and is_readable else known


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Replace the document so that a crash at any moment leaves the old or the new one, whole.

    The previous good content becomes ``<name>.bak``; writing the same content again changes
    nothing. Missing parent folders are made. A link is followed. Raises ``TypeError`` or ``ValueError``
    when ``value`` is not JSON, ``DiskFullError(file)`` or ``UnwritableFileError(file, why)`` when the disk refuses.
    """
    content = _encode(value, indent)
    target = path.resolve()
    try:
        make_folder(target.parent)
        previous = target.read_bytes() if target.exists() else None
        if previous == content:
            return
        if previous is not None and not _parses(previous):
            set_aside.set_aside(target, "it is not valid JSON")
            previous = None
        write_bytes(target, content, lambda: None if previous is None else _keep_previous(target, previous))
    except OSError as error:
        raise write_failure(path, error) from error


def write_failure(path: Path, error: OSError) -> DiskFullError | UnwritableFileError:
    """Why a file cannot be written, for its user."""
    if is_full(error):
        return DiskFullError(f"{path} cannot be written: the disk is full", file=str(path))
    why = error.strerror or str(error)
    return UnwritableFileError(f"{path} cannot be written: {why}", file=str(path), why=why)


def is_full(error: OSError) -> bool:
    """Whether it says that there is no room on the disk; ``shutil.Error`` only tells so in words."""
    return error.errno in _FULL or (
        isinstance(error, shutil.Error) and any(os.strerror(number) in str(error) for number in _FULL)
    )


def forget_previous(path: Path) -> None:
    """Delete the previous content of a document, which told what shall be nowhere any more; blocks."""
    target = path.resolve()
    try:
        target.with_name(target.name + ".bak").unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s.bak cannot be deleted: %s", target, error.strerror)


def private(path: str, flags: int) -> int:
    """An ``opener`` of files that only their owner may use."""
    return os.open(path, flags, _PRIVATE_FILE)


def make_private(path: Path) -> None:
    """Make a file that only its owner may use, or make one so without opening it. Raises ``OSError``.

    A log that is opened and closed loses all locks that this process has on it, and without them the next program that
    looks into it deletes the WAL under our hands (https://www.sqlite.org/howtocorrupt.html, "POSIX advisory locks
    canceled").
    """
    try:
        os.close(private(str(path), os.O_RDWR | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        path.chmod(_PRIVATE_FILE)


def make_folder(folder: Path) -> None:
    """Make what is missing of a path of folders, for its owner only. Raises ``OSError``."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def _keep_previous(target: Path, content: bytes) -> None:
    """Its file becomes the backup, under a second name until another takes its place; a copy where it cannot."""
    backup = target.with_name(target.name + ".bak")
    another_name = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_TEMPORARY}")
    if target.stat().st_mode & 0o777 == _PRIVATE_FILE:
        with contextlib.suppress(OSError, NotImplementedError):  # not every file system has hard links
            os.link(target, another_name)
            another_name.replace(backup)
            return
    write_bytes(backup, content)


def _encode(value: Any, indent: int | None) -> bytes:
    if indent == _ORJSON_INDENT:  # json itself indents in Python, 20 times as slowly
        with contextlib.suppress(orjson.JSONEncodeError):
            return orjson.dumps(value, option=_AS_JSON)
    try:
        return (json.dumps(value, ensure_ascii=False, indent=indent) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(value, ensure_ascii=True, indent=indent) + "\n").encode()


def _parses(content: bytes) -> bool:
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    else:
        return True
    try:
        json.loads(decoded(content))
    except (ValueError, RecursionError):
        return False
    return True


def write_bytes(target: Path, content: bytes, before: Callable[[], None] = lambda: None) -> None:
    """Replace a file so that a crash at any moment leaves the old or the new one, whole. ``before`` is called when the
    new content is on disk, and not yet in its place. Raises ``OSError``."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=_TEMPORARY)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        before()
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_file(path: Path) -> None:
    """Make what is in a file durable, so that it may take another's place; raises ``OSError``."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder durable; raises ``OSError``."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class DataFolder:
    """The user's folder, held by this process alone from ``open`` until ``close``.

    ``before``: where that is kept which a restore took the place of at the opening; None if there was none.
    """

    def __init__(self, path: Path, lock: FileLock, before: Path | None = None) -> None:
        self.path = path
        self.before = before
        self._lock = lock
        self._lock_file = Path(lock.lock_file).stat()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Make the folder and its parts, see that it can be written, and lock it.

        A restore that is ready takes effect first. Raises ``DataFolderError(file, why)`` when it cannot be written,
        ``DataFolderInUseError(file)`` when another Neko has it.
        """
        path = path.expanduser().absolute()
        try:
            make_folder(path)
            check_writable(path)
        except OSError as error:
            raise _not_writable(path, error) from error
        lock = _acquired(path)
        try:
            before = pending_restore.finish(path)
            for name in _SUBFOLDERS:
                make_folder(path / name)
            for folder in (path / "config", path / "memory"):
                check_writable(folder)
        except OSError as error:
            lock.release(force=True)
            raise _not_writable(path, error) from error
        _sweep(path / name for name in (*_SUBFOLDERS, "vrm"))
        for name in _PRIVATE:
            _tighten(path / name)
        return cls(path, lock, before)

    def claim(self) -> None:
        """Make sure that the folder is still ours, though somebody may have moved or deleted it.

        Raises ``DataFolderError`` and ``DataFolderInUseError`` as ``open`` does.
        """
        try:
            if os.path.samestat(self._lock_file, Path(self._lock.lock_file).stat()):
                return
        except OSError:
            pass
        try:
            make_folder(self.path)
        except OSError as error:
            raise _not_writable(self.path, error) from error
        lock = _acquired(self.path)
        self._lock.release(force=True)
        self._lock, self._lock_file = lock, Path(lock.lock_file).stat()

    def config(self, name: str) -> Path:
        """A configuration file, for example ``characters.json``."""
        return self.path / "config" / name

    @property
    def memory(self) -> Path:
        return self.path / "memory"

    def set_aside_earlier(self) -> list[Path]:
        """Files that were damaged at an earlier start and not dealt with since."""
        return [aside for folder in (self.path / "config", self.memory) for aside in set_aside.copies(folder)]

    def close(self) -> None:
        """Let the folder go; idempotent, from any thread."""
        self._lock.release(force=True)


def _acquired(path: Path) -> FileLock:
    lock = FileLock(path / ".neko.lock", timeout=0, mode=_PRIVATE_FILE, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise DataFolderInUseError(f"{path} is in use by another Neko", file=str(path)) from error
    except OSError as error:
        raise _not_writable(path, error) from error
    return lock


def check_writable(folder: Path) -> None:
    """Write and remove a small file; raises ``OSError`` where that fails."""
    probe = folder / ".test_neko_write"
    probe.touch()
    probe.unlink(missing_ok=True)


def file_name_fault(name: str) -> str | None:
    """Why a name cannot be part of a file's name; None when it can: any Unicode but no path, no control characters."""
    return _file_name_fault(name, '/\\<>:"|?*' if os.name == "nt" else "/\\")


@lru_cache(4_096)  # the names of all characters are looked at in every turn
def _file_name_fault(name: str, forbidden: str) -> str | None:
    if not name.strip():
        return "it is empty"
    if name == "." or ".." in name or any(letter in forbidden for letter in name):
        return "it is a path"
    if any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in name):
        return "it holds control characters"
    return "it is too long" if len(name.encode()) > LONGEST_NAME else None


def is_plain_name(name: str) -> bool:
    """Whether a file's name means the same on every system, and no hidden file."""
    is_hidden, is_device = name.startswith("."), name.partition(".")[0].strip().upper() in _DEVICES
    return name.isprintable() and not is_hidden and not is_device and not set(name) & set('/\\:*?"<>|')


def _not_writable(path: Path, error: OSError) -> DataFolderError:
    why = error.strerror or str(error)
    return DataFolderError(f"{path} cannot be written: {why}", file=str(path), why=why)


def _sweep(folders: Iterable[Path]) -> None:
    """Remove what an interrupted write left behind."""
    for folder in folders:
        for leftover in folder.glob(f".*.json*.*{_TEMPORARY}"):
            with contextlib.suppress(OSError):
                leftover.unlink()
        for workplace in folder.glob(f"{WORKPLACE}*"):
            shutil.rmtree(workplace, ignore_errors=True)


def _tighten(folder: Path) -> None:
    """Take from everybody else what they may do with the files of this folder."""
    if os.name != "posix":
        return
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            mode = path.stat().st_mode
            if mode & 0o077 and not path.is_symlink():
                path.chmod(mode & 0o700)
