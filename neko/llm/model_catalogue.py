"""Which models a server offers, and whether one of them really answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from neko.errors import ModelStreamBrokenError, NekoError
from neko.llm.client import Timeouts
from neko.llm.complete_once import complete_once
from neko.llm.provider_errors import ProviderErrors
from neko.net import Network
from neko.providers import ModelEndpoint, catalogue, normalise_base_url
from neko.tasks import in_thread

_LARGEST_LISTING = 8 * 1024 * 1024
_NOT_FOR_CHAT = re.compile(
    r"embed|rerank|\bbge-|minilm|whisper|transcri|\btts\b|speech|dall-e|moderation|gpt-image|sora|stable-diffusion",
    re.IGNORECASE,
)
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
    models = model_ids(listing)
    if models is None:
        raise _errors(base_url, provider).make(ModelStreamBrokenError, "not a list of models")
    return chat_models(models)


async def test(
    network: Network,
    base_url: str,
    api_key: str,
    model: str,
    *,
    provider: str = "",  # noqa: PT028
    timeouts: Timeouts | None = None,  # noqa: PT028
) -> TestResult:
    """Ask the model one tiny question for real; never raises ``NekoError``, the result holds it."""
    base_url = normalise_base_url(base_url)
    name = provider or urlsplit(base_url).netloc
    extra = (await in_thread(catalogue)).extra_bodies.get(model, {})
    endpoint = ModelEndpoint("conversation", "custom", name, base_url, model, api_key, extra)
    try:
        answer = await complete_once(network, endpoint, _GREETING, timeouts)
    except NekoError as error:
        return TestResult(False, error=error)
    return TestResult(True, round(answer.latency * 1000), answer.text)


def model_ids(listing: object) -> list[str] | None:
    """The ids in an OpenAI-shaped list of models; None when it is none."""
    data = listing.get("data") if isinstance(listing, Mapping) else None
    if not isinstance(data, list):
        return None
    ids = [entry.get("id") for entry in data if isinstance(entry, Mapping)]
    if len(ids) != len(data) or not all(isinstance(model, str) and model for model in ids):
        return None
    return [str(model).removeprefix("models/") for model in ids]


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
    errors = _errors(base_url, provider)
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
        async with http, http.stream("GET", f"{base_url}/models", headers=headers) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > largest:
                    raise errors.make(ModelStreamBrokenError, "the list of models is too long")
        if response.status_code != 200:
            raise errors.from_response(response, bytes(body))
        return json.loads(body)
    except NekoError:
        raise
    except Exception as error:
        raise errors.from_exception(error) from error


def _errors(base_url: str, provider: str) -> ProviderErrors:
    return ProviderErrors("", provider or urlsplit(base_url).netloc)
