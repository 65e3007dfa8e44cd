"""The token that opens a server which others on the network can reach.

It comes as ``Authorization: Bearer``, or once as ``?token=`` in the address of a page, which is
answered with a cookie and a redirect, so that it stays out of history and bookmarks. The cookie
holds a value derived from the token, not the token.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from neko.web.mount import mount_path, same_place

_YEAR = 365 * 24 * 3600


class TokenAuth:
    """Knows the token, and who has shown it."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._proof = self._derived("proof")
        self._cookie = f"neko_{self._derived('name')[:8]}"

    def has_cookie(self, headers: Headers) -> bool:
        """Whether the request carries the cookie that was given for the token."""
        shown = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        return hmac.compare_digest(shown.encode(), self._proof.encode())

    def in_headers(self, headers: Headers) -> bool | None:
        """Whether the token they carry is the right one; None when they carry none."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            return None
        sent = token.strip().encode("latin-1")  # the bytes as they came; some clients send what they type as Latin-1
        return self._is_token(sent) or self._is_token(sent.decode("latin-1").encode())

    def in_query(self, scope: Scope) -> bool | None:
        """Whether the token in the address is the right one; None when there is none.

        A ``+`` in it is a plus where somebody typed the token, and a blank where a form wrote it.
        """
        query = scope["query_string"].decode("latin-1")
        pairs = (
            *parse_qsl(query, keep_blank_values=True),
            *parse_qsl(query.replace("+", "%2B"), keep_blank_values=True),
        )
        shown = [value for name, value in pairs if name == "token" and value]
        return any(self._is_token(value.encode()) for value in shown) if shown else None

    def admit(self, scope: Scope) -> Response:
        """The answer to an address that holds the right token: a cookie, and the way on without it."""
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        rest = urlencode([(name, value) for name, value in pairs if name != "token"])
        answer = RedirectResponse(same_place(scope) + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(
            self._cookie,
            self._proof,
            max_age=_YEAR,
            path=mount_path(scope) + "/",
            secure=scope["scheme"] == "https",
            httponly=True,
            samesite="lax",
        )
        return answer

    def _is_token(self, value: bytes) -> bool:
        return hmac.compare_digest(value, self._token)

    def _derived(self, label: str) -> str:
        return hmac.new(self._token, f"neko cookie {label}".encode(), hashlib.sha256).hexdigest()
