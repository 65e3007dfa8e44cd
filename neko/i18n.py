"""Sentences a user reads: one table per language, shared with the page (``assets/locales``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from neko.errors import NekoError
from neko.settings import ASSETS


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened (``text``), the one thing to do (``remedy``) and the page that helps (``link``)."""

    code: str
    text: str
    remedy: str = ""
    link: str = ""


@cache
def _errors(language: str) -> Mapping[str, Mapping[str, str]]:
    table: dict[str, Any] = json.loads((ASSETS / "locales" / f"{language}.json").read_text(encoding="utf-8"))
    errors: Mapping[str, Mapping[str, str]] = table["errors"]
    return errors


def load(language: str) -> None:
    """Read a table ahead of its first use (a file is read: not on the loop thread)."""
    _errors(language)


def known(code: str, language: str) -> bool:
    """Is there a sentence for ``code``?"""
    return code in _errors(language)


def notice(code: str, language: str, params: Mapping[str, object] | None = None) -> Notice:
    """The sentence for ``code``; a code without one gets that of ``internal``."""
    table = _errors(language)
    entry = table.get(code) or table["internal"]
    values = _Blanks(params or {})
    return Notice(
        code,
        entry["message"].format_map(values),
        entry.get("remedy", "").format_map(values),
        entry.get("link", ""),
    )


def describe(error: NekoError, language: str) -> Notice:
    """What to tell the user about ``error``."""
    return notice(error.code, language, {"detail": str(error), **error.params})


class _Blanks(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""
