"""Which model plays which role: the provider catalogue and the order in which choices count.

The catalogue is data (``assets/providers.json``). ``resolve`` lays the environment over
``core_config.json`` over the catalogue. It is pure; the catalogue is read from disk once, at the
first use of this module's functions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from neko.settings import ASSETS, is_loopback

ASSIST_ROLES: Final = ("conversation", "summary", "correction", "emotion", "vision", "agent")
_CONFIG_PREFIX: Final = {"realtime": "omni", "tts_default": "tts", "tts_custom": "tts"}
_NO_KEY: Final = "free-access"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AssistProvider:
    """An OpenAI-compatible HTTP provider. ``models`` maps a role to its default model.

    ``key_field`` is the key of ``core_config.json`` that holds its key. ``custom`` and ``local``
    are tiles of the page without an address of their own.
    """

    key: str
    name: str
    description: str
    base_url: str
    models: Mapping[str, str]
    key_field: str = ""
    needs_key: bool = True
    site: str = ""
    fixed_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CoreProvider:
    """A speech-to-speech provider; ``url`` is empty where a client library knows it."""

    key: str
    name: str
    description: str
    url: str
    model: str
    fixed_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All providers by key, the extra request body by exact model name, the free voices by display name."""

    assist: Mapping[str, AssistProvider]
    core: Mapping[str, CoreProvider]
    assist_default: str
    core_default: str
    extra_bodies: Mapping[str, Mapping[str, Any]]
    free_voices: Mapping[str, str]


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


@cache
def catalogue() -> Catalogue:
    """The catalogue; its file is read at the first call."""
    data: dict[str, Any] = json.loads((ASSETS / "providers.json").read_text(encoding="utf-8"))
    bodies = {model: group["body"] for group in data["extra_bodies"] for model in group["models"]}
    return Catalogue(
        assist=MappingProxyType({key: AssistProvider(key, **entry) for key, entry in data["assist"].items()}),
        core=MappingProxyType({key: CoreProvider(key, **entry) for key, entry in data["core"].items()}),
        assist_default=data["assist_default"],
        core_default=data["core_default"],
        extra_bodies=MappingProxyType(bodies),
        free_voices=MappingProxyType(data["free_voices"]),
    )


def resolve(role: str, config: Mapping[str, Any], environ: Mapping[str, str]) -> ModelEndpoint | None:
    """The endpoint of a role, or None when nothing is configured for it.

    ``config`` is the content of ``core_config.json``. Raises ``ValueError`` for an unknown role.
    """
    choice = _Choice(config, environ)
    if role in ASSIST_ROLES:
        return choice.agent() if role == "agent" else choice.assist_role(role)
    if role in _CONFIG_PREFIX:
        return choice.core_role(role)
    raise ValueError(f"unknown model role {role!r}")


def pinned(environ: Mapping[str, str], config: Mapping[str, Any] = _NOTHING) -> dict[str, str]:
    """Which keys of ``core_config.json`` the environment decides, and by which variable.

    ``config`` tells whose key ``NEKO_OPENROUTER_API_KEY`` is: that of the chosen assist provider.
    """
    found = {key: name for key, name, _ in _pins(environ)}
    if environ.get(_CHOSEN_KEY_VARIABLE, "").strip():
        provider = _Choice(config, environ).assist()
        found.setdefault(provider.key_field, _CHOSEN_KEY_VARIABLE)
    if environ.get("OPENAI_BASE_URL", "").strip():
        found["openaiBaseUrl"] = "OPENAI_BASE_URL"
    return found


def extra_body(model: str) -> Mapping[str, Any]:
    """What a request for this exact model carries besides the usual fields."""
    return catalogue().extra_bodies.get(model, _NOTHING)


_ENDINGS: Final = (
    *("/chat/completions", "/completions", "/responses", "/embeddings", "/models"),
    *("/audio/speech", "/audio/transcriptions"),
)
_OLLAMA_OWN: Final = ("/api", "/api/chat", "/api/generate", "/api/tags")


