"""What N.E.K.O. extracted of a character and of the user: ``settings_<name>.json`` (``contract/memory.md`` §4).

The file is read at the start of every session, and never written: it is the user's and N.E.K.O.'s, and what is changed
there by hand counts from the next session on. What the cards say lies over it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from neko.characters import CharacterCards, free_fields
from neko.errors import ConfigError, InputError, NekoError
from neko.memory_files import settings_name
from neko.storage import file_name_fault, read_json
from neko.tasks import in_thread

logger = logging.getLogger(__name__)


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
