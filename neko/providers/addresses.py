"""Addresses of OpenAI-compatible servers, from whatever a user pastes."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from neko.settings import is_loopback, is_near
from neko.settings.masking import masked_url
from neko.settings.pasted import QUOTES, plain

_ENDINGS: Final = (
    *("/chat/completions", "/completions", "/responses", "/embeddings", "/models"),
    *("/audio/speech", "/audio/transcriptions", "/realtime"),
)
_OLLAMA_OWN: Final = ("/api", "/api/chat", "/api/generate", "/api/tags")
_AZURE: Final = ".openai.azure.com"
_ADDRESS: Final = re.compile(r"(?:https?|wss?)://[^\s\"'<>]+", re.IGNORECASE)
_LINK: Final = re.compile(r"\[[^\[\]]*\]\(\s*<?(?P<address>[^\s()<>]++)>?[^()]*+\)")
"""A link as Markdown writes it: https://spec.commonmark.org/0.31.2/#inline-link"""
_NAME: Final = re.compile(r"(?:export\s+|set\s+)?[A-Z_]+\s*=\s*[\"']?")
_LAST_DOT: Final = re.compile(r"(?<=localhost)\.(?=:|$)")
"""The name of the root, which not every system takes after a name that it knows by itself."""
_ANY_HOST: Final = re.compile(r"^0\.0\.0\.0(?=:|$)")
_SCHEME: Final = re.compile(
    r"(https?|wss?)(?:[:;][/\\]+|[/\\]{2,})(?:(https?|wss?)[:;]?[/\\]{2,})*|(https?):(?=[^/\\])", re.IGNORECASE
)
_AS_HTTP: Final = {"ws": "http", "wss": "https"}
"""A chat request goes over HTTP to where the WebSocket of the same server would."""
_SLASHES: Final = re.compile(r"(?<!:)//+")


def normalise_base_url(url: str) -> str:
    """The base URL of an OpenAI-compatible server, from whatever a user pastes.

    Completes the scheme (http for this machine and private networks, else https) and a missing ``/v1``; drops
    trailing slashes, the fragment, and the path of a single call. An address with a path of its own keeps it, and so
    does one with a query (Azure's ``?api-version=``): ``url_below`` makes the address of a call. Blank stays blank;
    text that is no URL at all comes back as it is.
    """
    text = _tidied(url)
    if not text:
        return ""
    if "://" not in text:
        text = f"{'http' if is_near(host_of(f'//{text}')) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return url.strip()
    login, at, server = parts.netloc.rpartition("@")
    if not server:
        return url.strip()
    server = _ANY_HOST.sub("127.0.0.1", _LAST_DOT.sub("", server.lower()))
    path = _base_path(_SLASHES.sub("/", parts.path).rstrip(f"/. {QUOTES}"), server)
    return urlunsplit((parts.scheme.lower(), f"{login}{at}{server}", path, parts.query.rstrip(f". {QUOTES}"), ""))


def url_below(base_url: str, path: str) -> str:
    """The address of a call of the server, the query of its base URL kept."""
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{path}"))


def shown_host(url: str) -> str:
    """Host and port of an address, as it may be shown: without the account."""
    try:
        return urlsplit(masked_url(url)).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _tidied(text: str) -> str:
    """An address in ordinary letters, without what stood around it."""
    text = plain(text)
    if name := _NAME.match(text):
        text = text[name.end() :]
    if link := _LINK.search(text):
        text = plain(link["address"])
    elif (found := _ADDRESS.search(text)) and found.start() > 0:
        text = plain(found[0] if "(" in found[0] else found[0].rstrip(")."))
    text = "".join(text.splitlines()).rstrip(".")
    if scheme := _SCHEME.match(text):
        spoken = (scheme[2] or scheme[1] or scheme[3]).lower()
        text = f"{_AS_HTTP.get(spoken, spoken)}://{text[scheme.end() :]}"
    text = text.replace("\\", "/")
    return f"127.0.0.1{text}" if re.match(r":\d", text) else text


def _base_path(path: str, server: str) -> str:
    for ending in _ENDINGS:
        if path.endswith(ending):
            path = path.removesuffix(ending).rstrip("/")
            break
    path = path.replace("/v1/v1", "/v1")
    if path and not (server.endswith(":11434") and path in _OLLAMA_OWN):
        return path
    return "/openai/v1" if server.endswith(_AZURE) else "/v1"


def socket_address(address: str) -> str:
    """The address of a WebSocket that somebody wrote as that of a page, or without a scheme."""
    scheme, there, rest = address.strip().partition("://")
    if not there:
        return f"{'ws' if is_loopback(host_of(f'ws://{scheme}')) else 'wss'}://{scheme}"
    kind = {"http": "ws", "https": "wss"}.get(scheme.lower(), scheme)
    return f"{kind}://{rest}"


def is_web_address(address: str) -> bool:
    """Whether this is an http or https address with a host that can be one."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and bool(host) and not any(map(str.isspace, host))
