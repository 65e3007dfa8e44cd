"""Which model plays which role: the environment over ``core_config.json`` over the catalogue. Pure.

A key goes to the company, or to the typed address, that it was given for and nowhere else. N.E.K.O. sends the core key
to whichever assist provider has none of its own (``contract/config.md`` §6, steps 2 and 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from neko.providers.addresses import host_of, normalise_base_url, shown_host
from neko.providers.catalogue import AssistProvider, CoreProvider, catalogue, extra_body
from neko.settings import registry
from neko.settings.in_force import SettingsInForce
from neko.settings.loopback import is_loopback

ASSIST_ROLES: Final = ("conversation", "summary", "correction", "emotion", "vision", "agent")
_CONFIG_PREFIX: Final = {"realtime": "omni", "tts_default": "tts", "tts_custom": "tts"}
_NO_KEY: Final = "free-access"
_HEARING_MODEL: Final = "whisper-1"
"""What servers of one's own take for the model that they have."""
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """Where a role's model is and how to ask it.

    ``provider`` is a key of the catalogue. ``api_type`` is ``chat`` for HTTP chat completions, else
    the realtime protocol: a core provider's key, or ``local`` for a custom realtime server.
    """

    role: str
    provider: str
    provider_name: str
    base_url: str
    model: str
    api_key: str = field(repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=dict, hash=False)
    api_type: str = "chat"


def resolve(role: str, config: Mapping[str, Any], environ: Mapping[str, str]) -> ModelEndpoint | None:
    """The endpoint of a role, or None when nothing is configured for it.

    ``config`` is the content of ``core_config.json``. Raises ``ValueError`` for an unknown role.
    """
    choice = _Choice(config, environ)
    if role in ASSIST_ROLES:
        return choice.agent() if role == "agent" else choice.assist_role(role)
    if role in _CONFIG_PREFIX:
        return choice.core_role(role)
    if role == "hearing":
        return choice.hearing()
    if role == "semantic":
        return choice.semantic()
    if role == "router":
        return choice.router()
    raise ValueError(f"unknown model role {role!r}")


