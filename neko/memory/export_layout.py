"""How an export is laid out: one JSON document, of which each entry has a line of the file for itself.

So it is written and read without ever being in memory whole, and damage costs the entries that it touches. The head
holds numbers; then come, in this order, the sections of ``SECTIONS``, of which a reader passes over what it does not
know. ``FORMAT`` grows when an older reader could no longer make of it what it should. Every call blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, Final

from neko.memory.line_codec import PICTURE_NAME
from neko.well_formed import load_json

FORMAT: Final = 2
"""1 had neither this number nor anything that is not in the lists ``lines`` and ``facts``, and ``memo``."""
_LARGEST_ENTRY: Final = 64 << 20
"""Bytes: a picture in base64."""
_LONGEST_HEAD: Final = 16_384
_BEGINS: Final = re.compile(rb'"(\w{1,40})": \[\s*\Z')
_VALUE: Final = re.compile(rb'"(\w{1,40})": ')
_ENDS: Final = (b"]", b"],", b"]}", b"}", b"")
_PICTURE: Final = re.compile(rb'\{"name": "([0-9a-f]{64}\.jpg)", "jpeg": "[A-Za-z0-9+/=]{8,}"\}')


class Section(Enum):
    """The value is its name in the document. ``MEMO`` is a text and ``SETTINGS`` an object, the others are lists.
    ``CHANGES`` are told and do not come back: they are of the log that was changed."""

    LINES = "lines"
    SUMMARIES = "summaries"
    RECENT = "recent"
    MEMO = "memo"
    FACTS = "facts"
    CHATS = "chats"
    SETTINGS = "settings"
    CHANGES = "changes"
    PICTURES = "pictures"


_LISTS: Final = {one.value: one for one in Section if one not in (Section.MEMO, Section.SETTINGS, Section.CHANGES)}
_VALUES: Final = {one.value: one for one in (Section.MEMO, Section.SETTINGS)}


# ── writing ──────────────────────────────────────────────────────────────────


class Writer:
    """Gives the text of an export piece by piece: ``head``, which begins the lines, then ``entries`` and the others."""

    def __init__(self) -> None:
        self._gap = "\n"
        self._in_list = True

    def head(self, character: str, numbers: Mapping[str, int]) -> str:
        return (
            json.dumps({"character": character, "format": FORMAT, **numbers}, ensure_ascii=False)[:-1] + ', "lines": ['
        )

    def entries(self, entries: Iterable[Any]) -> str:
        """More entries of the list that was begun last."""
        written = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        if not written:
            return ""
        piece, self._gap = self._gap + written, ",\n"
        return piece

    def begin(self, section: Section) -> str:
        """The next list."""
        piece, self._gap, self._in_list = f'{self._close()},\n"{section.value}": [', "\n", True
        return piece

    def value(self, section: Section, value: Any) -> str:
        piece = f'{self._close()},\n"{section.value}": {json.dumps(value, ensure_ascii=False)}'
        self._in_list = False
        return piece

    def end(self) -> str:
        return f"{self._close()}}}\n"

    def _close(self) -> str:
        return "\n]" if self._in_list else ""


def lay_out(document: Mapping[str, Any], path: Path) -> None:
    """Write an export that somebody has laid out otherwise as it should be."""
    writer = Writer()
    numbers = {name: value for name, value in document.items() if isinstance(value, int) and name != "format"}
    with path.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        file.write(writer.head(str(document.get("character", "")), numbers))
        for section in Section:
            value = document.get(section.value)
            if section in _VALUES.values():
                file.write(writer.value(section, value))
                continue
            if section is not Section.LINES:
                file.write(writer.begin(section))
            file.write(writer.entries(value if isinstance(value, list) else []))
        file.write(writer.end())


# ── reading ──────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Reader:
    """Reads an export that is laid out so. ``unread`` lines of the file are no entries, and ``is_whole`` tells whether
    its end was there: both count anew with each ``read``."""

    path: Path
    unread: int = 0
    is_whole: bool = True

    def read(self, *, with_pictures: bool = False) -> Iterator[tuple[Section, Any]]:
        """The entries and values; of a picture only its name unless ``with_pictures``."""
        self.unread, self.is_whole = 0, False
        section: Section | None = Section.LINES
        with self.path.open("rb") as file:
            file.readline(_LARGEST_ENTRY)
            for raw in _lines(file):
                line = raw.strip() if raw is not None else b"?"
                if line in _ENDS:
                    self.is_whole = self.is_whole or line.endswith(b"}")
                elif begins := _BEGINS.match(line):
                    section = _LISTS.get(begins[1].decode())
                elif value := _VALUE.match(line):
                    section = None
                    if (named := _VALUES.get(value[1].decode())) and (found := self._entry(line[value.end() :])):
                        yield named, found[0]
                elif section is Section.PICTURES and not with_pictures and (picture := _PICTURE.match(line)):
                    yield section, {"name": picture[1].decode()}
                elif section is not None and (found := self._entry(line)):
                    yield section, found[0]

    def _entry(self, line: bytes) -> tuple[Any] | None:
        try:
            return (load_json(line.removesuffix(b",")),)
        except (ValueError, RecursionError):
            self.unread += 1
            return None


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a file; None for one that is longer than any entry."""
    while line := file.readline(_LARGEST_ENTRY):
        if len(line) < _LARGEST_ENTRY or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(_LARGEST_ENTRY)
        yield None


def head_of(path: Path) -> Mapping[str, Any] | None:
    """The head of an export that is laid out so; None for any other file."""
    with path.open("rb") as file:
        first = file.readline(_LONGEST_HEAD).removeprefix(b"\xef\xbb\xbf").strip()
    if not first.startswith(b"{") or not first.endswith(b"["):
        return None
    try:
        head = load_json(first + b"]}")
    except (ValueError, RecursionError):
        return None
    return head if is_export(head) else None


def is_export(document: Any) -> bool:
    """Whether a document, or its head, is an export of this form."""
    if not isinstance(document, dict) or document.get(Section.LINES.value) is None:
        return False
    known = isinstance(document.get("character"), str), isinstance(document.get("format"), int)
    return all(known) and document["format"] >= FORMAT


def is_picture(entry: Any) -> bool:
    """Whether an entry has the name of a picture."""
    return (
        isinstance(entry, dict) and isinstance(entry.get("name"), str) and bool(PICTURE_NAME.fullmatch(entry["name"]))
    )
