"""One provider's server, asked with one key."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from neko.errors import NekoError
from neko.llm.provider_errors import ProviderErrors
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.providers.addresses import shown_host, url_below
from neko.settings import is_near
from neko.tasks import in_thread, spare_collector
from neko.well_formed import dump_json

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


_PROBE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds without a byte: until the user is told that it takes long, until a server that has not said a word
    is given up, and until one in the middle of its words is."""

    late_s: float
    first_words_timeout_s: float
    between_words_timeout_s: float


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to a listing of models, for the result of a tool call; the waits before tries two and three.

    ``near`` is for servers on this machine and in this network: they load a model when they are asked for it, which
    takes minutes and begins anew when the caller hangs up. ``far`` is for all others. An answer that is not streamed
    has at least ``whole_answer_timeout_s``. ``completion_timeout_s`` ends a completion that goes on for ever, be it
    thoughts or signs of life. A provider's own wish to wait (``Retry-After``) is honoured up to ``longest_wait_s``. A
    server that says that it is loading its model is asked every ``loading_pause_s`` for up to ``loading_timeout_s``.
    ``sleep`` does the waiting between tries.
    """

    connect_timeout_s: float = 10.0
    listing_timeout_s: float = 20.0
    near: Patience = Patience(8.0, 600.0, 60.0)
    far: Patience = Patience(15.0, 60.0, 20.0)
    whole_answer_timeout_s: float = 300.0
    completion_timeout_s: float = 1800.0
    tool_result_timeout_s: float = 300.0
    back_off_s: tuple[float, ...] = (1.0, 2.0)
    longest_wait_s: float = 30.0
    loading_pause_s: float = 3.0
    loading_timeout_s: float = 600.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def patience(self, url: str, *, streamed: bool = True) -> Patience:
        """How long to wait for the server at this address; an answer that is not streamed comes whole, at its end."""
        patience = self.near if is_near(urlsplit(url).hostname or "") else self.far
        if streamed:
            return patience
        return replace(patience, first_words_timeout_s=max(patience.first_words_timeout_s, self.whole_answer_timeout_s))


class ProviderClient:
    """The ``openai`` client of one server over a connection of the gate's; tries nothing twice by itself."""

    def __init__(self, network: Network, base_url: str, openai: AsyncOpenAI, http: httpx2.AsyncClient) -> None:
        self._network = network
        self._openai = openai
        self._http = http
        self._base_url = base_url
        headers = {
            name: value
            for name, value in (openai.default_headers | openai.auth_headers).items()
            if isinstance(value, str) and not name.startswith("X-Stainless-")  # which system this is
        }
        if "api-version=" in base_url:  # Azure
            headers["api-key"] = openai.api_key
        headers["Accept"] = "text/event-stream, application/json"
        headers["Content-Type"] = "application/json"
        headers["Accept-Encoding"] = "identity"  # compressing deltas delays them
        question = http.build_request("POST", url_below(base_url, "chat/completions"), headers=headers)
        del question.headers["Content-Length"]
        self._chat = question.url, question.headers, question.extensions
        self._has_answered = False
        self._is_kept = False
        """The last answer was read to its end, so that the next question goes over the same connection."""

    @contextlib.asynccontextmanager
    async def post_chat(self, body: Mapping[str, Any]) -> AsyncIterator[httpx2.Response]:
        """Ask for a completion; the response of whatever status is open, its head read. Raises what
        ``httpx2`` raises. A kept connection that turns out to be dead costs no try: it is asked again over a new one.

        The address and the headers are the client's; the request is not made by it. Its ``create`` walks
        through all messages by their type hints, which takes longer than a whole reply once the talk has some
        length, and its ``post`` still costs more than sending does.
        """
        request = self._new_request(body)
        was_kept, self._is_kept = self._is_kept, False
        try:
            response = await self._http.send(request, stream=True)
        except Exception as error:
            if not (was_kept and _is_dead_connection(error)):
                raise
            response = await self._http.send(request, stream=True)
        self._has_answered = True
        try:
            yield response
            self._is_kept = response.is_closed
        finally:
            await response.aclose()

    def _new_request(self, body: Mapping[str, Any]) -> httpx2.Request:
        """What ``build_request`` would make, without reading the address and merging the headers anew each time."""
        import httpx2

        url, headers, extensions = self._chat
        return httpx2.Request("POST", url, headers=headers, content=dump_json(body), extensions=extensions)

    async def connect_ahead(self, timeout_s: float) -> None:
        """Have a connection ready for the first request, if the server can be reached; fails silently.

        Plain HTTP servers are near, where this would save nothing.
        """
        if self._openai.base_url.scheme == "https":
            import httpx2

            with contextlib.suppress(httpx2.HTTPError, OSError, NekoError):
                async with asyncio.timeout(timeout_s):
                    await self._http.head(url_below(self._base_url, "models"))

    async def other_scheme(self) -> str:
        """ "http" where https got no answer and http does, "https" the other way round, else "".

        A server that has never answered may just not say so. Nothing but a look at its root is sent, without the key.
        """
        import httpx2

        parts = urlsplit(self._base_url)
        if self._has_answered:
            return ""
        with contextlib.suppress(httpx2.HTTPError, OSError, NekoError):
            if parts.scheme == "http":
                place = parts.hostname or "", parts.port or 80
                return "https" if await self._network.is_listening("model", *place, _PROBE_TIMEOUT_S, tls=True) else ""
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                await self._http.head(f"http://{shown_host(self._base_url)}/", follow_redirects=False)
                return "http"
        return ""

    async def aclose(self) -> None:
        await self._http.aclose()


def _is_dead_connection(error: Exception) -> bool:
    """Whether a connection broke before there was any answer, other than at its opening."""
    import httpx2

    return isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError | httpx2.CloseError)


async def open_client(network: Network, endpoint: ModelEndpoint, timeouts: Timeouts) -> ProviderClient:
    """A client for the server and key of ``endpoint``; nothing is sent. Raises ``NekoError``."""
    errors = ProviderErrors.of(endpoint)
    errors.check(endpoint.base_url, endpoint.api_key)
    try:
        http = await network.http_client(
            "model",
            endpoint.base_url,
            connect_timeout_s=timeouts.connect_timeout_s,
            follow_redirects=endpoint.base_url.startswith("https:"),
        )
        return await in_thread(_make_client, network, endpoint, http)
    except Exception as error:
        raise errors.from_exception(error) from error


def _make_client(network: Network, endpoint: ModelEndpoint, http: httpx2.AsyncClient) -> ProviderClient:
    """Blocks: the library is loaded at its first use, and it asks the system for what its headers say."""
    _load_openai()
    from openai import AsyncOpenAI

    key = endpoint.api_key or "none"  # the client insists on one; servers without keys ignore it
    client = AsyncOpenAI(api_key=key, base_url=endpoint.base_url, http_client=http, max_retries=0)
    if client.base_url.host != "api.openai.com":
        client.organization = client.project = None
    return ProviderClient(network, endpoint.base_url, client, http)


@functools.cache
def _load_openai() -> None:
    """Blocks."""
    import openai  # noqa: F401

    spare_collector()