def key_for(provider: AssistProvider, config: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """The key that may be sent to a provider, empty without one."""
    return _Choice(config, environ).key(provider)


def core_key_for(provider: CoreProvider, config: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """The key that may be sent to a core provider, empty without one."""
    return _Choice(config, environ).core_key(provider)


def pinned(environ: Mapping[str, str], config: Mapping[str, Any] = _NOTHING) -> dict[str, str]:
    """Which keys of ``core_config.json`` the environment decides, and by which variable.

    ``config`` tells whose key ``NEKO_OPENROUTER_API_KEY`` is: that of the chosen assist provider.
    """
    in_force = SettingsInForce(config, environ)
    listed = (*registry.CORE_CONFIG, registry.OPENAI_BASE_URL)
    variables = {setting.name: name for setting in listed if (name := in_force.variable(setting))}
    if variable := in_force.variable(registry.CHOSEN_PROVIDER_KEY):
        variables.setdefault(_Choice(config, environ).assist().key_field, variable)
    return variables


class _Choice:
    """One reading of configuration and environment together."""

    def __init__(self, config: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._catalogue = catalogue()
        self._settings = SettingsInForce(config, environ)
        self._openai_url = normalise_base_url(self._settings.get(registry.OPENAI_BASE_URL))
        self._offline = self._settings.get(registry.OFFLINE)
        self._custom = self._settings.get(registry.ENABLE_CUSTOM_API)

    def assist_role(self, role: str) -> ModelEndpoint | None:
        """A text role: its own three values, else the assist provider.

        The text roles behind the scenes share the conversation's own server where there is
        nothing else, so that one local model is enough.
        """
        if self._offline:
            return None
        endpoint = self._own(role) or self._assist_endpoint(role)
        if endpoint is None and role in ("summary", "correction", "emotion", "agent"):
            shared = self._own("conversation")
            return self._on(role, shared) if shared else None
        return endpoint

    def agent(self) -> ModelEndpoint | None:
        """The agent's own values count without ``enableCustomApi``, each on its own.

        A missing model is the assist provider's agent or vision model; a missing URL that of the
        custom vision model, else the assist provider's; a missing key is that of the address.
        """
        url, key = self._text("agentModelUrl"), self._text("agentModelApiKey")
        model = self._text("agentModelId")
        if self._offline:
            return None
        if not (url or key or model):
            return self.assist_role("agent")
        assist, vision = self.assist(), self._own("vision")
        if not url and model and vision:
            return self._endpoint("agent", vision.base_url, model, key or vision.api_key)
        model = model or self._model_of("agent", assist) or self._model_of("vision", assist)
        address = self._assist_url(assist)
        if not key and normalise_base_url(url or address) == address:
            key = self.key(assist)
        if not url and not key and not (assist.key == "openai" and self._openai_url):
            return None
        return self._endpoint("agent", url or address, model, key)

    def hearing(self) -> ModelEndpoint | None:
        """Speech to text: its own address, which counts without ``enableCustomApi`` since N.E.K.O. has no such role,
        else what the assist provider has for it. A missing key is that of the address."""
        if self._offline:
            return None
        if own := self._own_role("hearing"):
            return own if own.model else replace(own, model=_HEARING_MODEL)
        assist = self.assist()
        return self._assist_endpoint("hearing") if assist.models.get("hearing") else None

    def semantic(self) -> ModelEndpoint | None:
        """Text to vectors: its own address, as ``hearing``, else the assist provider, else Qwen where there is a
        key for it. At the address of another server that speaks like a provider, only a model that is named is asked
        for."""
        if self._offline:
            return None
        if own := self._own_role("semantic"):
            return own if own.model else None
        assist, named = self.assist(), self._text("semanticModelId")
        is_elsewhere = self._assist_url(assist) != assist.base_url
        if named or (assist.models.get("semantic") and not is_elsewhere):
            endpoint = self._assist_endpoint("semantic")
            return endpoint and replace(endpoint, model=named or endpoint.model)
        qwen = self._catalogue.assist["qwen"]
        if not (key := self.key(qwen)):
            return None
        return ModelEndpoint("semantic", qwen.key, qwen.name, qwen.base_url, qwen.models["semantic"], key)

    def router(self) -> ModelEndpoint | None:
        """Which lines stay as they were said: only a model that is named for it, there or where summaries are made."""
        if self._offline or not (model := self._text("routerModelId")):
            return None
        summary = self.assist_role("summary")
        return self._own_role("router") or (summary and replace(summary, role="router", model=model))

    def _own_role(self, role: str) -> ModelEndpoint | None:
        """One of ``registry.OWN_ROLES`` at its own address; without a model that is the provider's, "" without one."""
        if not (url := self._text(f"{role}ModelUrl")):
            return None
        own = self._endpoint(role, url, self._text(f"{role}ModelId"), self._text(f"{role}ModelApiKey"))
        provider = self._catalogue.assist[own.provider]
        key = own.api_key or (self.key(provider) if provider.base_url else "")
        return replace(own, model=own.model or provider.models.get(role, ""), api_key=key)

    def core_role(self, role: str) -> ModelEndpoint | None:
        """A realtime or speech role: its own three values, else core; custom voices are Qwen's."""
        if self._offline:
            return None
        prefix = _CONFIG_PREFIX[role]
        url, model = self._text(f"{prefix}ModelUrl"), self._text(f"{prefix}ModelId")
        if self._custom and url and model:
            key = self._text(f"{prefix}ModelApiKey")
            return ModelEndpoint(role, *self._custom_name(url), url.rstrip("/"), model, key, extra_body(model), "local")
        if role == "tts_custom":
            return self._cloned_voices()
        core = self.core()
        key = (
            self.core_key(core) if role == "realtime" and self._text("coreApi") else core.fixed_key or self._core_key()
        )
        if not key:
            return None
        model = self._model_of_environment(prefix) or core.model
        return ModelEndpoint(role, core.key, core.name, core.url, model, key, extra_body(model), core.key)

    def core_key(self, provider: CoreProvider) -> str:
        """A core provider's key: fixed, the core key if it is the one that is chosen, else that of the same company."""
        own = self._core_key() if provider.key == self.core().key else ""
        assist = self._catalogue.assist.get(provider.key)
        shared = self.key(assist) if assist and assist.base_url and assist.key_field else ""
        return provider.fixed_key or own or shared

    def core(self) -> CoreProvider:
        """The chosen core provider; an unknown one is the default one, protocol included."""
        providers = self._catalogue.core
        return providers.get(self._text("coreApi")) or providers[self._catalogue.core_default]

    def assist(self) -> AssistProvider:
        """The chosen assist provider.

        Free core forces free assist. An unknown or absent choice is the default provider, unless it
        is absent and the only key there is, the core key included, belongs to another one.
        """
        providers = self._catalogue.assist
        if self.core().key == "free":
            return providers["free"]
        name = self._text("assistApi")
        if name in providers and providers[name].base_url:
            return providers[name]
        default = providers[self._catalogue.assist_default]
        if name or self.key(default):
            return default
        if self._openai_url:
            return providers["openai"]
        keyed = (one for one in providers.values() if one.base_url and one.key_field and self.key(one))
        return next(keyed, default)

    def _own(self, role: str) -> ModelEndpoint | None:
        """The role's own three values, when they are switched on and complete."""
        url, model = self._text(f"{role}ModelUrl"), self._text(f"{role}ModelId")
        if not (self._custom and url and model):
            return None
        return self._endpoint(role, url, model, self._text(f"{role}ModelApiKey"))

    def _assist_endpoint(self, role: str) -> ModelEndpoint | None:
        provider = self.assist()
        key = self.key(provider)
        open_server = provider.key == "openai" and bool(self._openai_url)
        if not key and not open_server:
            return None
        model = self._model_of_environment(role) or self._model_of(role, provider)
        return ModelEndpoint(
            role, provider.key, provider.name, self._assist_url(provider), model, key, extra_body(model)
        )

    def _cloned_voices(self) -> ModelEndpoint | None:
        qwen = self._catalogue.assist["qwen"]
        provider = qwen if self.key(qwen) else self.assist()
        if not (key := self.key(provider)):
            return None
        model = self._model_of_environment("tts")
        return ModelEndpoint("tts_custom", provider.key, provider.name, self._assist_url(provider), model, key)

    def _endpoint(self, role: str, url: str, model: str, api_key: str) -> ModelEndpoint:
        base_url = normalise_base_url(url)
        return ModelEndpoint(role, *self._custom_name(base_url), base_url, model, api_key, extra_body(model))

    def _on(self, role: str, endpoint: ModelEndpoint) -> ModelEndpoint:
        model = self._model_of_environment(role) or endpoint.model
        return self._endpoint(role, endpoint.base_url, model, endpoint.api_key)

    def _custom_name(self, url: str) -> tuple[str, str]:
        """Key and name of the provider whose address this is; of one's own server it is named by its host."""
        for provider in self._catalogue.assist.values():
            if provider.base_url and provider.base_url == url:
                return provider.key, provider.name
        own = self._catalogue.assist["local" if is_loopback(host_of(url)) else "custom"]
        return own.key, shown_host(url) or own.name

    def _assist_url(self, provider: AssistProvider) -> str:
        return self._openai_url if provider.key == "openai" and self._openai_url else provider.base_url

    def key(self, provider: AssistProvider) -> str:
        """A provider's key: fixed, from the environment, its own, else the core key of the same company.

        An address that the environment names gets keys of the environment only.
        """
        if provider.fixed_key:
            return provider.fixed_key
        chosen_key, own = self._settings.get(registry.CHOSEN_PROVIDER_KEY), registry.TEXTS[provider.key_field]
        if chosen_key and not self._settings.variable(own) and self._is_chosen(provider):
            return chosen_key
        if self._assist_url(provider) != provider.base_url and not self._settings.variable(own):
            return ""
        shared = self._core_key() if self.core().company == provider.company else ""
        return self._settings.get(own) or shared

    def _is_chosen(self, provider: AssistProvider) -> bool:
        name = self._text("assistApi")
        return provider.key == (name if name in self._catalogue.assist else self._catalogue.assist_default)

    def _core_key(self) -> str:
        key = self._text("coreApiKey")
        return "" if key == _NO_KEY else key

    def _model_of(self, role: str, provider: AssistProvider) -> str:
        """The provider's model for a role; where the address is another server's, the one chosen there for all."""
        is_elsewhere = self._assist_url(provider) != provider.base_url and not self._text("conversationModelUrl")
        return (self._text("conversationModelId") if is_elsewhere else "") or provider.models.get(role, "")

    def _model_of_environment(self, role: str) -> str:
        """The model that a variable names for one of ``registry.ROLES``, whoever serves the role."""
        setting = registry.TEXTS[f"{role}ModelId"]
        return self._settings.get(setting) if self._settings.variable(setting) else ""

    def _text(self, key: str) -> str:
        """What somebody set, in the environment or in the file; empty when nobody did."""
        return self._settings.find(registry.TEXTS[key]) or ""
