"""Keys that another program left in the environment: offered to the user, used only after a yes.

The yes is kept as the names of the variables (``registry.BORROWED_VARIABLES``), never as their values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from neko.providers.addresses import normalise_base_url
from neko.providers.catalogue import AssistProvider, catalogue
from neko.settings import registry
from neko.settings.in_force import SettingsInForce, change_of
from neko.settings.setting import Setting

_ADDRESSES: Final[Mapping[str, Setting[str]]] = {"openai": registry.OPENAI_BASE_URL}


@dataclass(frozen=True, slots=True)
class BorrowedKey:
    """An offer. ``variables`` are what a yes is given to: that of the key, that of the address, or both."""

    provider: AssistProvider
    variables: tuple[str, ...]
    base_url: str


def offers(values: Mapping[str, Any], environ: Mapping[str, str]) -> list[BorrowedKey]:
    """What could be used of the environment and is not, in the order of the catalogue."""
    in_force = SettingsInForce(values, environ)
    found = (_offer(one, in_force, environ) for one in catalogue().assist.values() if one.key_field)
    return [one for one in found if one]


def allowed(offer: BorrowedKey, values: Mapping[str, Any]) -> dict[str, Any]:
    """What to merge into ``core_config.json`` so that the offer is taken."""
    before = SettingsInForce(values, {}).get(registry.BORROWED_VARIABLES)
    return change_of(registry.BORROWED_VARIABLES, [*before, *(name for name in offer.variables if name not in before)])


def _offer(provider: AssistProvider, in_force: SettingsInForce, environ: Mapping[str, str]) -> BorrowedKey | None:
    """An address alone is one of a server that needs no key: it never gets a key that is kept here."""
    key, address = registry.TEXTS[provider.key_field], _ADDRESSES.get(provider.key)
    if in_force.find(key) is not None:
        return None
    of_key = _variable(key, environ)
    of_address = _variable(address, environ) if address and in_force.find(address) is None else ""
    variables = tuple(name for name in (of_key, of_address) if name)
    if not variables:
        return None
    there = environ[of_address] if of_address else in_force.get(address) if address else ""
    return BorrowedKey(provider, variables, normalise_base_url(there) or provider.base_url)


def _variable(setting: Setting[str], environ: Mapping[str, str]) -> str:
    """The variable of another program that would decide this setting."""
    return next((name for name in setting.borrowed if environ.get(name, "").strip()), "")
