"""The custom endpoints of ``core_config.json``: one switch for all roles, three values for each.

Since the switch wakes every role that has an address, turning it on for one role takes the
addresses away that were asleep, and turning a role off leaves the switch alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neko.settings.in_force import SettingsInForce
from neko.settings.registry import ENABLE_CUSTOM_API, ROLE_SETTINGS, ROLES

_ALWAYS_AWAKE = ("agent", "hearing", "semantic", "router")


def switched_on(role: str, url: str, model: str, api_key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Changes that give ``role`` an endpoint of its own and no other role one."""
    in_force = SettingsInForce(values, {})
    asleep = () if in_force.get(ENABLE_CUSTOM_API) else ROLES
    addresses = [ROLE_SETTINGS[other][0] for other in asleep if other not in _ALWAYS_AWAKE]
    woken = {address.name: "" for address in addresses if in_force.stored(address)}
    names = (setting.name for setting in ROLE_SETTINGS[role])
    return {**woken, **dict(zip(names, (url, model, api_key), strict=True)), ENABLE_CUSTOM_API.name: True}


def switched_off(role: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Changes that take the endpoint of ``role`` away."""
    in_force = SettingsInForce(values, {})
    return {setting.name: "" for setting in ROLE_SETTINGS[role] if in_force.stored(setting)}
