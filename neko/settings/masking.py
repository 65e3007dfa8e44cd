"""Secrets never leave the server whole: what a page gets in their place, and how it comes back."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from neko.errors import SettingError

_MARK = "…"
PUBLIC = "free-access"
"""What stands for a key where none is needed."""
_LONG = 16
_SECRET_FIELD = re.compile(r"((?:^|&)(?:[\w-]*key|[\w-]*token|code|sig|secret|password)=)[^&]+", re.IGNORECASE)
"""In the query of a URL."""

_ACCOUNT = re.compile(
    r"(?P<scheme>(?>(?:[a-z][a-z0-9+.-]*:)?//|))"
    r"(?:(?P<authority>[^/?#]*)|[^/?#:]*:(?P<port>[^/?#]*)[/?#].*)@",
    re.IGNORECASE | re.DOTALL,
)
"""What stands before the host: all up to the last ``@`` of the authority, or of the text if it holds none."""


def masked(secret: Any) -> str:
    """``sk-…abcd`` for a long secret, a bare ``…`` for a short one, nothing for none."""
    text = str(secret or "").strip()
    if not text or text == PUBLIC:
        return text
    return f"{text[:3]}{_MARK}{text[-4:]}" if len(text) >= _LONG else _MARK


def masked_url(url: Any) -> str:
    """A URL without the password or the key that it may carry.

    A password that was not percent-encoded may hold what ends an authority (``/``, ``?``, ``#``); then what stands
    before it looks like a host with a port that is none.
    """
    text = str(url or "")
    match = _ACCOUNT.match(text)
    if match and (match["authority"] or not match["port"].isdecimal()):
        text = f"{match['scheme']}{_MARK}@{text[match.end() :]}"
    if "=" not in text:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return _MARK
    return urlunsplit(parts._replace(query=_SECRET_FIELD.sub(rf"\1{_MARK}", parts.query)))


def came_back(sent: str, url: str) -> bool:
    """Whether an address came back as it was shown. Raises ``SettingError`` for one that was changed in part."""
    if not is_masked(sent):
        return False
    if sent.strip() != masked_url(url):
        raise SettingError("bad_address", "The address is shown without its password: enter all of it again.")
    return True


def is_masked(value: str) -> bool:
    """Whether a value came back as it was shown, meaning "unchanged". No real key holds the mark."""
    return _MARK in value
