"""The ``openai`` client of one endpoint, made away from the loop thread."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from neko.providers import ModelEndpoint
from neko.settings import is_loopback
from neko.tasks import in_thread

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

KEEP_ALIVE = 60.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to the first token, between tokens; and the waits before tries two and three.

    A provider's own wish to wait (``Retry-After``) is honoured up to ``longest_wait``. ``sleep`` does the
    waiting between tries.
    """

    connect: float = 10.0
    first_token: float = 30.0
    between_tokens: float = 20.0
    back_off: tuple[float, ...] = (1.0, 2.0)
    longest_wait: float = 10.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def open_client(endpoint: ModelEndpoint, timeouts: Timeouts) -> AsyncOpenAI:
    """A client with keep-alive and no retries of its own; nothing is sent. Close it with ``close()``."""
    return await in_thread(_make_client, endpoint, timeouts)


async def connect_ahead(client: AsyncOpenAI, seconds: float) -> None:
    """Have a connection ready for the first request, if the server can be reached; never fails.

    Plain HTTP servers are near, where this would save nothing.
    """
    if client.base_url.scheme == "https":
        import httpx2

        with contextlib.suppress(httpx2.HTTPError, OSError, TimeoutError):
            async with asyncio.timeout(seconds):
                await client._client.head(client.base_url.join("models"))


def make_http_client(base_url: str, timeout: httpx2.Timeout) -> httpx2.AsyncClient:
    """For one server; proxies of the environment do not apply to this machine's own servers."""
    import httpx2

    parts = urlsplit(base_url)
    secure = parts.scheme == "https"
    return httpx2.AsyncClient(
        verify=_tls() if secure else False,
        trust_env=not is_loopback(parts.hostname or ""),
        follow_redirects=secure,
        timeout=timeout,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=KEEP_ALIVE),
    )


def _make_client(endpoint: ModelEndpoint, timeouts: Timeouts) -> AsyncOpenAI:
    import httpx2
    from openai import AsyncOpenAI

    _warm_up()
    limits = httpx2.Timeout(None, connect=timeouts.connect)
    client = AsyncOpenAI(
        api_key=endpoint.api_key or "none",
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=limits,
        http_client=make_http_client(endpoint.base_url, limits),
    )
    if client.base_url.host != "api.openai.com":
        client.organization = client.project = None
    return client


@cache
def _tls() -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context()


@cache
def _warm_up() -> None:
    """Import the client and pay for what its first request loads, on another thread's own loop."""
    import anyio
    import httpx2
    from openai import AsyncOpenAI, AsyncStream

    def respond(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=b"data: [DONE]\n\n")

    async def first_request() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(respond), trust_env=False)
        async with AsyncOpenAI(api_key="none", base_url="http://127.0.0.1/v1", http_client=http) as client:
            stream = await client.post(
                "/chat/completions", cast_to=object, body={}, stream=True, stream_cls=AsyncStream[object]
            )
            await stream.response.aread()
        with contextlib.suppress(OSError):
            await anyio.connect_tcp("127.0.0.1", 0)

    asyncio.run(first_request())
