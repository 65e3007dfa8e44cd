"""The form of keys and addresses: what is in force with secrets masked, and what a sent form changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neko.errors import SettingError
from neko.providers.addresses import normalise_base_url
from neko.providers.provider_settings import ProviderSettings
from neko.settings import registry
from neko.settings.masking import came_back, is_masked, masked, masked_url
from neko.settings.pasted import typed_key

_SECRETS = frozenset(setting.name for setting in registry.CORE_CONFIG if setting.secret)
_URLS = frozenset(url.name for url, _, _ in registry.ROLE_SETTINGS.values())
_KEY = registry.CORE_API_KEY.name
_CHOICES = (registry.CORE_API.name, registry.ASSIST_API.name)
_OWN = frozenset(
    (
        *(registry.assist_key(provider).name for provider in registry.OWN_ASSIST_PROVIDERS),
        *(setting.name for role in registry.OWN_ROLES for setting in registry.ROLE_SETTINGS[role]),
    )
)
_COVERED = tuple(name for name in registry.TEXTS if name not in _CHOICES and name not in _OWN)
_PLACES_OF_KEYS = (
    (registry.CORE_API.name, _KEY),
    *((url.name, key.name) for url, _, key in registry.ROLE_SETTINGS.values()),
)
"""What decides where a key goes, and the key."""


def shown(values: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Every key of ``registry.CORE_CONFIG`` with its value, secrets masked.

    ``secrets_set`` names the secrets that have a value, ``pinned`` what the environment decides, by variable.
    """
    settings = ProviderSettings(values, environ)
    form: dict[str, Any] = {}
    for name, setting in registry.TEXTS.items():
        value = settings.text(name) or setting.default
        form[name] = masked(value) if name in _SECRETS else masked_url(value) if name in _URLS else value
    return {
        **form,
        registry.ENABLE_CUSTOM_API.name: settings.in_force.get(registry.ENABLE_CUSTOM_API),
        "secrets_set": sorted(name for name in _SECRETS if form[name]),
        "pinned": settings.pinned,
    }


@dataclass(frozen=True, slots=True)
class FormChanges:
    """``merge`` goes into ``core_config.json``. ``left_behind`` names the keys that were not taken to a new address."""

    merge: dict[str, Any]
    left_behind: tuple[str, ...]


def changes_of(form: Mapping[str, Any], values: Mapping[str, Any], environ: Mapping[str, str]) -> FormChanges:
    """What a sent form changes; ``form`` holds the sent keys only.

    What comes back masked, or as the environment has it, stays as it is. The page of keys leaves out what was
    emptied, so what it covers and does not send is taken out of the file; from anybody else what is left out stays.
    Raises ``SettingError`` when there is no core key although one is needed, when an address comes back half masked,
    and when a key is to go to another address than it was given for.
    """
    settings = ProviderSettings(values, environ)
    form = {name: _tidied(name, value) if isinstance(value, str) else value for name, value in form.items()}
    _check_core_key(form, settings)
    changes: dict[str, Any] = {name: None for name in _emptied(form, settings) if name in values}
    for name, value in form.items():
        by_environment = name in settings.pinned and value == settings.text(name)
        if not _is_unchanged(name, value, values) and not by_environment:
            changes[name] = value
    left_behind = tuple(_left_behind(changes, form, settings))
    return FormChanges({**changes, **dict.fromkeys(left_behind)}, left_behind)


def _emptied(form: Mapping[str, Any], settings: ProviderSettings) -> list[str]:
    """What the page of keys was sent without: its form always has these two, whatever else is empty."""
    if not {_KEY, registry.ENABLE_CUSTOM_API.name} <= form.keys():
        return []
    return [name for name in _COVERED if name not in form and name not in settings.pinned]


def _is_unchanged(name: str, value: Any, values: Mapping[str, Any]) -> bool:
    if name == registry.TTS_VOICE_ID.name or not isinstance(value, str):
        return False
    return came_back(value, values.get(name) or "") if name in _URLS else is_masked(value)


def _left_behind(changes: Mapping[str, Any], form: Mapping[str, Any], settings: ProviderSettings) -> Iterator[str]:
    """The stored keys whose address changes while they are not given again; without an address there is no key."""
    for place, key in _PLACES_OF_KEYS:
        if place not in changes or key in changes or key in settings.pinned or not settings.values.get(key):
            continue
        default = registry.TEXTS[place].default
        after = changes[place] or default
        if _same_place(after, settings.text(place) or default):
            continue
        if key in form and after:
            raise SettingError("key_again", "The address has changed: enter the key for it again.")
        yield key


def _same_place(one: str, other: str) -> bool:
    return normalise_base_url(one) == normalise_base_url(other)


def _tidied(name: str, value: str) -> str:
    return typed_key(value) if name in _SECRETS and not is_masked(value) else value.strip()


def _check_core_key(form: Mapping[str, Any], settings: ProviderSettings) -> None:
    custom = form.get(registry.ENABLE_CUSTOM_API.name)
    if custom is True or (custom is None and _KEY not in form and settings.in_force.get(registry.ENABLE_CUSTOM_API)):
        return
    if "free" in (form.get(name, settings.text(name)) for name in _CHOICES):
        return
    key = form.get(_KEY)
    if isinstance(key, str) and is_masked(key):
        key = settings.text(_KEY)
    if not key:
        raise SettingError("key_needed", "The API key must not be empty.")
