"""N.E.K.O.'s import paths (``plugin.sdk.…``, ``plugin.core.context``), for the process of a plug-in only."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Final

from neko.plugin import context, decorators, events, file_log, plugin_class, version

_HOMES: Final[dict[str, tuple[ModuleType, ...]]] = {
    "plugin": (),
    "plugin.sdk": (plugin_class, decorators, events, file_log, context, version),
    "plugin.sdk.base": (plugin_class, events),
    "plugin.sdk.decorators": (decorators,),
    "plugin.sdk.events": (events,),
    "plugin.sdk.logger": (file_log,),
    "plugin.sdk.version": (version,),
    "plugin.core": (),
    "plugin.core.context": (context,),
}


def install() -> None:
    """Let ``import plugin.sdk`` find what ``neko.plugin`` has."""
    for name, homes in _HOMES.items():
        module = package(name)
        for home in homes:
            for symbol in vars(home):
                if not symbol.startswith("_"):
                    setattr(module, symbol, getattr(home, symbol))


def package(name: str) -> ModuleType:
    """The package of this name; one that is empty and found nowhere on disk where there is none yet."""
    if name in sys.modules:
        return sys.modules[name]
    module = sys.modules[name] = ModuleType(name)
    module.__path__ = []
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(package(parent), child, module)
    return module
