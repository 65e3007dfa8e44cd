"""Which models a server offers, and whether one of them really answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar

from neko.errors import (
    ModelError,
    ModelNotFoundError,
    ModelStreamBrokenError,
    ModelWrongPathError,
    NekoError,
    NoModelListError,
    NoModelYetError,
)
from neko.llm.adaptation import Adaptations
from neko.llm.client import Timeouts
from neko.llm.complete_once import complete_once
from neko.llm.provider_errors import ProviderErrors
from neko.net import Network
from neko.providers import ModelEndpoint, catalogue, normalise_base_url
from neko.providers.addresses import shown_host, url_below
from neko.providers.error_body import is_error
from neko.tasks import in_thread
from neko.well_formed import load_json

_LARGEST_LISTING = 8 * 1024 * 1024
_NOT_FOR_CHAT = re.compile(
    r"embed|rerank|\bbge-|minilm|whisper|transcri|\btts\b|speech|dall-e|moderation|gpt-image|sora|stable-diffusion",
    re.IGNORECASE,
)
_OTHER_KIND = re.compile(r"embeddings?|image|audio|rerank(er)?|moderation|transcri\w+|tts|stt|video", re.IGNORECASE)
_HOLDERS = ("data", "models", "result", "items")
_NAMES = ("id", "name", "model", "model_name", "key")
_OF_A_MODEL = frozenset(("id", "object", "owned_by", "created"))
"""What an entry of a list of models has, and hardly anything else."""
_NUMBER = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
"""A UUID: what a server calls a model among its own, not what it is asked for by."""
_GREETING = "Say hello in one short sentence."


@dataclass(frozen=True, slots=True)
class TestResult:
    """``latency_ms`` is the time to the first token; ``reply`` what the model said."""

    __test__: ClassVar[bool] = False

    ok: bool
    latency_ms: int = 0
    reply: str = ""
    error: NekoError | None = None


async def list_models(
    network: Network, base_url: str, api_key: str, *, provider: str = "", timeouts: Timeouts | None = None
) -> list[str]:
    """Ids of the chat models of a server, from ``GET {base}/models``; raises ``NekoError``."""
    timeouts = timeouts or Timeouts()
    listing = await fetch_listing(
        network,
        normalise_base_url(base_url),
        api_key,
        provider=provider,
        connect_timeout_s=timeouts.connect_timeout_s,
        timeout_s=timeouts.listing_timeout_s,
    )
    models, errors = model_ids(listing), _errors(base_url, provider, api_key)
    if models is None and isinstance(listing, Mapping) and is_error(listing):
        raise errors.from_answer(listing)
    if models is None:
        raise errors.make(ModelWrongPathError, "not a list of models")
    if not models:
        raise errors.make(NoModelYetError, "an empty list of models")
    return chat_models(models)


async def test(
    network: Network,
    base_url: str,
    api_key: str,
    model: str,
    *,
    provider: str = "",  # noqa: PT028
    timeouts: Timeouts | None = None,  # noqa: PT028
    adaptations: Adaptations | None = None,  # noqa: PT028
) -> TestResult:
    """Ask the model one tiny question for real; never raises ``NekoError``, the result holds it.

    What ``adaptations`` hold of the model is forgotten first: it may have been loaded in another way.
    """
    base_url = normalise_base_url(base_url)
    name = provider or shown_host(base_url)
    extra = (await in_thread(catalogue)).extra_bodies.get(model, {})
    endpoint = ModelEndpoint("conversation", "custom", name, base_url, model, api_key, extra)
    if adaptations is not None:
        adaptations.forget(endpoint)
    try:
        answer = await complete_once(network, endpoint, _GREETING, timeouts, adaptations)
    except NekoError as error:
        return TestResult(False, error=error)
    return TestResult(True, round(answer.latency * 1000), answer.text)


def model_ids(listing: object) -> list[str] | None:
    """The ids in a list of models, without those that say that they are for something else; None when it is no list.

    Shapes: OpenAI's ``{"data": [{"id"}]}`` (``null`` from an Ollama without a model), the bare list of Together and
    GitHub Models, ``{"models": [{"name"}]}`` of Ollama, Gemini and llama.cpp, texts in place of objects, an object
    with the ids for keys in place of a list, a gateway's lists by company (``{"data": {"openai": []}}``).
    """
    entries = _entries(listing)
    if entries is None:
        return None
    groups = [[entry] if (group := _group(entry)) is None else group for entry in entries]
    names = [_name(entry) for group in groups for entry in group if _may_chat(entry)]
    return [name.removeprefix("models/") for name in names if name]


def _entries(listing: object) -> list[Any] | None:
    if isinstance(listing, list):
        return listing
    if not isinstance(listing, Mapping):
        return None
    for key in _HOLDERS:
        held = listing.get(key)
        if isinstance(held, list):
            return held
        if isinstance(held, Mapping) and (inner := _entries(held)) is not None:
            return inner
        if isinstance(held, Mapping) and (lists := _grouped(held)) is not None:
            return lists
        if isinstance(held, Mapping) and held and all(isinstance(value, Mapping) for value in held.values()):
            return None if is_error(held) else [_keyed(key, value) for key, value in held.items()]
    if any(key in listing and listing[key] is None for key in _HOLDERS):
        return []
    is_keyed = bool(listing) and all(isinstance(one, Mapping) and one.keys() & _OF_A_MODEL for one in listing.values())
    return [_keyed(key, value) for key, value in listing.items()] if is_keyed and not is_error(listing) else None


def _grouped(held: Mapping[str, Any]) -> list[Any] | None:
    """All entries of lists by company; None when it is something else."""
    lists = [_group(one) for one in held.values()]
    if not held or is_error(held) or None in lists:
        return None
    return [entry for one in lists for entry in one or ()]


def _group(one: object) -> list[Any] | None:
    """The entries of one company: a list, or ``{"models": []}`` with its name beside."""
    inside = one.get("models") if isinstance(one, Mapping) else one
    return inside if isinstance(inside, list) else None


def _keyed(key: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry below its id, which it need not hold itself; a list that became an object has numbers for keys."""
    return entry if key.isdecimal() else {**entry, "id": key}


