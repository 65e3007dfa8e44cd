"""A choice of model on the page, and the keys of ``core_config.json`` that express it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from neko.providers import AssistProvider, catalogue, normalise_base_url, pinned
from neko.web.custom_api import switched_off, switched_on
from neko.web.errors import HTTPError
from neko.web.masking import is_masked

OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Target:
    """A server to ask: a tile of the page, its address, the key for it, perhaps a model."""

    provider: AssistProvider
    base_url: str
    api_key: str
    model: str
    is_own_address: bool


class Choices:
    """Reads choices against what is stored and what the environment decides. May read a file: off the loop."""

    def __init__(self, values: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._values = values
        self._environ = environ
        self._known = catalogue()
        self.pinned = pinned(environ, values)

    @property
    def providers(self) -> list[AssistProvider]:
        return list(self._known.assist.values())

    def has_key(self, provider: AssistProvider) -> bool:
        return bool(self._key_of(provider))

    def target(self, provider: str, base_url: str, api_key: str, model: str) -> Target:
        """Complete a choice; an absent or masked key is the stored one *of that address*.

        Raises ``HTTPError`` (400) for an unknown provider, an address that is none, or a key that
        belongs to another address.
        """
        tile = self._known.assist.get(provider)
        if tile is None:
            raise HTTPError(400, "unknown_provider", "There is no provider of this name.")
        own = self._own_address(tile)
        address = normalise_base_url("" if is_masked(base_url) else base_url) or own or self._custom_address()
        if not _is_web_address(address):
            raise HTTPError(400, "bad_address", "The address of the model server is missing or is not a web address.")
        key = api_key.strip()
        if not key or is_masked(key):
            stored = self._stored_key(tile, address)
            if key and not stored:
                raise HTTPError(400, "key_again", "The address has changed: enter the key for it again.")
            key = stored
        return Target(tile, address, key, model.strip(), address == own)

    def changes(self, target: Target, given_key: str) -> dict[str, Any]:
        """What to merge so that conversations use ``target``; raises ``HTTPError`` when that cannot be."""
        default = target.provider.models.get("conversation", "")
        if target.is_own_address and target.model in ("", default):
            return self._as_provider(target, given_key)
        model = target.model or default
        if not model:
            raise HTTPError(400, "model_needed", "Choose a model of this server first.")
        self._refuse_if_pinned("conversationModelId", model)
        kept = {target.provider.key_field: target.api_key} if self._is_new_key(target, given_key) else {}
        return {
            **kept,
            **switched_on("conversation", target.base_url, model, target.api_key, self._values),
            "neko": {"offline": None},
        }

    def _as_provider(self, target: Target, given_key: str) -> dict[str, Any]:
        provider = target.provider
        if provider.needs_key and not target.api_key:
            raise HTTPError(400, "key_needed", f"{provider.name} needs a key.", provider=provider.name)
        self._refuse_if_pinned("assistApi", provider.key)
        changes: dict[str, Any] = {"assistApi": provider.key, "neko": {"offline": None}}
        if self._is_new_key(target, given_key):
            changes[provider.key_field] = target.api_key
        if self._text("coreApi") == "free" and provider.key != "free":
            self._refuse_if_pinned("coreApi", provider.key)
            changes["coreApi"] = provider.key if provider.key in self._known.core else self._known.core_default
        return {**changes, **switched_off("conversation", self._values)}

    def _is_new_key(self, target: Target, given_key: str) -> bool:
        given = given_key.strip()
        return bool(given and not is_masked(given) and target.provider.key_field and target.is_own_address)

    def _refuse_if_pinned(self, name: str, wanted: str) -> None:
        if name in self.pinned and self._text(name) != wanted:
            variable = self.pinned[name]
            raise HTTPError(
                409,
                "pinned",
                f"The environment variable {variable} decides this; remove it to choose here.",
                variable=variable,
            )

    def _own_address(self, provider: AssistProvider) -> str:
        from_environment = self._environ.get("OPENAI_BASE_URL", "") if provider.key == "openai" else ""
        return normalise_base_url(from_environment or provider.base_url)

    def _custom_address(self) -> str:
        return normalise_base_url(self._text("conversationModelUrl"))

    def _stored_key(self, provider: AssistProvider, address: str) -> str:
        if address == self._own_address(provider):
            return self._key_of(provider)
        return self._text("conversationModelApiKey") if address == self._custom_address() else ""

    def _key_of(self, provider: AssistProvider) -> str:
        if provider.fixed_key:
            return provider.fixed_key
        own = self._text(provider.key_field) if provider.key_field else ""
        is_core = (self._text("coreApi") or self._known.core_default) == provider.key
        return own or (self._text("coreApiKey") if is_core else "")

    def _text(self, name: str) -> str:
        if name in self.pinned:
            return self._environ[self.pinned[name]].strip()
        value = self._values.get(name)
        return value.strip() if isinstance(value, str) else ""


def _is_web_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
