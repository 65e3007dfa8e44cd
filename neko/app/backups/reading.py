"""Looking through a backup, and making it ready to take the place of a data folder. Every call blocks.

A backup comes from outside: nothing of it is believed before it is checked, and it is unpacked only as far as its own
list says, into a folder of its own, within the room that the disk has.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from neko import pending_restore
from neko.app.backups import databases, sealing
from neko.app.backups.contents import Way, contents
from neko.app.backups.layout import (
    DATA,
    LARGEST_MANIFEST,
    LOG_VERSION,
    MANIFEST,
    SEALED,
    VERSION,
    KeptCharacter,
    KeptFile,
    Manifest,
    characters_in,
    is_inside,
    place_of,
    room_needed,
)
from neko.app.backups.writing import Tell
from neko.archives import ArchiveError, Readable, open_archive, open_entry
from neko.backup_errors import BackupError
from neko.hand_written import decoded
from neko.memory_files import log_name
from neko.storage import CHARACTERS_FILE, make_folder, private, sync_folder, write_failure

_CHUNK: Final = 1 << 20
_SPARE: Final = 64 << 20
"""Bytes that stay free on the disk."""
_MOST_TIMES: Final = 200
"""What is unpacked is no more than so many times as large as the archive, or ``_SMALL``: SQLite and JSON become ten
times smaller, a bomb a thousand times."""
_LONGEST_NAME: Final = 80
_SMALL: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Change:
    """How many files of one part of the data folder come that are not there, are there otherwise, are there as they
    are, or are there and not in the backup. A database counts as the same if it has as many lines."""

    part: str
    new: int
    different: int
    same: int
    gone: int


@dataclass(frozen=True, slots=True)
class Talk:
    """A character as she is in the backup and here; None where she is not."""

    name: str
    kept: KeptCharacter | None
    here: KeptCharacter | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a backup holds, and what would become of a data folder."""

    manifest: Manifest
    size: int
    changes: Sequence[Change]
    talks: Sequence[Talk]


class Backup:
    """An archive whose list of contents is good. Raises ``BackupError``, as all calls do, for what cannot be used."""

    def __init__(self, path: Path, called: str = "") -> None:
        """``called``: what the user calls it, where that is not its name here."""
        self._path = path
        self._called = Path(called).name[:_LONGEST_NAME] or path.name
        self._archive = _opened(path, self._called)
        try:
            self.manifest = _manifest(self._archive, self._called)
            self._check()
        except BaseException:
            self._archive.close()
            raise

    def close(self) -> None:
        self._archive.close()

    @property
    def size(self) -> int:
        """Bytes of all files when they are unpacked."""
        return room_needed(self.manifest.files)

    def _check(self) -> None:
        seen: set[str] = set()
        members = {info.filename: info for info in self._archive.infolist()}
        for file in self.manifest.files:
            if not is_inside(file.path):
                raise BackupError("backup_outside", f"{file.path!r} leads out of the folder", file=file.path[:80])
            info = members.get(DATA + file.path)
            if file.path in seen or info is None or info.file_size != file.size or info.is_dir():
                raise _damaged(self._called, file.path)
            seen.add(file.path)
        for path in self.manifest.secrets:
            if not is_inside(path):
                raise BackupError("backup_outside", f"{path!r} leads out of the folder", file=path[:80])
        if self.size > max(_SMALL, _MOST_TIMES * self._path.stat().st_size):
            raise _damaged(self._called, MANIFEST)

    # ── what would come ───────────────────────────────────────────────────────

    def compare(self, data: Path, tell: Tell = lambda done, total: None) -> Report:
        """What would become of a data folder, if the backup is whole; changes nothing."""
        found = contents(data)
        here = {entry.name: entry for entry in found.entries}
        there = {one.name: one for one in _characters_here(data)}
        kept = {one.name: one for one in self.manifest.characters}
        logs = {f"memory/{log_name(name)}": name for name in kept}
        counts: dict[str, Counter[str]] = {}
        done = 0
        for file in self.manifest.files:
            for _ in self._pieces(file):
                pass
            entry, part = here.pop(file.path, None), file.path.partition("/")[0]
            if entry is None:
                what = "new"
            elif entry.way is Way.DATABASE:
                name = logs.get(file.path, "")
                what = "same" if name and there.get(name) == kept[name] else "different"
            else:
                is_same = entry.way is Way.FILE and entry.size == file.size and _sum_of(entry.path) == file.sha256
                what = "same" if is_same else "different"
            counts.setdefault(part, Counter())[what] += 1
            done += file.size
            tell(done, self.size)
        for path in {*here, *found.links} - set(self.manifest.secrets if self.manifest.sealed else ()):
            counts.setdefault(path.partition("/")[0], Counter())["gone"] += 1
        changes = [
            Change(part, count["new"], count["different"], count["same"], count["gone"])
            for part, count in sorted(counts.items(), key=lambda one: pending_restore.PARTS.index(one[0]))
        ]
        talks = [Talk(name, kept.get(name), there.get(name)) for name in dict.fromkeys([*kept, *there])]
        return Report(self.manifest, self.size, changes, talks)

    # ── making it ready ───────────────────────────────────────────────────────

    def stage(self, data: Path, passphrase: str = "", tell: Tell = lambda done, total: None) -> None:
        """Make all of it whole in the data folder, whose lock the caller has, so that it takes effect when the folder
        is next opened. What is sealed comes if there is a passphrase. Raises also ``DiskFullError`` and
        ``UnwritableFileError``; then nothing has changed."""
        secrets = self._secrets(passphrase) if passphrase and self.manifest.sealed else {}
        try:
            if shutil.disk_usage(data).free < self.size + _SPARE:
                raise BackupError("backup_no_room", f"{self.size} bytes are needed", size=_megabytes(self.size))
            target = pending_restore.new_folder(data)
            for part in pending_restore.PARTS:
                if (data / part).is_mount():
                    raise BackupError("backup_mount", f"{data / part} is a mount", folder=str(data / part))
                (target / part).mkdir(mode=0o700)
            done = 0
            for file in self.manifest.files:
                self._unpack(file, place_of(target, file.path))
                done += file.size
                tell(done, self.size)
            for path, content in secrets.items():
                _write(place_of(target, path), content)
            for folder, _, _ in os.walk(target):
                sync_folder(Path(folder))
            pending_restore.ready(data)
        except BaseException as error:
            pending_restore.cancel(data)
            if isinstance(error, OSError):
                raise write_failure(data, error) from error
            raise

    def _secrets(self, passphrase: str) -> Mapping[str, bytes]:
        try:
            info = self._archive.getinfo(SEALED)
            if info.file_size > 2 * sealing.LARGEST:
                raise _damaged(self._called, SEALED)
            with open_entry(self._archive, info) as file:
                found = sealing.unseal(file.read(2 * sealing.LARGEST), passphrase)
        except (KeyError, ArchiveError) as error:
            raise _damaged(self._called, SEALED) from error
        if set(found) != set(self.manifest.secrets):
            raise _damaged(self._called, SEALED)
        return found

    def _unpack(self, file: KeptFile, place: Path) -> None:
        make_folder(place.parent)
        with open(place, "xb", opener=private) as unpacked:
            for piece in self._pieces(file):
                unpacked.write(piece)
            unpacked.flush()
            os.fsync(unpacked.fileno())
        os.utime(place, (file.modified, file.modified))

    def _pieces(self, file: KeptFile) -> Iterator[bytes]:
        """What a file holds; at its end it has been seen to be whole."""
        summed, left = hashlib.sha256(), file.size
        try:
            with open_entry(self._archive, DATA + file.path) as packed:
                while piece := packed.read(_CHUNK):
                    left -= len(piece)
                    if left < 0:
                        raise _damaged(self._called, file.path)
                    summed.update(piece)
                    yield piece
        except ArchiveError as error:
            raise _damaged(self._called, file.path) from error
        if left or summed.hexdigest() != file.sha256:
            raise _damaged(self._called, file.path)


