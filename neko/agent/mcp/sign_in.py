"""Signing in to MCP servers with OAuth (MCP, authorization). The SDK does the protocol; here is what is kept of it, and
how the user comes into it: a page of theirs opens the address, and the way back leads to a route of ours.

``mcp_sign_ins.json`` holds by the server's address what the SDK keeps: tokens, and how we are registered there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from neko.storage import OnFault, is_object, log_fault, read_again, read_document, write_json
from neko.tasks import in_thread
from neko.tool_errors import ToolServerError

if TYPE_CHECKING:
    from mcp.client.auth import OAuthClientProvider
    from mcp.client.auth.oauth2 import OAuthContext
    from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthToken

SIGN_INS_FILE: Final = "mcp_sign_ins.json"
SIGN_IN_S: Final = 300.0
"""Seconds in which the user has to be back."""
ADDRESS_S: Final = 30.0
"""Seconds for a server to say where one signs in."""
CALLBACK: Final = "/api/mcp/signed_in"
_TOKENS: Final = "tokens"
_CLIENT: Final = "client"
_SECRETS: Final = ("access_token", "refresh_token", "client_secret")
_REDIRECT: Final = "redirect"
_ENDS: Final = "ends"
_METADATA: Final = "metadata"
_RESOURCE: Final = "resource"


class SignIns:
    """What is kept of all servers. ``load`` reads the file, and blocks."""

    def __init__(self, path: Path, on_fault: OnFault = log_fault) -> None:
        self._path = path
        self._on_fault = on_fault
        self._kept: dict[str, Any] = {}
        self._changing = asyncio.Lock()
        self._waiting: dict[str, SignIn] = {}

    def load(self) -> None:
        self._kept = read_document(self._path, {}, is_object, self._on_fault)

    def has(self, url: str) -> bool:
        """Has the user signed in there?"""
        return bool(self.of(url).get(_TOKENS))

    def secrets(self) -> frozenset[str]:
        """All that lets somebody in."""
        kept = (one.get(part) for url in self._kept for one in (self.of(url),) for part in (_TOKENS, _CLIENT))
        tables = (one for one in kept if isinstance(one, dict))
        return frozenset(str(table[name]) for table in tables for name in _SECRETS if table.get(name))

    def of(self, url: str) -> Mapping[str, Any]:
        kept = self._kept.get(url)
        return kept if isinstance(kept, dict) else {}

    async def keep(self, url: str, **changes: Any) -> None:
        """Keep what is said of a server; None takes it away."""
        async with self._changing:
            kept = {key: value for key, value in {**self.of(url), **changes}.items() if value is not None}
            self._kept = await in_thread(self._stored, url, kept)

    async def forget(self, url: str) -> None:
        """The user is signed out there, as far as we are concerned."""
        async with self._changing:
            if url in self._kept:
                self._kept = await in_thread(self._stored, url, {})

    def unattended(self, name: str, url: str) -> OAuthClientProvider:
        """For a connection with nobody there: a sign-in that has run out is a fault."""

        async def nobody(_address: str = "") -> Any:
            raise ToolServerError("sign_in", "the sign-in has run out", name=name)

        from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata

        kept = self.of(url)
        provider = _provider(url, str(kept.get(_REDIRECT) or ""), _Kept(self, url), nobody, nobody)
        context, ends = provider.context, kept.get(_ENDS)
        context.token_expiry_time = float(ends) if isinstance(ends, int | float) else None
        context.oauth_metadata = _read(OAuthMetadata, kept.get(_METADATA))
        context.protected_resource_metadata = _read(ProtectedResourceMetadata, kept.get(_RESOURCE))
        return provider

    def begin(self, name: str, url: str, redirect: str) -> SignIn:
        """A sign-in with the user there, who comes back to ``redirect``."""
        return SignIn(self, name, url, redirect)

    def came_back(self, state: str, code: str, issuer: str | None, error: str) -> SignIn | None:
        """The user is back with a code, or with an ``error``; None when nobody waits for this ``state``."""
        sign_in = self._waiting.pop(state, None)
        if sign_in:
            sign_in.answer(state, code, issuer, error)
        return sign_in

    def _stored(self, url: str, kept: dict[str, Any]) -> dict[str, Any]:
        document = read_again(self._path, self._kept, is_object, self._on_fault)
        rest = {key: value for key, value in document.items() if key != url}
        changed = {**rest, url: kept} if kept else rest
        write_json(self._path, changed)
        return changed

    def await_return(self, state: str, sign_in: SignIn) -> None:
        self._waiting[state] = sign_in

    def give_up(self, sign_in: SignIn) -> None:
        self._waiting = {state: one for state, one in self._waiting.items() if one is not sign_in}


@dataclass(slots=True, eq=False)
class SignIn:
    """One sign-in: ``auth`` is for the connection that it is made with, ``address`` where the user signs in."""

    sign_ins: SignIns
    name: str
    url: str
    redirect: str
    address: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    _code: asyncio.Future[tuple[str, str, str | None]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def auth(self) -> OAuthClientProvider:
        kept = _Kept(self.sign_ins, self.url, self.redirect)
        return _provider(self.url, self.redirect, kept, self._to_page, self._code_of_page)

    def answer(self, state: str, code: str, issuer: str | None, error: str) -> None:
        if self._code.done():
            return
        if error or not code:
            self._code.set_exception(ToolServerError("denied", error[:200] or "no code", name=self.name))
        else:
            self._code.set_result((state, code, issuer))

    def close(self) -> None:
        self.sign_ins.give_up(self)
        for one in (self.address, self._code):
            one.cancel()

    async def _to_page(self, address: str) -> None:
        if urlsplit(address).scheme not in ("http", "https"):
            raise ToolServerError("bad_address", "it sends the user to no page", name=self.name, url=address[:200])
        state = next(iter(parse_qs(urlsplit(address).query).get("state", ())), "")
        self.sign_ins.await_return(state, self)
        if not self.address.done():
            self.address.set_result(address)

    async def _code_of_page(self) -> AuthorizationCodeResult:
        from mcp.shared.auth import AuthorizationCodeResult

        state, code, issuer = await self._code
        return AuthorizationCodeResult(code=code, state=state, iss=issuer)


class _Kept:
    """The SDK's ``TokenStorage``. A registration for another way back than ``redirect`` is none."""

    context: OAuthContext

    def __init__(self, sign_ins: SignIns, url: str, redirect: str = "") -> None:
        self._sign_ins = sign_ins
        self._url = url
        self._redirect = redirect

    async def get_tokens(self) -> OAuthToken | None:
        from mcp.shared.auth import OAuthToken

        if self._redirect:  # the user signs in anew
            return None
        tokens: OAuthToken | None = _read(OAuthToken, self._sign_ins.of(self._url).get(_TOKENS))
        return tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """With what the SDK needs to renew them after a restart, and forgets: until when they are good, and where."""
        ends = time.time() + tokens.expires_in if tokens.expires_in is not None else None
        found = {
            _TOKENS: tokens,
            _METADATA: self.context.oauth_metadata,
            _RESOURCE: self.context.protected_resource_metadata,
        }
        told = {key: one.model_dump(mode="json", exclude_none=True) if one else None for key, one in found.items()}
        await self._sign_ins.keep(self._url, **told, **{_ENDS: ends})

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        from mcp.shared.auth import OAuthClientInformationFull

        kept = self._sign_ins.of(self._url)
        if self._redirect and kept.get(_REDIRECT) != self._redirect:
            return None
        client: OAuthClientInformationFull | None = _read(OAuthClientInformationFull, kept.get(_CLIENT))
        return client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        dumped = client_info.model_dump(mode="json", exclude_none=True)
        await self._sign_ins.keep(self._url, **{_CLIENT: dumped, _REDIRECT: self._redirect or None})


def _read(kind: Any, kept: Any) -> Any:
    """None for what is not kept, or was damaged by hand."""
    try:
        return kind.model_validate(kept) if kept else None
    except ValueError:
        return None


def _provider(
    url: str,
    redirect: str,
    kept: _Kept,
    to_page: Callable[[str], Awaitable[None]],
    code_of_page: Callable[[], Awaitable[AuthorizationCodeResult]],
) -> OAuthClientProvider:
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import OAuthClientMetadata

    metadata = OAuthClientMetadata.model_validate(
        {
            "client_name": "Neko",
            "redirect_uris": [redirect or f"http://127.0.0.1{CALLBACK}"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
    )
    provider = OAuthClientProvider(url, metadata, kept, redirect_handler=to_page, callback_handler=code_of_page)
    kept.context = provider.context
    return provider
