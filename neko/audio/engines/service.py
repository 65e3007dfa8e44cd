"""What all speech services share: who is asked, how long is waited, and what went wrong, as an error to be told."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from neko.errors import ModelKeyLetterError, NekoError, SpeechError
from neko.net import Network, WebSocketClosedError, WebSocketRefusedError
from neko.providers.error_body import decoded_body, read_error, without_key
from neko.proxies import ProxyRules
from neko.settings import is_near
from neko.settings.pasted import odd_character
from neko.speech_errors import (
    SpeechCutError,
    SpeechKeyRefusedError,
    SpeechRefusedError,
    SpeechSilentError,
    SpeechUnreadableError,
)
from neko.tasks import in_thread

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

PURPOSE: Final = "speech"
CONNECT_TIMEOUT_S: Final = 5.0
BETWEEN_PIECES_TIMEOUT_S: Final = 20.0
_FIRST_SOUND_TIMEOUT_S: Final = 30.0
_FIRST_SOUND_NEAR_TIMEOUT_S: Final = 120.0
"""A server of one's own loads its model first, and may send nothing before a sentence is whole."""
_FETCH_TIMEOUT_S: Final = 10.0
_LONGEST_REFUSAL: Final = 16_384
_KEY_REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class SpeechServer:
    """Where a service is: ``name`` is shown to the user, ``url`` its base; not every service has a model or a key."""

    name: str
    url: str
    model: str = ""
    key: str = field(default="", repr=False)

    @property
    def patience_s(self) -> float:
        """How long the first sound is waited for."""
        is_own = is_near(urlsplit(self.url).hostname or "")
        return _FIRST_SOUND_NEAR_TIMEOUT_S if is_own else _FIRST_SOUND_TIMEOUT_S

    @property
    def who(self) -> dict[str, str]:
        """The ``params`` of its errors."""
        return {"engine": self.name, "model": self.model}

    def authorization(self) -> dict[str, str]:
        """The header with the key; raises ``ModelKeyLetterError`` for a key that no header can carry."""
        if (odd := odd_character(self.key)) is not None:
            raise ModelKeyLetterError("not a key", provider=self.name, **self.who, **odd)
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def refused(self, status: int, words: bytes | str) -> SpeechRefusedError:
        """It answered with an error: ``words`` is all that it said, JSON or text."""
        body = decoded_body(words) if isinstance(words, bytes) else words
        kind = SpeechKeyRefusedError if status in _KEY_REFUSED else SpeechRefusedError
        error = kind(f"the speech server answered {status}", **self.who, status=status, provider=self.name)
        error.said = without_key(read_error(body).said, self.key) or f"HTTP {status}"
        return error

    def closed(self) -> SpeechError:
        """Its engine is closed."""
        return SpeechError("the voice is closed", **self.who)

    def told(self, error: Exception) -> NekoError:
        """What ``error`` means to the user."""
        if isinstance(error, SpeechUnreadableError):
            return SpeechUnreadableError(f"the speech server sent {error}", **self.who)
        if isinstance(error, NekoError):
            return error
        if isinstance(error, WebSocketRefusedError) and error.status:
            return self.refused(error.status, error.body[:_LONGEST_REFUSAL])
        if isinstance(error, WebSocketClosedError) and error.reason:
            return self.refused(error.code, error.reason)
        if isinstance(error, WebSocketRefusedError | TimeoutError) or _is_connecting(error):
            return SpeechSilentError(f"the speech server does not answer: {type(error).__name__}", **self.who)
        kind = SpeechCutError if isinstance(error, WebSocketClosedError) or _is_transport(error) else SpeechError
        return kind(f"the speech server failed: {type(error).__name__}", **self.who)


def _is_transport(error: Exception) -> bool:
    import httpx2

    return isinstance(error, httpx2.TransportError)


def _is_connecting(error: Exception) -> bool:
    """Whether an HTTP request failed before there was an answer."""
    import httpx2

    return isinstance(error, httpx2.ConnectError | httpx2.TimeoutException)


def deadline(server: SpeechServer, *, started: bool) -> asyncio.Timeout:
    """For the next piece of an answer."""
    return asyncio.timeout(BETWEEN_PIECES_TIMEOUT_S if started else server.patience_s)


class ServiceClient:
    """The HTTP client of one engine, with keep-alive; made at first use, off the loop."""

    def __init__(self, server: SpeechServer, network: Network) -> None:
        self.is_closed = False
        self._server = server
        self._network = network
        self._client: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def client(self) -> httpx2.AsyncClient:
        """Raises ``SpeechError`` once it is closed."""
        async with self._opening:
            if self._client is None and not self.is_closed:
                self._client = await self._network.http_client(
                    PURPOSE,
                    self._server.url,
                    connect_timeout_s=CONNECT_TIMEOUT_S,
                    read_timeout_s=self._server.patience_s,
                )
            if self.is_closed or self._client is None:
                await self.aclose()
                raise self._server.closed()
            return self._client

    async def reach(self) -> None:
        """Load the client, and see whether anything takes connections there; through a proxy nobody can tell.

        Raises ``SpeechError`` when nothing does.
        """
        await self.client()
        url = self._server.url
        if await in_thread(lambda: ProxyRules.read().proxy_for(url)) is not None:
            return
        parts = urlsplit(url)
        tls = parts.scheme in ("https", "wss")
        port = parts.port or (443 if tls else 80)
        is_there = await self._network.is_listening(PURPOSE, parts.hostname or "", port, CONNECT_TIMEOUT_S, tls=tls)
        if not is_there:
            raise SpeechSilentError("nothing takes connections there", **self._server.who)

    async def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON at an address, asked for within a few seconds; raises what ``told`` understands."""
        client = await self.client()
        async with asyncio.timeout(_FETCH_TIMEOUT_S):
            answer = await client.get(url, headers=headers)
        if not answer.is_success:
            raise self._server.refused(answer.status_code, answer.content[:_LONGEST_REFUSAL])
        try:
            return answer.json()
        except ValueError as error:
            raise SpeechUnreadableError("no JSON") from error

    def deadline(self) -> asyncio.Timeout:
        """For an answer to begin."""
        return deadline(self._server, started=False)

    async def next(self, chunks: AsyncIterator[T], *, started: bool) -> T | None:
        """The next piece of an answer, None at its end."""
        async with deadline(self._server, started=started):
            return await anext(chunks, None)

    async def words(self, chunks: AsyncIterator[bytes]) -> bytes:
        """An answer that is an error, as far as it is worth reading."""
        words = b""
        while len(words) < _LONGEST_REFUSAL and (chunk := await self.next(chunks, started=True)) is not None:
            words += chunk
        return words[:_LONGEST_REFUSAL]

    async def aclose(self) -> None:
        """Close every request and connection."""
        self.is_closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def from_base64(text: object) -> bytes:
    """Raises ``SpeechUnreadableError``."""
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SpeechUnreadableError("sound that is no base64") from error
