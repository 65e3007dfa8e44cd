"""Which models a server offers, and whether one of them really answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from neko.errors import ModelError, ModelStreamBrokenError, NekoError
from neko.llm.client import Timeouts, make_http_client
from neko.llm.complete_once import complete_once
from neko.llm.provider_errors import ProviderErrors, retry_hint
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
    base_url: str, api_key: str, *, provider: str = "", timeouts: Timeouts | None = None
) -> list[str]:
    """Ids of the chat models of a server, from ``GET {base}/models``; raises ``ModelError``."""
    timeouts = timeouts or Timeouts()
    base_url = normalise_base_url(base_url)
    errors = ProviderErrors("", provider or urlsplit(base_url).netloc)
    try:
        listing = await _fetch(f"{base_url}/models", api_key, timeouts, errors)
    except ModelError:
        raise
    except Exception as error:
        raise errors.from_exception(error) from error
    models = model_ids(listing)
    if models is None:
        raise errors.make(ModelStreamBrokenError, "not a list of models")
    return chat_models(models)


async def test(
    base_url: str,
    api_key: str,
    model: str,
    *,
    provider: str = "",  # noqa: PT028
    timeouts: Timeouts | None = None,  # noqa: PT028
) -> TestResult:
    """Ask the model one tiny question for real; never raises ``ModelError``, the result holds it."""
    base_url = normalise_base_url(base_url)
    name = provider or urlsplit(base_url).netloc
    extra = (await in_thread(catalogue)).extra_bodies.get(model, {})
    endpoint = ModelEndpoint("conversation", "custom", name, base_url, model, api_key, extra)
    try:
        answer = await complete_once(endpoint, _GREETING, timeouts)
    except ModelError as error:
        return TestResult(False, error=error)
    return TestResult(True, round(answer.latency * 1000), answer.text)


def model_ids(listing: object) -> list[str] | None:
    """The ids in an OpenAI-shaped list of models; None when it is none."""
    data = listing.get("data") if isinstance(listing, Mapping) else None
    if not isinstance(data, list):
        return None
    ids = [entry.get("id") for entry in data if isinstance(entry, Mapping)]
    if len(ids) != len(data) or not all(isinstance(found, str) and found for found in ids):
        return None
    return [str(found).removeprefix("models/") for found in ids]


def chat_models(models: list[str]) -> list[str]:
    """Without those that cannot hold a conversation, by their names, and without repeats."""
    return [model for model in dict.fromkeys(models) if not _NOT_FOR_CHAT.search(model)]


async def _fetch(url: str, api_key: str, timeouts: Timeouts, errors: ProviderErrors) -> object:
    import httpx2

    limits = httpx2.Timeout(timeouts.between_tokens, connect=timeouts.connect)
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    http = await in_thread(make_http_client, url, limits)
    async with http, http.stream("GET", url, headers=headers) as response:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _LARGEST_LISTING:
                raise errors.make(ModelStreamBrokenError, "the list of models is too long")
    if response.status_code != 200:
        words = _decoded(bytes(body))
        raise errors.from_status(response.status_code, words, retry_hint(response.headers, words))
    listing: object = json.loads(body)
    return listing


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return body[:500].decode("utf-8", "replace")
