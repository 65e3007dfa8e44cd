"""The file of a recent window."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

from neko.errors import ConfigError, DamagedFileError, DiskFullError, MemoryStoreError
from neko.hand_written import decoded
from neko.memory.import_files import readable_messages
from neko.memory.line_codec import content_text, message, parse
from neko.memory.only_in_window import are_there
from neko.memory.window_entries import is_memo
from neko.storage import read_json, write_json

_FLAT_KEYS: Final = frozenset({"type", "role", "content", "text", "additional_kwargs"})

Signature = tuple[int, int, int]


class RecentFile:
    """What stands on disk. Every call blocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._newest_write = 0

    def signature(self) -> Signature | None:
        """Changes with every change of the file; None when there is no file."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def read(self) -> tuple[list[Any] | None, Signature | None]:
        """Entries, or None when there is no file. Raises ``DamagedFileError`` and ``MemoryStoreError``."""
        with self._lock:
            signature = self.signature()
            return _read_list(self.path), signature

    def read_backup(self) -> list[Any] | None:
        """The content before the last write; raises as ``read`` does."""
        return _read_list(self.path.with_name(self.path.name + ".bak"))

    def read_at_start(self) -> tuple[list[Any] | None, Signature | None, list[DamagedFileError]]:
        """``read``; of a damaged file, which is told, what stood there before the last write, or what can be read of it
        where that may be in no log. Raises ``MemoryStoreError``."""
        try:
            return *self.read(), []
        except DamagedFileError as error:
            damages = [error]
        try:
            before = self.read_backup()
        except DamagedFileError as error:
            damages.append(error)
            before = None
        return _with_readable(before, Path(str(damages[0].params["kept"]))), None, damages

    def forget_backup(self) -> None:
        """The content before the last write is not to be kept."""
        with self._lock:
            self.path.with_name(self.path.name + ".bak").unlink(missing_ok=True)

    def write(self, number: int, entries: list[Any]) -> Signature | None:
        """Replace the file; writes that arrive out of order are dropped. Raises ``MemoryStoreError``."""
        with self._lock:
            if number > self._newest_write:
                self._newest_write = number
                try:
                    write_json(self.path, entries)
                except ConfigError as error:
                    raise unusable(self.path, error) from error
            return self.signature()


def unusable(path: Path, error: ConfigError) -> MemoryStoreError:
    """What a user of the memory gets when a file cannot be read or written."""
    why = str(error.params.get("why", ""))
    reason = "full" if isinstance(error, DiskFullError) else "unreadable"
    return MemoryStoreError("a file of the memory cannot be used", file=str(path), reason=reason, why=why)


def _read_list(path: Path) -> list[Any] | None:
    try:
        entries: list[Any] | None = read_json(path, None, list)
    except DamagedFileError:
        raise
    except ConfigError as error:
        raise unusable(path, error) from error
    return None if entries is None else [_in_our_form(entry) for entry in entries]


def _in_our_form(entry: Any) -> Any:
    """The entry itself, but role and text that stand side by side as a message."""
    parsed = parse(entry) if isinstance(entry, dict) and "data" not in entry else None
    if parsed is None:
        return entry
    others = {key: value for key, value in entry.items() if key not in _FLAT_KEYS}
    return others | message(parsed.role, content_text(entry.get("content", entry.get("text"))) or "")


def _with_readable(before: list[Any] | None, damaged: Path) -> list[Any] | None:
    """What was written by N.E.K.O. after what stood there before, or that itself; with the memo of either."""
    try:
        readable = [_in_our_form(one) for one in readable_messages(decoded(damaged.read_bytes(), "replace"))]
    except OSError:
        return before
    if not are_there(readable):
        return before
    memo = [] if any(map(is_memo, readable)) else [one for one in before or () if is_memo(one)]
    return [*memo, *readable]
