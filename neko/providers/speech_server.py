"""The speech server that the user gives: for the role ``tts``, or the address or key of a service that is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from neko.errors import SettingError
from neko.providers.addresses import is_web_address, normalise_base_url
from neko.providers.catalogue import catalogue
from neko.providers.custom_endpoints import switched_on
from neko.providers.speech_services import speech_services
from neko.settings.in_force import SettingsInForce, change_of
from neko.settings.masking import came_back, is_masked
from neko.settings.pasted import typed_key
from neko.settings.registry import ROLE_SETTINGS, SPEECH_ADDRESSES

_AS_HTTP: Final = re.compile(r"^ws(?=s?:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SpeechServerChoice:
    """What a request says of the server; None leaves a value as it is, and so does a masked one."""

    url: str | None = None
    model: str | None = None
    api_key: str | None = None


def service_changes(kind: str, choice: SpeechServerChoice, values: Mapping[str, Any]) -> dict[str, Any]:
    """What to merge into ``core_config.json`` for the service of an engine.

    The address of a service is kept for it alone, its key is that of its provider. Of any other engine the server is
    that of the role ``tts``. Raises ``SettingError`` for an address or a key that is none.
    """
    service = speech_services().get(kind)
    if service is None or kind == "openai":
        return speech_server_changes(choice, values)
    changes: dict[str, Any] = {}
    if choice.url is not None and service.has_address:
        url = choice.url.strip().rstrip("/")
        if url and not is_web_address(_AS_HTTP.sub("http", url, count=1)):
            raise SettingError("bad_address", "The address of the speech server is not a web address.")
        changes["neko"] = change_of(SPEECH_ADDRESSES, {kind: url or None})["neko"]
    if choice.api_key is not None and service.provider and not is_masked(choice.api_key):
        changes[catalogue().assist[service.provider].key_field] = typed_key(choice.api_key)
    return changes


def speech_server_changes(choice: SpeechServerChoice, values: Mapping[str, Any]) -> dict[str, Any]:
    """What to merge into ``core_config.json``; empty when the request does not speak of the server.

    A key is forgotten when the address moves: it goes to the server it was meant for and to no other. Raises
    ``SettingError`` for an address or a key that is none.
    """
    if choice == SpeechServerChoice():
        return {}
    url, model, key = _after("tts", choice, values)
    if not url:
        return _stored_as("tts", url, model, key)
    return switched_on("tts", url, model, key, values)


def hearing_server_changes(choice: SpeechServerChoice, values: Mapping[str, Any]) -> dict[str, Any]:
    """The same for the server that hears, whose address counts without being switched on."""
    if choice == SpeechServerChoice():
        return {}
    return _stored_as("hearing", *_after("hearing", choice, values))


def _after(role: str, choice: SpeechServerChoice, values: Mapping[str, Any]) -> tuple[str, str, str]:
    """Address, model and key of a role with what was chosen."""
    in_force = SettingsInForce(values, {})
    url, model, key = (in_force.stored(setting) or "" for setting in ROLE_SETTINGS[role])
    wanted = url if choice.url is None or came_back(choice.url, url) else normalise_base_url(choice.url)
    if choice.url and wanted and not is_web_address(wanted):
        raise SettingError("bad_address", "The address of the speech server is not a web address.")
    if choice.api_key is not None and not is_masked(choice.api_key):
        key = typed_key(choice.api_key)
    elif url and normalise_base_url(wanted) != normalise_base_url(url):
        key = ""
    return wanted, model if choice.model is None else choice.model.strip(), key


def _stored_as(role: str, *values: str) -> dict[str, Any]:
    return dict(zip((setting.name for setting in ROLE_SETTINGS[role]), values, strict=True))
