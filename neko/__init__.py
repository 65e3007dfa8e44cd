"""Neko: a companion with a face, a voice, a memory and hands, in one asyncio process.

``from neko import Neko, Settings`` embeds it; the names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neko.application import Neko
    from neko.settings import Settings

__all__ = ["Neko", "Settings"]

_HOMES = {"Neko": "neko.application", "Settings": "neko.settings"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
