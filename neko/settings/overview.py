"""What was set and by whom, as a reader may see it: without a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from neko.settings import registry
from neko.settings.in_force import Origin, SettingsInForce, Source
from neko.settings.masking import masked, masked_url
from neko.settings.setting import Place, Setting

_ON_PAGE: Final = frozenset(
    setting.name
    for setting in (
        registry.CORE_API_KEY,
        registry.CORE_API,
        registry.ASSIST_API,
        *registry.ASSIST_KEYS,
        registry.ENABLE_CUSTOM_API,
        *registry.ROLE_SETTINGS["conversation"],
        *registry.ROLE_SETTINGS["tts"],
        registry.LANGUAGE,
        registry.OFFLINE,
        registry.SMALL_MODEL,
        registry.SMALL_MODEL_FILE,
        registry.BORROWED_VARIABLES,
        registry.SPEECH_ENGINE,
        registry.VOICES,
        registry.REPLIES,
    )
)
"""What the page has a control for."""


@dataclass(frozen=True, slots=True)
class SettingOverview:
    """``value`` is text, a secret masked; ``on_page``: what the page does about it counts."""

    name: str
    value: str
    source: Source
    on_page: bool


def overview(in_force: SettingsInForce) -> Iterator[SettingOverview]:
    """Every setting that is not as it comes, in the order of the registry."""
    for setting in registry.SETTINGS:
        source = in_force.source(setting)
        if source.origin is Origin.DEFAULT:
            continue
        on_page = source.origin is Origin.FILE and setting.name in _ON_PAGE
        yield SettingOverview(_name(setting), _shown(setting, in_force.get(setting)), source, on_page)


def _name(setting: Setting[Any]) -> str:
    return setting.flag if setting.place is Place.COMMAND_LINE else ".".join(setting.path)


def _shown(setting: Setting[Any], value: Any) -> str:
    if setting.secret:
        return masked(value)
    if isinstance(value, str):
        return masked_url(value)
    return json.dumps(value, ensure_ascii=False, default=str)
