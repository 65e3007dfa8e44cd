"""Sentences a user reads: one table per language, shared with the page (``assets/locales``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from neko.errors import ModelError, NekoError
from neko.settings import ASSETS

_FILES: Final = ("file", "kept")
_MODEL_PAGE: Final = "settings/model"
"""Parameters that are paths."""
_SECTIONS: Final = ("agent", "memory", "menu", "off_record", "recalled", "voice")
"""Those of which sentences are used here too: the others would take half a megabyte."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened (``text``), the one thing to do (``remedy``) and the page that helps (``link``).

    ``said``: what the other side said of it, in a sentence of its own.
    """

    code: str
    text: str
    remedy: str = ""
    link: str = ""
    said: str = ""

    @property
    def whole(self) -> str:
        """``text``, and on the next line what the other side said."""
        return f"{self.text}\n{self.said}" if self.said else self.text


class _Error(NamedTuple):
    message: str
    remedy: str
    link: str


@dataclass(frozen=True, slots=True)
class _Table:
    """``errors`` by code; of what else stands there, the ``sections`` that are not for the page alone."""

    errors: Mapping[str, _Error]
    sections: Mapping[str, Any]


@cache
def _table(language: str) -> _Table:
    read: Mapping[str, Any] = json.loads((ASSETS / "locales" / f"{language}.json").read_text(encoding="utf-8"))
    errors = {
        code: _Error(entry["message"], entry.get("remedy", ""), entry.get("link", ""))
        for code, entry in read["errors"].items()
    }
    return _Table(errors, {name: read[name] for name in _SECTIONS})


def sentence(key: str, language: str) -> str:
    """A sentence of the page by its key ("voice.sample_text"), its parameters not filled in. Raises ``KeyError``, also
    for one of a section that is not kept (``_SECTIONS``)."""
    found: Any = _table(language).sections
    for part in key.split("."):
        found = found[part]
    return str(found)


def attribute_name(attribute: str, language: str) -> str:
    """What an attribute of a fact is called in a language; one that has no name there is called as it is."""
    names: Mapping[str, str] = _table(language).sections["memory"]["attributes"]
    return names.get(attribute, attribute)


def load(language: str) -> None:
    """Read a table ahead of its first use (a file is read: not on the loop thread)."""
    _table(language)


def known(code: str, language: str) -> bool:
    """Is there a sentence for ``code``?"""
    return code in _table(language).errors


def notice(code: str, language: str, params: Mapping[str, object] | None = None) -> Notice:
    """The sentence for ``code``; a code without one gets that of ``internal``."""
    errors = _table(language).errors
    entry = errors.get(code) or errors["internal"]
    values = _Blanks(params or {})
    return Notice(code, entry.message.format_map(values), entry.remedy.format_map(values), entry.link)


def describe(error: NekoError, language: str, *, files_by_name: bool = False) -> Notice:
    """What to tell the user about ``error``. ``files_by_name``: the reader need not know where the data folder is."""
    params = {"detail": str(error), **error.params}
    if files_by_name:
        params |= {name: "/".join(Path(str(params[name])).parts[-2:]) for name in _FILES if params.get(name)}
    found = replace(notice(error.sentence, language, params), code=error.code)
    if isinstance(error, ModelError) and error.in_call and found.link == _MODEL_PAGE:
        place = notice("call_elsewhere", language, params)
        found = replace(found, remedy=place.remedy, link=place.link)
    if not error.said:
        return found
    speaker = params.get("provider") or params.get("name")
    told = {**params, "provider": speaker, "said": error.said}
    return replace(found, said=notice("said" if speaker else "said_by_nobody", language, told).text)


class _Blanks(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""
