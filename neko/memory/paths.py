"""Which file belongs to which character."""

from __future__ import annotations

from pathlib import Path

from neko.errors import InputError
from neko.memory_files import log_name, recent_name, unkept_name
from neko.storage import file_name_fault


def log_path(folder: Path, character: str) -> Path:
    """The verbatim log; raises ``InputError``."""
    return folder / log_name(checked(character))


def recent_path(folder: Path, character: str) -> Path:
    """The recent window; raises ``InputError``."""
    return folder / recent_name(checked(character))


def unkept_path(folder: Path, character: str) -> Path:
    """Lines that the log could not take before the end, a JSON file; raises ``InputError``."""
    return folder / unkept_name(checked(character))


def checked(character: str) -> str:
    """The name itself when it can be part of a file name (``storage.file_name_fault``)."""
    if fault := file_name_fault(character):
        raise InputError(f"a character's name cannot be used for a file: {fault}")
    return character