def _name(entry: object, depth: int = 0) -> str:
    if isinstance(entry, str):
        return entry.strip()
    if not isinstance(entry, Mapping) or depth > 1:
        return ""
    names = [_name(entry[key], depth + 1) for key in _NAMES if isinstance(entry.get(key), str | Mapping)]
    return next((name for name in names if name and "://" not in name and not _NUMBER.fullmatch(name)), "")


def _may_chat(entry: object) -> bool:
    """False for a model that says that it is of another kind (Together, LM Studio, Mistral)."""
    if not isinstance(entry, Mapping):
        return True
    abilities = entry.get("capabilities")
    if isinstance(abilities, Mapping) and abilities.get("completion_chat") is False:
        return False
    return not _OTHER_KIND.fullmatch(str(entry.get("type", "")))


def chat_models(models: list[str]) -> list[str]:
    """Without those that cannot hold a conversation, by their names, and without repeats."""
    return [model for model in dict.fromkeys(models) if not _NOT_FOR_CHAT.search(model)]


async def fetch_listing(
    network: Network,
    base_url: str,
    api_key: str = "",
    *,
    purpose: str = "model list",
    provider: str = "",
    connect_timeout_s: float = 5.0,
    timeout_s: float,
    largest: int = _LARGEST_LISTING,
) -> Any:
    """The JSON of ``GET {base_url}/models``, whatever it is; raises ``NekoError``.

    ``timeout_s`` is the longest silence of the server, ``largest`` the most bytes that are read.
    """
    errors = _errors(base_url, provider, api_key)
    errors.check(base_url, api_key)
    try:
        http = await network.http_client(
            purpose,
            base_url,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=timeout_s,
            follow_redirects=base_url.startswith("https:"),
        )
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        body = bytearray()
        async with (
            http,
            http.stream("GET", url_below(base_url, "models"), headers=headers) as response,
            aclosing(response.aiter_bytes()) as chunks,
        ):
            async for chunk in chunks:
                body += chunk
                if len(body) > largest:
                    raise errors.make(ModelStreamBrokenError, "the list of models is too long")
        if response.status_code != 200:
            raise _refused(errors, response.status_code, errors.from_response(response, bytes(body)))
        return _decoded(body, errors)
    except NekoError:
        raise
    except Exception as error:
        raise errors.from_exception(error) from error


def _refused(errors: ProviderErrors, status: int, error: ModelError) -> ModelError:
    """What is missing is the list: neither the address nor a model is wrong, many gateways have none."""
    if type(error) in (ModelWrongPathError, ModelNotFoundError) or status == 501:
        return errors.make(NoModelListError, f"HTTP {status}", said=error.said)
    return error


def _decoded(body: bytes | bytearray, errors: ProviderErrors) -> Any:
    text = bytes(body)
    if text.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        raise errors.web_page(text)
    plain = text.decode("utf-8-sig", "replace")
    if plain.strip()[:1].isalpha() and plain.strip() not in ("null", "true", "false"):
        raise errors.make(ModelWrongPathError, "words in place of a list", said=plain)
    try:
        return load_json(plain)
    except ValueError:
        lines = [line for line in plain.split("\n") if line.strip()]
        if len(lines) < 2:
            raise
        return [load_json(line) for line in lines]


def _errors(base_url: str, provider: str, api_key: str) -> ProviderErrors:
    return ProviderErrors("", provider or shown_host(base_url), api_key)
