"""Which file belongs to which character."""

from __future__ import annotations

from pathlib import Path

from neko.errors import InputError

_MAX_BYTES = 200
_SEPARATORS = ("/", "\\")


def log_path(folder: Path, character: str) -> Path:
    """The verbatim log, an SQLite file without an extension; raises ``InputError``."""
    return folder / f"time_indexed_{checked(character)}"


def recent_path(folder: Path, character: str) -> Path:
    """The recent window, a JSON file; raises ``InputError``."""
    return folder / f"recent_{checked(character)}.json"


def checked(character: str) -> str:
    """The name itself when it can be part of a file name: any Unicode but no path, no control characters."""
    unusable = (
        not character.strip()
        or ".." in character
        or any(separator in character for separator in _SEPARATORS)
        or any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in character)
    )
    if unusable or len(character.encode()) > _MAX_BYTES:
        raise InputError("a character's name cannot be used for a file")
    return character
