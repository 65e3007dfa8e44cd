"""What was found in a folder of another program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class FoundCharacter:
    """``card`` has the keys of ``characters.json``; ``picture`` is a file, if she has one."""

    name: str
    card: Mapping[str, Any]
    program: str
    picture: Path | None = None


@dataclass(frozen=True, slots=True)
class FoundTalk:
    """A file of a talk, or a folder of a memory. ``character`` is "" where the file itself says whose it is."""

    name: str
    path: Path
    program: str
    character: str = ""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file or folder that goes to ``target`` below the data folder, where nothing is there yet."""

    path: Path
    target: str


@dataclass(slots=True)
class Found:
    """``documents`` are those of N.E.K.O. in ``config``, by name, ``cards`` its ``characters.json``, ``workshop_of``
    the folder that its ``workshop_config.json`` is of; ``left`` says why something stays behind."""

    characters: list[FoundCharacter] = field(default_factory=list)
    talks: list[FoundTalk] = field(default_factory=list)
    files: list[FoundFile] = field(default_factory=list)
    documents: dict[str, Any] = field(default_factory=dict)
    cards: Any = None
    workshop_of: Path | None = None
    master: Mapping[str, Any] = field(default_factory=dict)
    left: list[tuple[str, str]] = field(default_factory=list)
    others: int = 0
    """Files that are nothing of any of these programs."""

    @property
    def is_empty(self) -> bool:
        return not (self.characters or self.talks or self.files or self.documents)
