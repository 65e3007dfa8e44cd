"""Lines that the log could not take before the end: a JSON file beside it, until it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from neko.errors import DiskFullError
from neko.memory import reserve
from neko.memory.line_codec import lines_elsewhere, remark_of
from neko.storage import OnFault, read_document, write_json
from neko.types.lines import NewLine

_REQUIRED: Final = ("session_id", "turn_id", "role", "text", "at")
_NAMES: Final = frozenset(field.name for field in fields(NewLine))


def read(path: Path, on_fault: OnFault) -> list[NewLine]:
    """What was kept, oldest first. A file that is none of ours is set aside and told."""
    return [_line(entry) for entry in read_document(path, [], _is_list_of_lines, on_fault)]


def write(path: Path, lines: Sequence[NewLine]) -> None:
    """Keep these lines in place of those before; without any the file goes. On a full disk they get the room that was
    reserved for them. Raises ``ConfigError`` and ``OSError``."""
    if lines:
        entries = [asdict(line) | {"at": line.at.isoformat()} for line in lines]
        try:
            write_json(path, entries)
        except DiskFullError:
            if not reserve.give_up(path.parent):
                raise
            write_json(path, entries)
        return
    for file in (path, path.with_name(path.name + ".bak")):
        file.unlink(missing_ok=True)
    reserve.make(path.parent)


def _line(entry: dict[str, Any]) -> NewLine:
    known = {name: value for name, value in entry.items() if name in _NAMES}
    known["at"] = datetime.fromisoformat(entry["at"])
    known["pictures"] = tuple(entry.get("pictures") or ())
    known["recalled"] = tuple(entry.get("recalled") or ())
    known["recalled_elsewhere"] = lines_elsewhere(entry.get("recalled_elsewhere"))
    known["remark"] = remark_of(entry.get("remark"))
    return NewLine(**known)


def _is_list_of_lines(value: Any) -> bool:
    return isinstance(value, list) and all(_is_line(entry) for entry in value)


def _is_line(entry: Any) -> bool:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in _REQUIRED):
        return False
    try:
        datetime.fromisoformat(entry["at"])
    except ValueError:
        return False
    return entry["role"] in ("user", "assistant", "system")
