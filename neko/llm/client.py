"""One provider's server, asked with one key."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neko.errors import NekoError
from neko.llm.provider_errors import ProviderErrors
from neko.net import Network
from neko.providers import ModelEndpoint

if TYPE_CHECKING:
    import httpx2


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
    """Keeps connections to the server of ``endpoint`` alive; tries nothing twice by itself."""

    def __init__(self, http: httpx2.AsyncClient, endpoint: ModelEndpoint) -> None:
        self._http = http
        self._base_url = endpoint.base_url
        if endpoint.api_key:
            http.headers["authorization"] = f"Bearer {endpoint.api_key}"

    def post(self, path: str, body: Mapping[str, Any]) -> AbstractAsyncContextManager[httpx2.Response]:
        """Send JSON; the response is open, its head read. Raises what ``httpx2`` raises."""
        return self._http.stream("POST", self._base_url + path, json=body)

    async def connect_ahead(self, timeout_s: float) -> None:
        """Have a connection ready for the first request, if the server can be reached; fails silently.

        Plain HTTP servers are near, where this would save nothing.
        """
        if self._base_url.startswith("https:"):
            import httpx2

            with contextlib.suppress(httpx2.HTTPError, OSError, NekoError):
                async with asyncio.timeout(timeout_s):
                    await self._http.head(f"{self._base_url}/models")

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
        return ProviderClient(http, endpoint)
    except Exception as error:
        raise ProviderErrors(endpoint.model, endpoint.provider_name).from_exception(error) from error
