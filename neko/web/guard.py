"""The trust boundary in front of every request and every WebSocket.

``Host`` must be ours; ``Origin``, where a browser sends one, must be ours on every write and
every WebSocket; a server that others can reach asks for its token. Every answer leaves with the
headers that keep a browser from doing more than the page needs; a page may state its own policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from neko.web.allowed_hosts import AllowedHosts, same_origin
from neko.web.content_policy import STRICT
from neko.web.failed_tries import FailedTries
from neko.web.plain_answers import plain_failure
from neko.web.token_auth import TokenAuth


@dataclass(frozen=True, slots=True)
class _Failure:
    error: str
    code: str
    remedy: str = ""

    def answer(self, status: int, headers: Mapping[str, str] | None = None) -> Response:
        return plain_failure(self.error, self.code, self.remedy, status, headers)


_READS = ("GET", "HEAD", "OPTIONS")
_POLICY_VIOLATION = 1008

_FOREIGN_HOST = _Failure(
    error="This address is not one that Neko answers to.",
    code="foreign_host",
    remedy="Open Neko by localhost or its own address, or add the name to NEKO_ALLOWED_HOSTS.",
)
_FOREIGN_ORIGIN = _Failure(
    error="The request comes from another site, and Neko takes changes only from its own page.",
    code="foreign_origin",
)
_NO_TOKEN = _Failure(
    error="This Neko asks for its token.",
    code="token_needed",
    remedy="Open the address with ?token=… at its end, or send Authorization: Bearer.",
)
_TOO_MANY_TRIES = _Failure(
    error="Too many wrong tokens came from where you are.",
    code="too_many_tries",
    remedy="Wait a little, then try again with the right one.",
)
_CHALLENGE = {"www-authenticate": "Bearer"}


class Guard:
    """ASGI middleware. Without ``access`` whoever may connect may use it."""

    def __init__(self, app: ASGIApp, *, hosts: AllowedHosts, access: TokenAuth | None) -> None:
        self.app = app
        self._hosts = hosts
        self._access = access
        self._tries = FailedTries()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        refusal = await self._refusal(scope, headers, host)
        if scope["type"] == "websocket":
            if refusal:
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "not allowed"})
            else:
                await self.app(scope, receive, send)
            return
        guarded = _with_security_headers(send, host if host in self._hosts else "")
        await (refusal or self.app)(scope, receive, guarded)

    async def _refusal(self, scope: Scope, headers: Headers, host: str) -> Response | None:
        if len(headers.getlist("host")) != 1 or host not in self._hosts:
            return _FOREIGN_HOST.answer(403)
        origin = headers.get("origin")
        writes = scope["type"] == "websocket" or scope["method"] not in _READS
        if writes and origin is not None and not self._is_ours(origin, scope["scheme"], host):
            return _FOREIGN_ORIGIN.answer(403)
        if self._access is None or self._access.has_cookie(headers):
            return None
        return await self._judged(self._access, scope, headers)

    def _is_ours(self, origin: str, scheme: str, host: str) -> bool:
        return same_origin(origin, scheme, host) or self._hosts.added(origin)

    async def _judged(self, access: TokenAuth, scope: Scope, headers: Headers) -> Response | None:
        """Let in who shows the token; whoever guesses is answered late."""
        reads = scope["type"] == "http" and scope["method"] in _READS
        in_headers, in_query = access.in_headers(headers), access.in_query(scope) if reads else None
        if in_headers is None and in_query is None:
            return _stranger(_NO_TOKEN, 401, headers, _CHALLENGE)
        if in_headers or in_query:
            return None if in_headers else access.admit(scope)
        if wait := await self._tries.failed(scope["client"][0] if scope.get("client") else ""):
            return _stranger(_TOO_MANY_TRIES, 429, headers, {"retry-after": str(ceil(wait))})
        return _stranger(_NO_TOKEN, 401, headers, _CHALLENGE)


def _stranger(failure: _Failure, status: int, headers: Headers, more: Mapping[str, str]) -> Response:
    if "text/html" in headers.get("accept", ""):
        return PlainTextResponse(f"{failure.error} {failure.remedy}", status, more)
    return failure.answer(status, more)


def _with_security_headers(send: Send, host: str) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["x-content-type-options"] = "nosniff"
            headers["referrer-policy"] = "no-referrer"
            headers["cross-origin-resource-policy"] = "same-origin"
            headers.setdefault("content-security-policy", STRICT.header(host))
        await send(message)

    return guarded
