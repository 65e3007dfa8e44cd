"""The form of keys and addresses: what is in force with secrets masked, and what a sent form changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neko.errors import SettingError
from neko.providers.provider_settings import ProviderSettings
from neko.settings import registry
from neko.settings.masking import is_masked, masked, masked_url
from neko.settings.pasted import tidy_key

_SECRETS = frozenset(setting.name for setting in registry.CORE_CONFIG if setting.secret)
_URLS = frozenset(url.name for url, _, _ in registry.ROLE_SETTINGS.values())
_KEY = registry.CORE_API_KEY.name


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


def changes_of(form: Mapping[str, Any], values: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What to merge into ``core_config.json``; ``form`` holds the sent keys only.

    What comes back masked, or as the environment has it, stays as it is. Raises ``SettingError`` when
    there is no core key although one is needed.
    """
    settings = ProviderSettings(values, environ)
    _check_core_key(form, settings)
    changes: dict[str, Any] = {}
    for name, value in form.items():
        unchanged = isinstance(value, str) and name != registry.TTS_VOICE_ID.name and is_masked(value)
        by_environment = name in settings.pinned and value == settings.text(name)
        if not unchanged and not by_environment:
            changes[name] = _tidied(name, value) if isinstance(value, str) else value
    return changes


def _tidied(name: str, value: str) -> str:
    return tidy_key(value) if name in _SECRETS else value.strip()


def _check_core_key(form: Mapping[str, Any], settings: ProviderSettings) -> None:
    custom = registry.ENABLE_CUSTOM_API
    if form.get(custom.name, settings.in_force.get(custom)) is True:
        return
    providers = (registry.CORE_API.name, registry.ASSIST_API.name)
    if "free" in (form.get(name, settings.text(name)) for name in providers):
        return
    key = form.get(_KEY)
    if isinstance(key, str) and is_masked(key):
        key = settings.text(_KEY)
    if not key or not key.strip():
        raise SettingError("key_needed", "The API key must not be empty.")
