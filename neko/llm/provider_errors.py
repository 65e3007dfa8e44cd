"""Provider failures, told apart: what the wire raises and the server answers becomes the ``ModelError`` tree."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from neko.errors import (
    ModelAddressError,
    ModelError,
    ModelHostUnknownError,
    ModelKeyLetterError,
    ModelRedirectedError,
    ModelSchemeError,
    ModelSilentError,
    ModelStreamBrokenError,
    ModelTimeoutError,
    ModelTLSError,
    ModelUnreachableError,
    ModelWebPageError,
    NekoError,
)
from neko.llm.error_kinds import Refusal, error_for, finish_error
from neko.llm.retry_after import retry_hint
from neko.providers import ModelEndpoint
from neko.providers.addresses import is_web_address
from neko.providers.error_body import clean, decoded_body, read_error, without_key
from neko.settings.pasted import odd_character

if TYPE_CHECKING:
    import httpx2

_NOTHING: Mapping[str, Any] = {}
_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class ProviderErrors:
    """Makes the errors of one endpoint; ``model`` and ``provider`` are the names the user knows.

    ``key``, the one in use, is masked in whatever the provider says. ``in_call``: the model answers calls.
    """

    model: str
    provider: str
    key: str = ""
    in_call: bool = False

    @classmethod
    def of(cls, endpoint: ModelEndpoint, *, in_call: bool = False) -> ProviderErrors:
        return cls(endpoint.model, endpoint.provider_name, endpoint.api_key, in_call)

    def make(
        self, kind: type[ModelError], note: str = "", /, *, said: str = "", **params: str | int | float
    ) -> ModelError:
        """``note`` is for logs, ``said`` the provider's own words; ``params`` are for the user's sentence."""
        return self._named(kind(note, **params), said)

    def check(self, base_url: str, key: str) -> None:
        """Raises the error for an address or a key that no request can carry."""
        if not is_web_address(base_url):
            raise self.make(ModelAddressError, "no address")
        if (odd := odd_character(key)) is not None:
            raise self._named(ModelKeyLetterError("not a key", **odd), "")

    def timeout(self, seconds: float, *, has_words: bool = True) -> ModelError:
        """For silence of so many seconds, in the middle of a reply or before its first word."""
        kind = ModelTimeoutError if has_words else ModelSilentError
        return self.make(kind, f"silent for {seconds:g} s", seconds=round(seconds))

    def from_exception(self, error: Exception) -> NekoError:
        """For what the client, the socket or the decoding of the stream raised; an error of ours stays itself."""
        import httpx2

        if isinstance(error, NekoError):
            return error
        name = type(error).__name__
        if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol | OverflowError):
            return self.make(ModelAddressError, name)
        if isinstance(error, httpx2.TooManyRedirects):
            return self.make(ModelRedirectedError, name, place=_place(error.request.url.host))
        for cause in _causes(error):
            if (found := self._by_cause(cause, _host(error))) is not None:
                return found
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError | OSError):
            return self.make(ModelUnreachableError, name)
        if isinstance(error, httpx2.TimeoutException):
            return self.make(ModelTimeoutError, name, seconds=0)
        return self.make(ModelStreamBrokenError, name)

    def from_opening(self, error: ConnectionError, host: str) -> ModelError:
        """For a WebSocket at this host that could not be opened, without an answer."""
        for cause in _causes(error):
            if (found := self._by_cause(cause, host)) is not None:
                return found
        return self.make(ModelUnreachableError, str(error))

    def from_response(self, response: httpx2.Response, raw: bytes, request: Mapping[str, Any] = _NOTHING) -> ModelError:
        """For an answer that is not 200, with its body (as much as was read) and the body that it answers."""
        location = response.headers.get("location", "")
        if 300 <= response.status_code < 400 and location:
            return self.redirected(str(response.url.join(location)))
        return self.from_status(response.status_code, decoded_body(raw), request, response.headers)

    def from_status(
        self,
        status: int,
        body: object,
        request: Mapping[str, Any] = _NOTHING,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> ModelError:
        """For an HTTP status with the provider's own words."""
        return self._judged(status, body, request, retry_hint(headers, body))

    def from_answer(self, body: object, request: Mapping[str, Any] = _NOTHING) -> ModelError:
        """For an error told inside a good answer (HTTP 200), whole or in mid-stream."""
        return self._judged(None, body, request, retry_hint(_NO_HEADERS, body))

    def from_finish(self, reason: str) -> ModelError | None:
        """For a ``finish_reason``; None when it says nothing bad."""
        kind = finish_error(reason)
        return None if kind is None else self.make(kind, f"finish_reason {clean(reason)[:40]}")

    def redirected(self, url: str) -> ModelError:
        """For an answer that sends elsewhere, or that came from there without having been asked."""
        return self.make(ModelRedirectedError, "elsewhere", place=_place(url))

    def web_page(self, raw: bytes) -> ModelError:
        """For a page in place of a reply."""
        return self.make(ModelWebPageError, "a web page", said=read_error(raw.decode("utf-8", "replace")).said)

    def _judged(self, status: int | None, body: object, request: Mapping[str, Any], hint: float | None) -> ModelError:
        read = read_error(body)
        return self._named(error_for(Refusal(status, read, request, self.model, hint)), read.said)

    def _named(self, error: ModelError, said: str) -> ModelError:
        error.params = {"model": self.model or self.provider, "provider": self.provider, **error.params}
        error.said = clean(without_key(said, self.key), keep=self.model)
        error.in_call = self.in_call
        return error

    def _by_cause(self, cause: BaseException, host: str) -> ModelError | None:
        """For what lies below the failure of a connection to this host."""
        name = type(cause).__name__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return self.make(ModelTLSError, name, said=cause.verify_message or "")
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            speaks_http = cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
            return self.make(ModelSchemeError, name, scheme="http") if speaks_http else self.make(ModelTLSError, name)
        if isinstance(cause, socket.gaierror):
            return self.make(ModelHostUnknownError, name, host=host)
        if "\\x15\\x03" in str(cause):  # a TLS alert where the head of an answer should be
            return self.make(ModelSchemeError, name, scheme="https")
        return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came from, groups opened."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__, cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions


def _host(error: Exception) -> str:
    request = getattr(error, "_request", None)
    return request.url.host if request is not None else ""


def _place(url: str) -> str:
    """An address as far as it may be shown: without account, query and fragment."""
    parts = urlsplit(url)
    return clean(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else url)
