"""A choice of model on the page, and the keys of ``core_config.json`` that express it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neko.errors import PinnedSettingError, SettingError
from neko.providers import borrowed_keys
from neko.providers.addresses import is_web_address, normalise_base_url
from neko.providers.catalogue import AssistProvider, catalogue
from neko.providers.custom_endpoints import switched_off, switched_on
from neko.providers.provider_settings import ProviderSettings
from neko.providers.resolution import key_for
from neko.settings import registry
from neko.settings.in_force import change_of
from neko.settings.masking import came_back, is_masked
from neko.settings.pasted import typed_key

OFFLINE = "offline"
_ELSEWHERE = {"neko": {registry.OFFLINE.name: None, registry.SMALL_MODEL.name: None}}
"""The model is neither the built-in one nor the small one on this computer."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server to ask: a tile of the page, its address, the key for it, perhaps a model."""

    provider: AssistProvider
    base_url: str
    api_key: str
    model: str
    is_own_address: bool

    @property
    def is_elsewhere(self) -> bool:
        """Whether the environment names another server's address for the provider: its models are not those we know."""
        return self.is_own_address and self.base_url != normalise_base_url(self.provider.base_url)


class Choices:
    """Reads choices against what is stored and what the environment decides. May read a file: off the loop."""

    def __init__(self, values: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._settings = ProviderSettings(values, environ)
        self._known = catalogue()
        self.pinned = self._settings.pinned

    @property
    def providers(self) -> list[AssistProvider]:
        return list(self._known.assist.values())

    def has_key(self, provider: AssistProvider) -> bool:
        return bool(self._key_of(provider))

    def is_elsewhere(self, provider: AssistProvider) -> bool:
        """Whether the environment names another server's address for it: which models are there is not known."""
        return self._own_address(provider) != normalise_base_url(provider.base_url)

    def key_from(self, provider: AssistProvider) -> str:
        """The variable of the environment that holds a provider's key, which cannot be deleted here.

        Empty if none does. A key that a yes was said to is none: the yes can be taken back.
        """
        variable = self._settings.pinned.get(provider.key_field, "")
        return "" if variable in self._settings.in_force.get(registry.BORROWED_VARIABLES) else variable

    @property
    def offers(self) -> list[borrowed_keys.BorrowedKey]:
        return borrowed_keys.offers(self._settings.values, self._settings.environ)

    def target(self, provider: str, base_url: str, api_key: str, model: str) -> Target:
        """Complete a choice; an absent or masked key is the stored one *of that address*.

        Raises ``SettingError`` for an unknown provider, an address that is none, or a key that
        belongs to another address.
        """
        tile = self._known.assist.get(provider)
        if tile is None:
            raise SettingError("unknown_provider", "There is no provider of this name.")
        own = self._own_address(tile)
        custom = self._custom_address()
        given = "" if came_back(base_url, own or custom) else base_url
        address = normalise_base_url(given) or own or custom
        if not is_web_address(address):
            raise SettingError("bad_address", "The address of the model server is missing or is not a web address.")
        key = _sent_key(api_key)
        if not key or is_masked(key):
            stored = self._stored_key(tile, address)
            if key and not stored:
                raise SettingError("key_again", "The address has changed: enter the key for it again.")
            key = stored
        return Target(tile, address, key, model.strip(), address == own)

    def changes_for(self, provider: str, base_url: str, api_key: str, model: str) -> dict[str, Any]:
        """What to merge so that conversations use this choice; raises ``SettingError`` when that cannot be."""
        if provider == OFFLINE:
            return {"neko": {registry.OFFLINE.name: True, registry.SMALL_MODEL.name: None}}
        return self.changes(self.target(provider, base_url, api_key, model), api_key)

    def changes_for_small(self, name: str) -> dict[str, Any]:
        """What to merge so that conversations use the small model on this computer, the file of this name."""
        is_pinned = self._settings.in_force.variable(registry.SMALL_MODEL_FILE)
        file = {} if is_pinned else {registry.SMALL_MODEL_FILE.name: name}
        return {"neko": {registry.OFFLINE.name: None, registry.SMALL_MODEL.name: True, **file}}

    def borrowing(self, provider: str) -> Choices:
        """The choices there are once the key that another program left in the environment may be used.

        Raises ``SettingError`` when there is none.
        """
        allowed = borrowed_keys.allowed(self._offer(provider), self._settings.values)
        section = {**(self._settings.values.get("neko") or {}), **allowed["neko"]}
        return Choices({**self._settings.values, "neko": section}, self._settings.environ)

    def changes_for_borrowed(self, provider: str, model: str) -> dict[str, Any]:
        """What to merge so that conversations use the key another program left in the environment.

        Raises ``SettingError`` when there is none, or the choice cannot be.
        """
        allowed = borrowed_keys.allowed(self._offer(provider), self._settings.values)
        changes = self.borrowing(provider).changes_for(provider, "", "", model)
        return {**changes, "neko": {**changes["neko"], **allowed["neko"]}}

    def changes_forgetting(self, provider: str) -> dict[str, Any]:
        """What to merge so that nothing is kept of a provider's key, wherever it stands, or of the address typed in.

        Raises ``SettingError`` for an unknown provider and ``PinnedSettingError`` for a key of the environment.
        """
        tile = self._known.assist.get(provider)
        if tile is None:
            raise SettingError("unknown_provider", "There is no provider of this name.")
        own = tile.base_url
        key = self._key_of(tile) if own else self._settings.text("conversationModelApiKey")
        borrowed = self._settings.in_force.get(registry.BORROWED_VARIABLES)
        if variable := self.key_from(tile):
            raise PinnedSettingError(variable)
        secrets = [setting.name for setting in registry.CORE_CONFIG if setting.secret]
        holders = {name: None for name in secrets if key and self._settings.values.get(name) == key}
        address = {} if own else switched_off("conversation", self._settings.values)
        left = [name for name in borrowed if name not in _variables(tile)]
        return {**holders, **address, **change_of(registry.BORROWED_VARIABLES, left or None)}

    def changes(self, target: Target, sent_key: str) -> dict[str, Any]:
        """What to merge so that conversations use ``target``; raises ``SettingError`` when that cannot be."""
        default = target.provider.models.get("conversation", "")
        is_its_model = target.is_elsewhere or target.model in ("", default)
        if target.is_own_address and is_its_model and not self._is_key_of_address(target, sent_key):
            return self._as_provider(target, sent_key)
        model = target.model or default
        if not model:
            raise SettingError("model_needed", "Choose a model of this server first.")
        self._settings.refuse_if_pinned("conversationModelId", model)
        new_key = {target.provider.key_field: target.api_key} if self._is_new_key(target, sent_key) else {}
        return {
            **new_key,
            **switched_on("conversation", target.base_url, model, target.api_key, self._settings.values),
            **_ELSEWHERE,
        }

    def _as_provider(self, target: Target, sent_key: str) -> dict[str, Any]:
        provider = target.provider
        if provider.needs_key and not target.api_key and target.base_url == normalise_base_url(provider.base_url):
            raise SettingError("key_needed", f"{provider.name} needs a key.", provider=provider.name)
        self._settings.refuse_if_pinned("assistApi", provider.key)
        if target.is_elsewhere and target.model:
            self._settings.refuse_if_pinned("conversationModelId", target.model)
        changes: dict[str, Any] = {registry.ASSIST_API.name: provider.key, **_ELSEWHERE}
        if self._is_new_key(target, sent_key):
            changes[provider.key_field] = target.api_key
        if self._settings.text("coreApi") == "free" and provider.key != "free":
            self._settings.refuse_if_pinned("coreApi", provider.key)
            changes["coreApi"] = provider.key if provider.key in self._known.core else self._known.core_default
        model = {"conversationModelId": target.model} if target.is_elsewhere and target.model else {}
        return {**changes, **switched_off("conversation", self._settings.values), **model}

    def _is_new_key(self, target: Target, sent_key: str) -> bool:
        """Whether the key was typed in for the provider at the address that the catalogue has."""
        return _is_typed(sent_key) and bool(target.provider.key_field) and target.base_url == target.provider.base_url

    def _is_key_of_address(self, target: Target, sent_key: str) -> bool:
        """Whether the key was typed in for an address that the environment names: it is kept with that address."""
        return _is_typed(sent_key) and target.base_url != target.provider.base_url

    def _offer(self, provider: str) -> borrowed_keys.BorrowedKey:
        offer = next((one for one in self.offers if one.provider.key == provider), None)
        if offer is None:
            raise SettingError("no_borrowed_key", "The environment holds no key for this provider.")
        return offer

    def _own_address(self, provider: AssistProvider) -> str:
        own = self._settings.in_force.get(registry.OPENAI_BASE_URL) if provider.key == "openai" else ""
        return normalise_base_url(own or provider.base_url)

    def _custom_address(self) -> str:
        return normalise_base_url(self._settings.text("conversationModelUrl"))

    def _stored_key(self, provider: AssistProvider, address: str) -> str:
        if address == self._own_address(provider) and (key := self._key_of(provider)):
            return key
        return self._settings.text("conversationModelApiKey") if address == self._custom_address() else ""

    def _key_of(self, provider: AssistProvider) -> str:
        return key_for(provider, self._settings.values, self._settings.environ)


def _sent_key(key: str) -> str:
    return key.strip() if is_masked(key) else typed_key(key)


def _is_typed(sent_key: str) -> bool:
    """Whether there is a key that was typed in: what is shown of a stored one comes back masked."""
    sent = _sent_key(sent_key)
    return bool(sent) and not is_masked(sent)


def _variables(provider: AssistProvider) -> tuple[str, ...]:
    """The variables of other programs that speak of this provider."""
    key = registry.TEXTS[provider.key_field].borrowed if provider.key_field else ()
    return (*key, *registry.OPENAI_BASE_URL.borrowed) if provider.key == "openai" else key