def normalise_base_url(url: str) -> str:
    """The base URL of an OpenAI-compatible server, from whatever a user pastes.

    Completes the scheme (http for this machine and private addresses, else https) and a missing
    ``/v1``; drops trailing slashes, query, and the path of a single call. An address with a path of
    its own keeps it. Blank stays blank; text that is no URL at all comes back as it is.
    """
    text = url.strip()
    if not text:
        return ""
    if "://" not in text:
        text = f"{'http' if _is_near(text) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return url.strip()
    path = parts.path.rstrip("/")
    for ending in _ENDINGS:
        if path.endswith(ending):
            path = path.removesuffix(ending).rstrip("/")
            break
    if not path or (port == 11434 and path in _OLLAMA_OWN):
        path = "/v1"
    login, at, server = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme.lower(), f"{login}{at}{server.lower()}", path, "", ""))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_near(address: str) -> bool:
    """Whether an address without a scheme is on this machine or in a private network."""
    host = address.split("/")[0]
    host = host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.split(":")[0]
    near = ("192.168.", "10.", *(f"172.{n}." for n in range(16, 32)))
    return is_loopback(host) or host.startswith(near) or host.endswith(".local") or host == "0.0.0.0"


# ── the environment layer ─────────────────────────────────────────────────────

_CHOSEN_KEY_VARIABLE: Final = "NEKO_OPENROUTER_API_KEY"


@cache
def _variables() -> tuple[tuple[str, str], ...]:
    """Pairs of a key of ``core_config.json`` and a variable that decides it, the stronger one first."""
    keyed = [provider for provider in catalogue().assist.values() if provider.base_url and provider.key_field]
    pairs = [("coreApiKey", "NEKO_CORE_API_KEY"), ("coreApi", "NEKO_CORE_API"), ("assistApi", "NEKO_ASSIST_API")]
    pairs.extend((provider.key_field, f"NEKO_ASSIST_API_KEY_{provider.key.upper()}") for provider in keyed)
    pairs.append(("assistApiKeyOpenai", "OPENAI_API_KEY"))
    pairs.extend((f"{role}ModelId", f"NEKO_{role.upper()}_MODEL") for role in (*ASSIST_ROLES, "omni", "tts"))
    pairs.extend((("omniModelId", "NEKO_REALTIME_MODEL"), ("mcpToken", "NEKO_MCP_TOKEN")))
    return tuple(pairs)


