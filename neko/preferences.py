"""``user_preferences.json``: where each avatar model stands on the page, best first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neko.errors import SettingError
from neko.storage import OnFault, log_fault, read_document, write_json

Entry = dict[str, Any]
Entries = list[Entry]


class Preferences:
    """The file, read anew each time. Every call blocks on the disk; safe to use from any thread.

    ``on_fault`` is called on the calling thread. An entry is named by its ``model_path``; keys that
    Neko does not know are kept.
    """

    def __init__(self, path: Path, on_fault: OnFault = log_fault) -> None:
        self._path = path
        self._on_fault = on_fault
        self._changing = threading.Lock()
        """Held from reading the file to writing it: two changes at once are both kept."""

    def read(self) -> Entries:
        """All entries. Faults are those of ``storage.read_document``."""
        with self._changing:
            return self._read()

    def store(self, entry: Entry) -> None:
        """Lay ``entry`` over the stored one of the same model; a new one comes first."""
        self._change(lambda stored: _laid_over(stored, entry))

    def put_first(self, model_path: str) -> None:
        """Make a stored entry the best; raises ``SettingError`` when there is none."""
        self._change(lambda stored: _moved_up(stored, model_path))

    def _read(self) -> Entries:
        stored = read_document(self._path, [], _is_list, self._on_fault)
        listed = [stored] if isinstance(stored, dict) else stored
        return [entry for entry in listed if isinstance(entry, dict)]

    def _change(self, change: Callable[[Entries], Entries]) -> None:
        with self._changing:
            write_json(self._path, change(self._read()))


def _is_list(stored: Any) -> bool:
    return isinstance(stored, list | dict)


def _laid_over(stored: Entries, entry: Entry) -> Entries:
    for index, old in enumerate(stored):
        if old.get("model_path") == entry["model_path"]:
            return [*stored[:index], {**old, **entry}, *stored[index + 1 :]]
    return [entry, *stored]


def _moved_up(stored: Entries, model_path: str) -> Entries:
    chosen = [entry for entry in stored if entry.get("model_path") == model_path]
    if not chosen:
        raise SettingError("unknown_model", "No place is stored for this model.")
    return [*chosen, *(entry for entry in stored if entry.get("model_path") != model_path)]
