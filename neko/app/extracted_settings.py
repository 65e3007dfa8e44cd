"""What N.E.K.O. extracted of a character and of the user: ``settings_<name>.json`` (``contract/memory.md`` §4).

The file is read at the start of every session: it is the user's and N.E.K.O.'s, and what is changed there by hand
counts from the next session on. What the cards say lies over it. Only its two names are written, when they change,
since N.E.K.O. cannot open a conversation without them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from neko import set_aside
from neko.characters import CharacterCards, free_fields
from neko.errors import ConfigError, InputError, NekoError
from neko.memory_files import settings_name
from neko.storage import file_name_fault, is_object, read_json, write_json
from neko.tasks import in_thread

logger = logging.getLogger(__name__)


def follow_character(folder: Path, old: str, new: str) -> None:
    """Let the file of the character whose name is ``new`` by now know her by it; blocks."""
    _follow([folder / settings_name(new)], old, new)


def follow_user(folder: Path, old: str, new: str) -> None:
    """Let every file of the memory's ``folder`` know the user by the ``new`` name; blocks."""
    _follow((path for path in folder.glob(settings_name("*")) if path.name != settings_name(old)), old, new)


def _follow(paths: Iterable[Path], old: str, new: str) -> None:
    """What is damaged, or has something under the new name, stays as it is."""
    for path in paths:
        found = set_aside.first_whole((path,), is_object)
        values = found[1] if found else {}
        if old in values and new not in values:
            try:
                write_json(path, {new if name == old else name: known for name, known in values.items()})
            except ConfigError as error:
                logger.warning("%s does not follow a new name: %s", path, error)


class ExtractedSettings:
    """``folder`` is that of the memory; ``on_fault`` is told, on the loop, of a file that was damaged and set aside, or
    cannot be read: it counts as empty."""

    def __init__(self, folder: Path, cards: CharacterCards, on_fault: Callable[[NekoError], None]) -> None:
        self._folder = folder
        self._cards = cards
        self._on_fault = on_fault
        self._read: dict[str, Mapping[str, Any]] = {}

    async def read(self, character: str) -> None:
        """Take what stands in the character's file now."""
        if file_name_fault(character):
            return
        try:
            found = await in_thread(read_json, self._folder / settings_name(character), {}, dict)
        except (ConfigError, InputError) as error:
            logger.warning("%s: settings were not read: %s", character, error)
            self._on_fault(error)
            found = {}
        self._read[character] = {name: values for name, values in found.items() if isinstance(values, dict)}

    def of(self, character: str) -> tuple[dict[str, str], dict[str, str]]:
        """What is known of the character and of the user, by the file as it was read last and the cards."""
        hers, users = self._parts(character)
        return (
            {**free_fields(hers), **self._cards.traits(character)},
            {**free_fields(users), **self._cards.master_traits()},
        )

    def _parts(self, character: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The file's two objects. One under a former name is known by its place: the character's is the first."""
        found = dict(self._read.get(character, {}))
        hers, users = found.pop(character, None), found.pop(self._cards.master_name, None)
        others = [values for name, values in found.items() if name not in self._cards.names]
        if hers is None and others and (users is not None or len(others) > 1):
            hers = others.pop(0)
        if users is None and others:
            users = others[0]
        return hers or {}, users or {}