def _pins(environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    pins: dict[str, tuple[str, str, str]] = {}
    for key, name in _variables():
        value = environ.get(name, "").strip()
        if value and key not in pins:
            pins[key] = (key, name, value)
    return list(pins.values())


# ── the order of choices ──────────────────────────────────────────────────────


class _Choice:
    """One reading of configuration and environment together."""

    def __init__(self, config: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._catalogue = catalogue()
        self._config = config
        self._pinned = {key: value for key, _, value in _pins(environ)}
        self._chosen_key = environ.get(_CHOSEN_KEY_VARIABLE, "").strip()
        self._openai_url = normalise_base_url(environ.get("OPENAI_BASE_URL", ""))
        own = config.get("neko")
        self._offline = isinstance(own, Mapping) and own.get("offline") is True
        self._custom = config.get("enableCustomApi") is True

    def assist_role(self, role: str) -> ModelEndpoint | None:
        """A text role: its own three values, else the assist provider.

        The text roles behind the scenes share the conversation's own server where there is
        nothing else, so that one local model is enough.
        """
        if self._offline:
            return None
        found = self._own(role) or self._assist_endpoint(role)
        if found is None and role in ("summary", "correction", "emotion"):
            shared = self._own("conversation")
            return self._on(role, shared) if shared else None
        return found

    def agent(self) -> ModelEndpoint | None:
        """The agent's own values count without ``enableCustomApi``, each on its own.

        A missing model is the assist provider's agent or vision model; a missing URL that of the
        custom vision model, else the assist provider's; a missing key follows the URL, then assist.
        """
        url, key = self._text("agentModelUrl"), self._text("agentModelApiKey")
        model = self._text("agentModelId")
        if self._offline:
            return None
        if not (url or key or model):
            return self.assist_role("agent")
        assist, vision = self.assist(), self._own("vision")
        if not url and model and vision:
            return self._endpoint("agent", vision.base_url, model, key or vision.api_key or self._key(assist))
        model = model or assist.models.get("agent", "") or assist.models.get("vision", "")
        api_key = key or self._key(assist)
        if not url and not api_key and not (assist.key == "openai" and self._openai_url):
            return None
        return self._endpoint("agent", url or self._assist_url(assist), model, api_key)

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
        key = core.fixed_key or self._core_key()
        if not key:
            return None
        model = self._pinned.get(f"{prefix}ModelId") or core.model
        return ModelEndpoint(role, core.key, core.name, core.url, model, key, extra_body(model), core.key)

    def core(self) -> CoreProvider:
        """The chosen core provider; an unknown one is the default one, protocol included."""
        known = self._catalogue.core
        return known.get(self._text("coreApi")) or known[self._catalogue.core_default]

    def assist(self) -> AssistProvider:
        """The chosen assist provider.

        Free core forces free assist. An unknown or absent choice is the default provider, unless it
        is absent and the only key there is belongs to another one.
        """
        known = self._catalogue.assist
        if self.core().key == "free":
            return known["free"]
        name = self._text("assistApi")
        if name in known and known[name].base_url:
            return known[name]
        default = known[self._catalogue.assist_default]
        if name or self._key(default):
            return default
        if self._openai_url:
            return known["openai"]
        keyed = (provider for provider in known.values() if provider.base_url and self._text(provider.key_field))
        return next(keyed, default)

    def _own(self, role: str) -> ModelEndpoint | None:
        """The role's own three values, when they are switched on and complete."""
        url, model = self._text(f"{role}ModelUrl"), self._text(f"{role}ModelId")
        if not (self._custom and url and model):
            return None
        return self._endpoint(role, url, model, self._text(f"{role}ModelApiKey"))

    def _assist_endpoint(self, role: str) -> ModelEndpoint | None:
        provider = self.assist()
        key = self._key(provider)
        open_server = provider.key == "openai" and bool(self._openai_url)
        if not key and not open_server:
            return None
        model = self._pinned.get(f"{role}ModelId") or provider.models[role]
        return ModelEndpoint(
            role, provider.key, provider.name, self._assist_url(provider), model, key, extra_body(model)
        )

    def _cloned_voices(self) -> ModelEndpoint | None:
        qwen, assist = self._catalogue.assist["qwen"], self.assist()
        own = self._text(qwen.key_field) or self._core_key()
        provider, key = (qwen, own) if own else (assist, self._key(assist))
        if not key:
            return None
        model = self._pinned.get("ttsModelId", "")
        return ModelEndpoint("tts_custom", provider.key, provider.name, self._assist_url(provider), model, key)

    def _endpoint(self, role: str, url: str, model: str, api_key: str) -> ModelEndpoint:
        base_url = normalise_base_url(url)
        return ModelEndpoint(role, *self._custom_name(base_url), base_url, model, api_key, extra_body(model))

    def _on(self, role: str, endpoint: ModelEndpoint) -> ModelEndpoint:
        model = self._pinned.get(f"{role}ModelId") or endpoint.model
        return self._endpoint(role, endpoint.base_url, model, endpoint.api_key)

    def _custom_name(self, url: str) -> tuple[str, str]:
        """Key and name of the provider whose address this is: a known one, this machine, or custom."""
        for provider in self._catalogue.assist.values():
            if provider.base_url and provider.base_url == url:
                return provider.key, provider.name
        provider = self._catalogue.assist["local" if is_loopback(_host(url)) else "custom"]
        return provider.key, provider.name

    def _assist_url(self, provider: AssistProvider) -> str:
        return self._openai_url if provider.key == "openai" and self._openai_url else provider.base_url

    def _key(self, provider: AssistProvider) -> str:
        """A provider's key: fixed, from the environment, its own, else the core key."""
        if provider.fixed_key:
            return provider.fixed_key
        if self._chosen_key and provider.key_field not in self._pinned and self._is_chosen(provider):
            return self._chosen_key
        return self._text(provider.key_field) or self._core_key()

    def _is_chosen(self, provider: AssistProvider) -> bool:
        name = self._text("assistApi")
        return provider.key == (name if name in self._catalogue.assist else self._catalogue.assist_default)

    def _core_key(self) -> str:
        key = self._text("coreApiKey")
        return "" if key == _NO_KEY else key

    def _text(self, key: str) -> str:
        """A value as text: the environment's, else the stored one."""
        return self._pinned.get(key) or self._stored(key)

    def _stored(self, key: str) -> str:
        value = self._config.get(key)
        return value.strip() if isinstance(value, str) else ""
