"""``voice_storage.json``: the voices that were made or added, by the key of the service that has them.

N.E.K.O. files them under the key itself and shows only those of the key in force (``contract/config.md`` §2), so that a
change of provider hides them; here all of them count, and a new one names no key.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from neko.storage import OnFault, forget_previous, is_object, log_fault, read_document, write_json

FILE: Final = "voice_storage.json"
_ADDED: Final = "neko"
"""What new voices stand under, in place of a key."""


class VoiceLibrary:
    """The file, read anew each time. Every call blocks on the disk; safe to use from any thread."""

    def __init__(self, path: Path, on_fault: OnFault = log_fault) -> None:
        self._path = path
        self._on_fault = on_fault
        self._changing = threading.Lock()

    def all(self) -> dict[str, dict[str, Any]]:
        """What is kept of each voice, by its id."""
        with self._changing:
            stored = self._read()
        return {
            voice: {**data, "voice_id": voice}
            for voices in stored.values()
            if isinstance(voices, dict)
            for voice, data in voices.items()
            if isinstance(data, dict)
        }

    def add(self, voice: str, data: Mapping[str, Any], now: datetime) -> None:
        """Keep a voice, in place of one of the same id. Raises ``ConfigError``."""
        with self._changing:
            stored = _without(self._read(), voice)
            added = stored.get(_ADDED)
            entry = {"created_at": now.isoformat(timespec="seconds"), **data, "voice_id": voice}
            stored[_ADDED] = {**(added if isinstance(added, dict) else {}), voice: entry}
            write_json(self._path, stored)

    def remove(self, voice: str) -> bool:
        """Whether there was such a voice. Raises ``ConfigError``."""
        with self._changing:
            stored = self._read()
            kept = _without(stored, voice)
            if kept == stored:
                return False
            write_json(self._path, kept)
            forget_previous(self._path)
            return True

    def _read(self) -> dict[str, Any]:
        stored: dict[str, Any] = read_document(self._path, {}, is_object, self._on_fault)
        return stored


def _without(stored: Mapping[str, Any], voice: str) -> dict[str, Any]:
    return {
        key: {one: data for one, data in voices.items() if one != voice} if isinstance(voices, dict) else voices
        for key, voices in stored.items()
    }
