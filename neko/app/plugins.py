"""Where plug-ins are found, by the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from neko.agent.plugins.plugins import Plugins
from neko.agent.plugins.process import Limits
from neko.settings.in_force import SettingsInForce
from neko.settings.paths import ASSETS
from neko.settings.registry import PLUGIN_FOLDERS, PLUGIN_TIMEOUT_S

FOLDER: Final = "plugins"


def build_plugins(
    settings: Callable[[], SettingsInForce],
    data: Path,
    publish: Callable[[Mapping[str, Any]], object],
    character: Callable[[], str],
    is_private: Callable[[], bool],
) -> Plugins:
    """Plug-ins of the data folder and of the folders that the user has named, then ours."""

    def folders() -> list[Path]:
        named = [Path(name).expanduser() for name in settings().get(PLUGIN_FOLDERS)]
        return [data / FOLDER, *named, ASSETS / FOLDER]

    def limits() -> Limits:
        return Limits(call_s=settings().get(PLUGIN_TIMEOUT_S))

    return Plugins(folders, data / FOLDER, publish, character, limits, is_private=is_private)
