"""The custom endpoints of ``core_config.json``: one switch for all roles, three values for each.

Since the switch wakes every role that has an address, turning it on for one role takes the
addresses away that were asleep, and turning a role off leaves the switch alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neko.settings.registry import ROLE_SETTINGS, ROLES

_ALWAYS_AWAKE = ("agent",)


def switched_on(role: str, url: str, model: str, api_key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Changes that give ``role`` an endpoint of its own and no other role one."""
    asleep = () if values.get("enableCustomApi") is True else ROLES
    woken = {
        f"{other}ModelUrl": "" for other in asleep if other not in _ALWAYS_AWAKE and values.get(f"{other}ModelUrl")
    }
    own = {f"{role}ModelUrl": url, f"{role}ModelId": model, f"{role}ModelApiKey": api_key}
    return {**woken, **own, "enableCustomApi": True}


def switched_off(role: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Changes that take the endpoint of ``role`` away."""
    return {setting.name: "" for setting in ROLE_SETTINGS[role] if values.get(setting.name)}
