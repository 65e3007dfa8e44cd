"""Provider failures, told apart: what the wire raises and the server answers becomes the ``ModelError`` tree."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neko.errors import (
    ModelBadRequestError,
    ModelError,
    ModelKeyRefusedError,
    ModelNotFoundError,
    ModelOutOfCreditError,
    ModelRateLimitedError,
    ModelServerError,
    ModelSilentError,
    ModelStreamBrokenError,
    ModelTimeoutError,
    ModelUnreachableError,
    NekoError,
)

_BILLING = re.compile(
    r"insufficient[_ ](quota|balance|funds|credit)|billing|arrear|good standing|out of credit|not enough credit"
    r"|exceeded_current_quota|account.{0,30}(suspended|overdue|deactivated)|欠费|余额不足|充值",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"(invalid|incorrect|wrong|missing|no).{0,20}api[ _-]?key|api[ _-]?key.{0,20}(invalid|not valid)", re.IGNORECASE
)
_NO_MODEL = re.compile(
    r"model_not_found|model.{0,80}(not found|does ?n.t exist|not exist|not supported)|unknown model", re.IGNORECASE
)
_SECRET = re.compile(r"\b(sk|key|tok)[-_][\w*.-]{6,}|\b[A-Za-z0-9_*-]{32,}\b|Bearer \S+")


@dataclass(frozen=True, slots=True)
class ProviderErrors:
    """Makes the errors of one endpoint; ``model`` and ``provider`` are the names the user knows."""

    model: str
    provider: str

    def make(self, kind: type[ModelError], note: str = "", /, **params: str | int | float) -> ModelError:
        """``note`` is for logs; ``params`` are for the sentence that the user reads."""
        error = kind(note, model=self.model, provider=self.provider)
        error.params.update(params)
        return error

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
        if isinstance(
            error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError | httpx2.UnsupportedProtocol
        ):
            return self.make(ModelUnreachableError, name)
        if isinstance(error, httpx2.TimeoutException):
            return self.make(ModelTimeoutError, name, seconds=0)
        if isinstance(error, UnicodeEncodeError | httpx2.LocalProtocolError):
            return self.make(ModelKeyRefusedError, name, detail="")
        if isinstance(error, httpx2.InvalidURL):
            return self.make(ModelBadRequestError, name, detail="URL")
        if isinstance(error, OSError):
            return self.make(ModelUnreachableError, name)
        return self.make(ModelStreamBrokenError, name)

    def from_status(self, status: int, body: object, hint: float | None = None) -> ModelError:
        """For an HTTP status with the provider's own words; ``hint`` is its wish when to try again."""
        words = _words(body)
        detail = _clean(words)
        if status == 402 or (400 <= status < 500 and self._is_billing(status, words, hint)):
            return self.make(ModelOutOfCreditError, f"status {status}", detail=detail)
        if status == 429:
            seconds = {} if hint is None else {"seconds": round(hint, 1)}
            return self.make(ModelRateLimitedError, f"status {status}", detail=detail, **seconds)
        if status == 404 or (400 <= status < 500 and status != 401 and _NO_MODEL.search(words)):
            return self.make(ModelNotFoundError, f"status {status}", detail=detail)
        if status in (401, 403) or (status == 400 and _KEY.search(words)):
            return self.make(ModelKeyRefusedError, f"status {status}", detail=detail)
        if status == 408:
            return self.make(ModelTimeoutError, f"status {status}", seconds=0)
        kind = ModelServerError if status >= 500 else ModelBadRequestError
        seconds = {} if hint is None else {"seconds": round(hint, 1)}
        return self.make(kind, f"status {status}", detail=detail, status=status, **seconds)

    def from_stream(self, error: object) -> ModelError:
        """For an error object sent inside a stream that began well."""
        code = error.get("code") if isinstance(error, Mapping) else None
        words = _words(error)
        if isinstance(code, int) and 400 <= code < 600:
            return self.from_status(code, error)
        if _BILLING.search(words):
            return self.from_status(402, error)
        if re.search(r"rate.?limit|overloaded|too many requests", words, re.IGNORECASE):
            return self.from_status(429, error)
        return self.from_status(500, error)

    @staticmethod
    def _is_billing(status: int, words: str, hint: float | None) -> bool:
        if status == 429 and hint is not None and "insufficient_quota" not in words:
            return False
        return _BILLING.search(words) is not None


def decoded_body(raw: bytes) -> object:
    """The body of an error answer: JSON, else the beginning of its text."""
    try:
        return json.loads(raw)
    except ValueError:
        return raw[:500].decode("utf-8", "replace")


def _words(body: object) -> str:
    """The code, type and message of an OpenAI-shaped error body, or what text there is."""
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
        body = body["error"]
    if isinstance(body, Mapping):
        parts: list[Any] = [body.get(key) for key in ("code", "type", "status", "message", "error", "detail")]
        return " ".join(str(part) for part in parts if part)
    return str(body or "")


def _clean(words: str) -> str:
    """Short, on one line, without anything that looks like a secret."""
    return " ".join(_SECRET.sub("***", words).split())[:200]