def _opened(path: Path, called: str) -> zipfile.ZipFile:
    try:
        return open_archive(path)
    except FileNotFoundError as error:
        raise BackupError("backup_missing", f"there is no {path}", file=str(path)) from error
    except OSError as error:
        why = error.strerror or str(error)
        raise BackupError("backup_unreadable", f"{path} cannot be read: {why}", file=called, why=why) from error
    except ArchiveError as error:
        raise _no_backup(called) from error


def _manifest(archive: zipfile.ZipFile, called: str) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
        if info.file_size > LARGEST_MANIFEST:
            raise _no_backup(called)
        with open_entry(archive, info) as file:
            document = json.loads(_all_of(file))
    except (KeyError, ValueError, RecursionError, ArchiveError) as error:
        raise _no_backup(called) from error
    if not isinstance(document, dict) or document.get("format") != "neko-backup":
        raise _no_backup(called)
    versions = [(document.get("version"), VERSION), (document.get("log_version"), LOG_VERSION)]
    if any(isinstance(version, int) and version > known for version, known in versions):
        raise BackupError("backup_too_new", f"{called} is of a newer Neko", file=called)
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        raise _damaged(called, MANIFEST) from error


def _all_of(file: Readable) -> bytes:
    content = file.read(LARGEST_MANIFEST + 1)
    if len(content) > LARGEST_MANIFEST:
        raise ValueError("the list is too large")
    return content


def _no_backup(called: str) -> BackupError:
    return BackupError("no_backup", f"{called} is no backup of Neko", file=called)


def _damaged(called: str, inside: str) -> BackupError:
    return BackupError("backup_damaged", f"{called} is damaged: {inside}", file=called, inside=inside[:80])


def _megabytes(size: int) -> int:
    return -(-size // 1_000_000)


def _sum_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _characters_here(data: Path) -> Sequence[KeptCharacter]:
    try:
        cards = json.loads(decoded((data / "config" / CHARACTERS_FILE).read_bytes()))
    except (OSError, ValueError, RecursionError):
        return ()
    names = [one.name for one in characters_in(cards, {})]
    return [KeptCharacter(name=name, lines=_lines(data / "memory" / log_name(name))) for name in names]


def _lines(log: Path) -> int | None:
    return databases.lines(log) if log.is_file() else 0


def _write(place: Path, content: bytes) -> None:
    make_folder(place.parent)
    with open(place, "wb", opener=private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
