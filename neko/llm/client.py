"""One provider's server, asked with one key."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neko.errors import NekoError
from neko.llm.provider_errors import ProviderErrors
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.tasks import in_thread

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to the first token, between tokens, for the result of a tool call; and the waits
    before tries two and three.

    A provider's own wish to wait (``Retry-After``) is honoured up to ``longest_wait_s``. ``sleep`` does
    the waiting between tries.
    """

    connect_timeout_s: float = 10.0
    first_token_timeout_s: float = 30.0
    between_tokens_timeout_s: float = 20.0
    tool_result_timeout_s: float = 300.0
    back_off_s: tuple[float, ...] = (1.0, 2.0)
    longest_wait_s: float = 10.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class ProviderClient:
    """The ``openai`` client of one server over a connection of the gate's; tries nothing twice by itself."""

    def __init__(self, openai: AsyncOpenAI, http: httpx2.AsyncClient) -> None:
        self._openai = openai
        self._http = http
        self._chat_url = openai.base_url.join("chat/completions")
        self._headers = {
            name: value
            for name, value in (openai.default_headers | openai.auth_headers).items()
            if isinstance(value, str) and not name.startswith("X-Stainless-")  # which system this is
        }
        self._headers["Accept"] = "text/event-stream, application/json"

    def post_chat(self, body: Mapping[str, Any]) -> AbstractAsyncContextManager[httpx2.Response]:
        """Ask for a completion; the response of whatever status is open, its head read. Raises what
        ``httpx2`` raises.

        The address and the headers are the client's; the request is not made by it. Its ``create`` walks
        through all messages by their type hints, which takes longer than a whole reply once the talk has some
        length, and its ``post`` still costs more than sending does.
        """
        return self._http.stream("POST", self._chat_url, json=body, headers=self._headers)

    async def connect_ahead(self, timeout_s: float) -> None:
        """Have a connection ready for the first request, if the server can be reached; fails silently.

        Plain HTTP servers are near, where this would save nothing.
        """
        if self._openai.base_url.scheme == "https":
            import httpx2

            with contextlib.suppress(httpx2.HTTPError, OSError, NekoError):
                async with asyncio.timeout(timeout_s):
                    await self._http.head(self._openai.base_url.join("models"))

    async def aclose(self) -> None:
        await self._http.aclose()


async def open_client(network: Network, endpoint: ModelEndpoint, timeouts: Timeouts) -> ProviderClient:
    """A client for the server and key of ``endpoint``; nothing is sent. Raises ``NekoError``."""
    try:
        http = await network.http_client(
            "model",
            endpoint.base_url,
            connect_timeout_s=timeouts.connect_timeout_s,
            follow_redirects=endpoint.base_url.startswith("https:"),
        )
        return await in_thread(_make_client, endpoint, http)
    except Exception as error:
        raise ProviderErrors(endpoint.model, endpoint.provider_name).from_exception(error) from error


def _make_client(endpoint: ModelEndpoint, http: httpx2.AsyncClient) -> ProviderClient:
    """Blocks: the library is loaded at its first use, and it asks the system for what its headers say."""
    _load_openai()
    from openai import AsyncOpenAI

    key = endpoint.api_key or "none"  # the client insists on one; servers without keys ignore it
    client = AsyncOpenAI(api_key=key, base_url=endpoint.base_url, http_client=http, max_retries=0)
    if client.base_url.host != "api.openai.com":
        client.organization = client.project = None
    return ProviderClient(client, http)


@functools.cache
def _load_openai() -> None:
    """Blocks. What the library is made of stays for good: the collector need not look through it on the loop,
    which takes about 50 ms and would fall into the first turn."""
    import openai  # noqa: F401

    gc.freeze()
