"""Deleted characters: card and memory in a folder each below ``trash`` of the data folder, for a month.

``character.json`` of an entry holds name, card, place in the list and moment, and ``moving`` while files are on their
way. So a crash in the middle is seen at the next start: an entry on its way whose character is still, or again, in
``characters.json`` has no files and goes; that of one who is not there gets the rest of her files. Every call blocks.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from neko.errors import CharacterError, ConfigError
from neko.memory.character_files import files_of, move
from neko.storage import write_json

logger = logging.getLogger(__name__)

KEPT: Final = timedelta(days=30)
_FILE: Final = "character.json"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deleted character. ``at``: ISO 8601, local naive time; ``place``: her index in the list; ``settings``: what was
    set for her (``CharacterSettings``)."""

    name: str
    card: dict[str, Any]
    place: int
    at: str
    moving: bool
    settings: dict[str, Any] = field(default_factory=dict)


class Trash:
    """``folder`` holds the entries, ``memory`` the files of the characters that are there."""

    def __init__(self, folder: Path, memory: Path) -> None:
        self._folder = folder
        self._memory = memory

    def announce(self, name: str, card: Mapping[str, Any], place: int, settings: Mapping[str, Any] = _NOTHING) -> Path:
        """Make an entry for a character who is about to be deleted. Raises ``ConfigError``."""
        now = datetime.now()
        entry = self._folder / f"{now:%Y%m%d-%H%M%S}-{uuid4().hex[:8]}"
        deleted = Deleted(name, dict(card), place, now.isoformat(), moving=True, settings=dict(settings))
        write_json(entry / _FILE, asdict(deleted))
        return entry

    def fill(self, entry: Path) -> None:
        """Take the memory in, once the card is gone and nobody has the files open.

        Raises ``OSError``, ``ConfigError``.
        """
        deleted = _read(entry)
        move(self._memory, deleted.name, entry, deleted.name)
        write_json(entry / _FILE, asdict(replace(deleted, moving=False)))

    def make_room(self, name: str) -> None:
        """Keep here what lies in the memory of a name that no character has. Raises ``OSError``, ``ConfigError``."""
        if files_of(self._memory, name):
            self.fill(self.announce(name, {}, 0))

    def finish(self, name: str) -> None:
        """Take the rest in of a character of this name, who is no longer there, if it is still to come.

        Raises ``OSError``, ``ConfigError``.
        """
        for entry, deleted in self._entries():
            if deleted.moving and deleted.name == name:
                self.fill(entry)

    def discard(self, entry: Path) -> None:
        """Forget an entry that holds nothing that is needed."""
        shutil.rmtree(entry, ignore_errors=True)

    def give_back(self, name: str) -> tuple[Path, Deleted]:
        """Put the memory of the last deleted character of this name back in its place; her card is still to come, then
        ``discard``. Raises ``CharacterError`` when there is none, ``OSError``, ``ConfigError``."""
        for entry, deleted in reversed(list(self._entries())):
            if deleted.name == name and datetime.fromisoformat(deleted.at) + KEPT > datetime.now():
                self.make_room(name)
                write_json(entry / _FILE, asdict(replace(deleted, moving=True)))
                move(entry, name, self._memory, name)
                return entry, deleted
        raise CharacterError("nothing is kept of a deleted character of this name", reason="gone")

    def settle(self, names: Collection[str]) -> None:
        """End what was interrupted, and let go what was kept long enough. ``names``: the characters that are there."""
        for entry, deleted in list(self._entries()):
            is_old = datetime.fromisoformat(deleted.at) + KEPT < datetime.now()
            if is_old or (deleted.moving and deleted.name in names):
                self.discard(entry)
            elif deleted.moving:
                try:
                    self.fill(entry)
                except (OSError, ConfigError):
                    logger.exception("what a deleted character remembers could not be moved away")

    def documents(self) -> list[Path]:
        """The files with the cards that are kept."""
        return list(self._folder.glob(f"*/{_FILE}"))

    def _entries(self) -> Iterator[tuple[Path, Deleted]]:
        """Oldest first."""
        for entry in sorted(self._folder.glob("*")) if self._folder.is_dir() else ():
            try:
                deleted = _read(entry)
                datetime.fromisoformat(deleted.at)
            except (OSError, ValueError, TypeError):
                continue
            yield entry, deleted


def _read(entry: Path) -> Deleted:
    return Deleted(**json.loads((entry / _FILE).read_text(encoding="utf-8")))
