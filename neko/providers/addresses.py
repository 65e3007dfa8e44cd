"""Addresses of OpenAI-compatible servers, from whatever a user pastes."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from neko.settings.loopback import is_near

_ENDINGS: Final = (
    *("/chat/completions", "/completions", "/responses", "/embeddings", "/models"),
    *("/audio/speech", "/audio/transcriptions"),
)
_OLLAMA_OWN: Final = ("/api", "/api/chat", "/api/generate", "/api/tags")


def normalise_base_url(url: str) -> str:
    """The base URL of an OpenAI-compatible server, from whatever a user pastes.

    Completes the scheme (http for this machine and private addresses, else https) and a missing
    ``/v1``; drops trailing slashes, query, and the path of a single call. An address with a path of
    its own keeps it. Blank stays blank; text that is no URL at all comes back as it is.
    """
    text = url.strip()
    if not text:
        return ""
    if "://" not in text:
        text = f"{'http' if _is_near_address(text) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return url.strip()
    path = parts.path.rstrip("/")
    for ending in _ENDINGS:
        if path.endswith(ending):
            path = path.removesuffix(ending).rstrip("/")
            break
    if not path or (port == 11434 and path in _OLLAMA_OWN):
        path = "/v1"
    login, at, server = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme.lower(), f"{login}{at}{server.lower()}", path, "", ""))


def host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_near_address(address: str) -> bool:
    """Whether an address without a scheme is on this machine or in a private network."""
    host = address.split("/")[0]
    host = host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.split(":")[0]
    return is_near(host)


def is_web_address(address: str) -> bool:
    """Whether this is an http or https address with a host that can be one."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and bool(host) and not any(map(str.isspace, host))
