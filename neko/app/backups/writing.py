"""Making a backup of a data folder, also while Neko runs. Every call blocks."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from neko.app.backups import databases, sealing
from neko.app.backups.contents import Entry, Way, contents
from neko.app.backups.layout import DATA, MANIFEST, MOST_FILES, SEALED, KeptFile, Manifest, characters_in
from neko.backup_errors import BackupError
from neko.hand_written import decoded
from neko.memory_files import character_of, is_log
from neko.storage import CHARACTERS_FILE, WORKPLACE, private, sync_folder, write_failure

_PACKED: Final = (
    *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".vrm", ".glb", ".zip", ".gz"),
    *(".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".webm", ".moc3"),
)
"""Endings of what does not become smaller."""
_CHUNK: Final = 1 << 20
_OLDEST: Final = (1980, 1, 1, 0, 0, 0)
"""Of a moment that a zip archive can hold."""

Tell = Callable[[int, int], None]
"""So many bytes of so many are done. May raise, to end it."""


@dataclass(frozen=True, slots=True)
class Made:
    """``left_out``: paths of what holds secrets and is in no backup without a passphrase. ``unread``: of what could not
    be read. ``links`` and ``others`` as in ``Contents``."""

    path: Path
    size: int
    files: int
    left_out: Sequence[str]
    unread: Sequence[str]
    links: Sequence[str]
    others: Sequence[str]


@dataclass(slots=True)
class _Work:
    archive: zipfile.ZipFile
    workplace: Path
    total: int
    tell: Tell
    done: int = 0
    files: list[KeptFile] = field(default_factory=list)
    secrets: dict[str, bytes] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    lines: dict[str, int | None] = field(default_factory=dict)
    cards: object = None


def write(data: Path, target: Path, passphrase: str = "", tell: Tell = lambda done, total: None) -> Made:
    """Make the backup of a data folder at ``target``, where nothing may be yet: whole, or not at all.

    Without a passphrase it holds no keys. Raises ``BackupError``, ``DiskFullError`` and ``UnwritableFileError``.
    """
    if passphrase:
        sealing.check_passphrase(passphrase)
    if target.exists():
        raise BackupError("backup_exists", f"{target} exists", file=str(target))
    there = contents(data)
    found = there.entries
    if not any(entry.name.startswith(("config/", "memory/")) for entry in found):
        raise BackupError("backup_nothing", f"there is nothing in {data}", folder=str(data))
    if len(found) > MOST_FILES:
        raise BackupError("backup_too_many", f"there are {len(found)} files", most=MOST_FILES)
    part = target.with_name(f".{target.name}.part")
    try:
        with (
            tempfile.TemporaryDirectory(dir=target.parent, prefix=WORKPLACE) as workplace,
            open(part, "w+b", opener=private) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            work = _Work(archive, Path(workplace), sum(entry.size for entry in found), tell)
            _add_all(work, found, passphrase)
        part.replace(target)
        sync_folder(target.parent)
        size = target.stat().st_size
    except OSError as error:
        raise write_failure(target, error) from error
    finally:
        part.unlink(missing_ok=True)
    left_out = () if passphrase else sorted(work.secrets)
    return Made(target, size, len(work.files), left_out, work.unread, there.links, there.others)


def _add_all(work: _Work, found: Sequence[Entry], passphrase: str) -> None:
    for entry in found:
        try:
            _add(work, entry)
        except (sqlite3.Error, OSError, ValueError) as error:
            if isinstance(error, OSError) and error.filename != str(entry.path):
                raise  # it is what is written that fails
            work.unread.append(entry.name)
    if passphrase and work.secrets:
        work.archive.writestr(SEALED, sealing.seal(work.secrets, passphrase), zipfile.ZIP_STORED)
    manifest = Manifest(
        made=f"{datetime.now():%Y-%m-%dT%H:%M:%S}",
        characters=characters_in(work.cards, work.lines),
        secrets=sorted(work.secrets),
        sealed=bool(passphrase and work.secrets),
        files=work.files,
    )
    work.archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))


def _add(work: _Work, entry: Entry) -> None:
    match entry.way:
        case Way.FILE:
            if entry.name == f"config/{CHARACTERS_FILE}":
                content = entry.path.read_bytes()
                work.cards = _parsed(content)
                _add_bytes(work, entry, content)
            else:
                with entry.path.open("rb") as file:
                    _add_file(work, entry, file)
        case Way.DATABASE:
            with _snapshot(work, entry) as copied, copied.open("rb") as file:
                _add_file(work, entry, file)
        case Way.MASKED:
            work.secrets[entry.name] = content = entry.path.read_bytes()
            if (document := _parsed(content)) is not None:
                cleaned = json.dumps(sealing.without_secrets(document), ensure_ascii=False, indent=2) + "\n"
                _add_bytes(work, entry, cleaned.encode("utf-8", "replace"))
        case Way.SECRET:
            if sum(map(len, work.secrets.values())) + entry.size > sealing.LARGEST:
                raise ValueError("there is too much to be sealed")
            work.secrets[entry.name] = entry.path.read_bytes()


def _parsed(content: bytes) -> object:
    try:
        return json.loads(decoded(content))
    except (ValueError, RecursionError):
        return None


@contextmanager
def _snapshot(work: _Work, entry: Entry) -> Iterator[Path]:
    copied = work.workplace / "database"
    copied.unlink(missing_ok=True)
    databases.copy(entry.path, copied)
    name = entry.path.name
    if entry.name.startswith("memory/") and is_log(name) and (character := character_of(name)):
        work.lines[character] = databases.lines(copied)
    try:
        yield copied
    finally:
        for ending in ("", "-wal", "-shm"):
            copied.with_name(copied.name + ending).unlink(missing_ok=True)


def _add_bytes(work: _Work, entry: Entry, content: bytes) -> None:
    work.archive.writestr(_described(entry), content)
    _note(work, entry, len(content), hashlib.sha256(content).hexdigest())
    work.done += entry.size
    work.tell(work.done, work.total)


def _add_file(work: _Work, entry: Entry, file: IO[bytes]) -> None:
    total, summed = 0, hashlib.sha256()
    with work.archive.open(_described(entry), "w", force_zip64=True) as kept:
        while chunk := file.read(_CHUNK):
            kept.write(chunk)
            summed.update(chunk)
            total += len(chunk)
            work.done += len(chunk)
            work.tell(min(work.done, work.total), work.total)
    _note(work, entry, total, summed.hexdigest())


def _described(entry: Entry) -> zipfile.ZipInfo:
    moment = max(time.localtime(entry.modified)[:6], _OLDEST)
    info = zipfile.ZipInfo(DATA + entry.name, moment)
    info.compress_type = zipfile.ZIP_STORED if entry.path.suffix.lower() in _PACKED else zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _note(work: _Work, entry: Entry, size: int, summed: str) -> None:
    modified = max(entry.modified, 0.0)
    work.files.append(KeptFile(path=entry.name, size=size, sha256=summed, modified=modified))
