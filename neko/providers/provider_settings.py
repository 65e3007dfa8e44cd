"""The texts of ``core_config.json`` as the pages show and change them: what is in force, and who decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neko.errors import PinnedSettingError
from neko.providers.resolution import pinned
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import TEXTS


class ProviderSettings:
    """One moment's reading. ``pinned`` maps what the environment decides to the variable that does."""

    def __init__(self, values: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self.values = values
        self.environ = environ
        self.pinned = pinned(environ, values)
        self.in_force = SettingsInForce(values, environ)

    def text(self, name: str) -> str:
        """The value that somebody set, the key of the chosen provider included; empty when nobody did."""
        if variable := self.pinned.get(name):
            return TEXTS[name].kind.of_text(self.environ[variable]) or ""
        return self.in_force.find(TEXTS[name]) or ""

    def refuse_if_pinned(self, name: str, wanted: str) -> None:
        """Raise ``PinnedSettingError`` when the environment decides otherwise."""
        if name in self.pinned and self.text(name) != wanted:
            raise PinnedSettingError(self.pinned[name])
