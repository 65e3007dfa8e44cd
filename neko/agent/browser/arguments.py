"""What the model wrote as arguments, checked; whatever is wrong with it is an ``ActionError`` that says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from neko.types.hands import ActionError
from neko.well_formed import well_formed

T = TypeVar("T")


def text(arguments: Mapping[str, Any], name: str, longest: int = 8_000) -> str:
    found = arguments.get(name)
    if not isinstance(found, str):
        raise ActionError(f'Give "{name}" as a text.')
    if len(found) > longest:
        raise ActionError(f'"{name}" is longer than {longest} characters.')
    return well_formed(found)


def number(arguments: Mapping[str, Any], name: str, default: int | None = None) -> int:
    found = arguments.get(name, default)
    if isinstance(found, str) and found.strip().isdecimal() and len(found) < 10:
        found = int(found)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool):
        raise ActionError(f'Give "{name}" as a number.')
    return found


def texts(arguments: Mapping[str, Any], name: str, most: int = 20) -> list[str]:
    found = arguments.get(name)
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list) or not found or len(found) > most or not all(isinstance(one, str) for one in found):
        raise ActionError(f'Give "{name}" as a list of texts, {most} at most.')
    return [well_formed(one) for one in found]
