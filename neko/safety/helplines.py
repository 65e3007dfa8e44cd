"""Whom to call, by region and danger: ``assets/safety/helplines.json``, and over it the user's own file.

The user's file (``config/helplines.json``) has the same form; a region in it takes the place of the one here, what it
does not name stays. Its ``region`` says where the user is, whatever the browser says. It is read anew each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from neko.safety.danger import Danger
from neko.settings.paths import ASSETS
from neko.storage import OnFault, is_object, log_fault, read_document

HELPLINES_FILE: Final = "helplines.json"
_LONGEST = 120
_MOST = 6


@dataclass(frozen=True, slots=True)
class Helpline:
    """``number`` as it is dialled there; ``hours`` and ``url`` may be empty. Of an emergency number ``name`` is what
    it reaches: "any", "ambulance" or "police"."""

    number: str
    name: str = ""
    hours: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """Whom to call in this danger. ``region`` is None, and nothing known, where the reader may be anywhere.

    ``find`` is a page that lists helplines everywhere; ``checked`` says when the numbers were looked at (ISO 8601).
    """

    danger: Danger
    region: str | None
    emergency: tuple[Helpline, ...]
    lines: tuple[Helpline, ...]
    find: str
    checked: str


class Helplines:
    """``own`` is the user's file, ``on_fault`` told when it is damaged. Blocks on the disk; safe on any thread."""

    def __init__(self, own: Path | None = None, on_fault: OnFault = log_fault) -> None:
        self._own = own
        self._on_fault = on_fault

    def of(self, danger: Danger, region: str | None) -> Help:
        """Whom to call in ``danger``, for a reader in ``region``."""
        own = self._read_own()
        return _help(own, danger, _text(own.get("region")).upper() or region or "")

    def everywhere(self) -> dict[str, list[Help]]:
        """Whom to call in each danger, by each region that is known."""
        own = self._read_own()
        regions = sorted({*_ours()["regions"], *_object(own.get("regions"))})
        return {region: [_help(own, danger, region) for danger in Danger] for region in regions}

    def _read_own(self) -> Mapping[str, Any]:
        return read_document(self._own, {}, is_object, self._on_fault) if self._own else {}


def _help(own: Mapping[str, Any], danger: Danger, region: str) -> Help:
    known = _ours()
    table = {**known["regions"].get(region, {}), **_object(_object(own.get("regions")).get(region))}
    wanted = "ambulance" if danger in (Danger.MEDICAL, Danger.SELF_HARM) else "police"
    return Help(
        danger,
        region if table else None,
        tuple(line for line in _lines(table.get("emergency")) if line.name in ("any", wanted)),
        tuple(_lines(table.get(danger.value) or table.get(_INSTEAD.get(danger, "")))),
        _text(own.get("find")) or known["find"],
        _text(own.get("checked")) or known["checked"],
    )


_INSTEAD: Mapping[Danger, str] = {Danger.HARM_OTHERS: Danger.SELF_HARM.value}
"""Who listens to one listens to the other."""


@cache
def _ours() -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads((ASSETS / "safety" / HELPLINES_FILE).read_text(encoding="utf-8"))
    return found


def _lines(listed: object) -> Iterator[Helpline]:
    for entry in listed[:_MOST] if isinstance(listed, list) else ():
        if number := _text(_object(entry).get("number")):
            url = _text(entry.get("url"))
            yield Helpline(
                number,
                _text(entry.get("name")) or "any",
                _text(entry.get("hours")),
                url if url.startswith("https://") else "",
            )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value.strip()[:_LONGEST] if isinstance(value, str) else ""
