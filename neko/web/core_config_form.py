"""``core_config.json`` as the key page sees it: known keys, secrets masked, rules for saving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import create_model

from neko.providers import pinned
from neko.web.custom_api import ROLES
from neko.web.errors import HTTPError
from neko.web.masking import is_masked, masked, masked_url
from neko.web.schemas import Schema, Success

_PROVIDERS = ("Qwen", "Openai", "Glm", "Step", "Silicon", "Gemini", "Kimi")

_PROVIDER_KEYS = tuple(f"assistApiKey{provider}" for provider in _PROVIDERS)
_MODEL_URLS = tuple(f"{role}ModelUrl" for role in ROLES)
_MODEL_KEYS = tuple(f"{role}ModelApiKey" for role in ROLES)
_SECRETS = frozenset(("coreApiKey", "mcpToken", *_PROVIDER_KEYS, *_MODEL_KEYS))
_TEXTS = (
    *("coreApi", "assistApi", *_PROVIDER_KEYS, "mcpToken"),
    *(f"{role}Model{part}" for role in ROLES for part in ("Url", "Id", "ApiKey")),
    "ttsVoiceId",
)
_DEFAULTS = {"coreApi": "qwen", "assistApi": "qwen"}

_shown: dict[str, Any] = dict.fromkeys(("api_key", *_TEXTS), (str, ""))
_taken: dict[str, Any] = dict.fromkeys(("coreApiKey", *_TEXTS), (str | None, None))

CoreApi = create_model(
    "CoreApi",
    __base__=Success,
    __doc__=(
        "The key page's values. Secrets are masked; ``secrets_set`` names those that have a value, "
        "``pinned`` the values that the environment decides, by variable."
    ),
    **_shown,
    enableCustomApi=(bool, False),
    secrets_set=(list[str], []),
    pinned=(dict[str, str], {}),
)
CoreApiChange = create_model(
    "CoreApiChange",
    __base__=Schema,
    __doc__="Any subset; what is left out stays as it is, and so does a secret sent back masked.",
    **_taken,
    enableCustomApi=(bool | None, None),
)


def shown(values: Mapping[str, Any], environ: Mapping[str, str]) -> Success:
    """The form filled with what is in force."""
    decided = pinned(environ, values)
    answer: dict[str, Any] = {}
    for name in ("coreApiKey", *_TEXTS):
        value = _in_force(name, values, environ, decided) or _DEFAULTS.get(name, "")
        answer[name] = masked(value) if name in _SECRETS else masked_url(value) if name in _MODEL_URLS else value
    secrets_set = sorted(name for name in _SECRETS if answer[name])
    answer["api_key"] = answer.pop("coreApiKey")
    custom = values.get("enableCustomApi") is True
    return CoreApi.model_validate({**answer, "enableCustomApi": custom, "secrets_set": secrets_set, "pinned": decided})


def changes_of(given: Mapping[str, Any], values: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What to merge into the file.

    ``given`` holds the sent keys only. Raises ``HTTPError`` (status 200, as this call answers) when there
    is no core key although one is needed.
    """
    decided = pinned(environ, values)
    _check_core_key(given, values, environ, decided)
    changes: dict[str, Any] = {}
    for name, value in given.items():
        unchanged = isinstance(value, str) and name != "ttsVoiceId" and is_masked(value)
        by_environment = name in decided and value == _in_force(name, values, environ, decided)
        if not unchanged and not by_environment:
            changes[name] = value.strip() if isinstance(value, str) else value
    return changes


def _check_core_key(
    given: Mapping[str, Any], values: Mapping[str, Any], environ: Mapping[str, str], decided: Mapping[str, str]
) -> None:
    if given.get("enableCustomApi", values.get("enableCustomApi")) is True:
        return
    if "free" in (given.get(name, _in_force(name, values, environ, decided)) for name in ("coreApi", "assistApi")):
        return
    key = given.get("coreApiKey")
    if isinstance(key, str) and is_masked(key):
        key = _in_force("coreApiKey", values, environ, decided)
    if not key or not key.strip():
        raise HTTPError(200, "key_needed", "The API key must not be empty.")


def _in_force(name: str, values: Mapping[str, Any], environ: Mapping[str, str], decided: Mapping[str, str]) -> str:
    if name in decided:
        return environ[decided[name]].strip()
    value = values.get(name)
    return value if isinstance(value, str) else ""
