"""Where models are, what they may be called, and how a new one takes its place."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote

from neko.avatar_errors import AvatarError
from neko.storage import LONGEST_NAME, WORKPLACE, file_name_fault, is_plain_name, make_folder, sync_folder

DEEPEST: Final = 8
"""Folders below a root in which is looked."""


class Source(StrEnum):
    """Where a model comes from, in the words of the contract."""

    PROGRAM = "static"
    USER = "documents"
    WORKSHOP = "steam_workshop"


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of models; ``url`` is the path at which its files are served, without a slash at its end. ``only`` names
    the folders in it that count, whose files are another program's and never written; None: all of them."""

    folder: Path
    url: str
    source: Source
    only: frozenset[str] | None = None

    def address(self, path: Path) -> str:
        """The percent-encoded path of a file below this root."""
        return f"{self.url}/{quote(path.relative_to(self.folder).as_posix())}"


def check_name(name: str) -> str:
    """A name for a model or a file of it, trimmed. Raises ``AvatarError``: one path part, the same on every system."""
    name = name.strip()
    if file_name_fault(name) or not is_plain_name(name) or name.endswith("."):
        raise AvatarError("avatar_name", f"{name!r} cannot be a name of a model or file", name=name[:80])
    return name


def plain_path(name: str) -> PurePosixPath | None:
    """A relative path as somebody sent it, with either slash; None where it leads elsewhere or means something else
    on another system."""
    path = PurePosixPath(name.replace("\\", "/"))
    is_plain = all(is_plain_name(part) and part.strip() and len(part.encode()) <= LONGEST_NAME for part in path.parts)
    return path if path.parts and is_plain and len(path.parts) <= DEEPEST else None


def files_below(folder: Path, *endings: str) -> Iterator[Path]:
    """Files by name with one of these endings, whatever their case; neither hidden ones nor through links."""
    for where, folders, names in os.walk(folder):
        depth = len(Path(where).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if is_plain_name(name)) if depth < DEEPEST else []
        for name in sorted(names):
            path = Path(where, name)
            if name.lower().endswith(endings) and is_plain_name(name) and not path.is_symlink():
                yield path


def folders_in(folder: Path) -> list[Path]:
    """The folders directly in this one by name, without hidden ones and links; none where it is not there."""
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return []
    return [one for one in inside if is_plain_name(one.name) and one.is_dir() and not one.is_symlink()]


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """A hidden folder in this one for what is not whole yet, gone afterwards; what a crash leaves of it is swept at the
    next start."""
    make_folder(folder)
    place = Path(tempfile.mkdtemp(dir=folder, prefix=WORKPLACE))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


_settling: Final = threading.Lock()


def settle(whole: Path, target: Path) -> None:
    """Put what is whole at its place, at once or not at all. Raises ``AvatarError`` where something is there."""
    with _settling:
        if os.path.lexists(target):
            raise AvatarError("avatar_exists", f"{target.name} is there already", name=target.name)
        make_folder(target.parent)
        whole.rename(target)
    sync_folder(target.parent)


def remove(path: Path) -> None:
    """Delete a file, or a folder with all in it: from one moment to the other it is not there any more."""
    with workplace(path.parent) as place:
        path.rename(place / path.name)
