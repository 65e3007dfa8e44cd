"""Model servers already running on this machine.

Only loopback is asked, all at once, and by HTTP only where something takes connections: where nothing
listens (the usual case) that costs microseconds and loads nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from neko.errors import NekoError
from neko.llm.model_catalogue import chat_models, fetch_listing, model_ids
from neko.net import Network
from neko.settings import is_loopback
from neko.tasks import together

PORTS: tuple[tuple[str, int], ...] = (
    ("Ollama", 11434),
    ("LM Studio", 1234),
    ("llama.cpp", 8080),
    ("vLLM", 8000),
    ("KoboldCpp", 5001),
)
_PURPOSE = "local servers"
_LARGEST_LISTING = 1024 * 1024
_BY_OWNER = {"llamacpp": "llama.cpp", "vllm": "vLLM", "koboldcpp": "KoboldCpp"}


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server for chat models, perhaps without any yet; ``base_url`` ends in ``/v1``."""

    name: str
    base_url: str
    models: tuple[str, ...]


async def find_local_servers(
    network: Network,
    environ: Mapping[str, str],
    timeout_s: float = 1.0,
    *,
    ports: Sequence[tuple[str, int]] = PORTS,
    own_port: int | None = None,
) -> list[LocalServer]:
    """What answers like an OpenAI-compatible server, in the order of ``ports``, within ``timeout_s`` seconds.

    ``OLLAMA_HOST`` adds an address if it is on this machine; ``own_port`` is never asked.
    """
    places = {("127.0.0.1", port): name for name, port in ports}
    configured = ollama_address(environ.get("OLLAMA_HOST", ""))
    if configured is not None:
        places.setdefault(configured, "Ollama")
    places = {place: name for place, name in places.items() if place[1] != own_port}
    servers = await together(*(_server_at(network, name, *place, timeout_s) for place, name in places.items()))
    return [server for server in servers if server is not None]


def ollama_address(value: str) -> tuple[str, int] | None:
    """Host and port of an ``OLLAMA_HOST`` on this machine (``host``, ``host:port``, ``:port``, URL), else None."""
    value = value.strip()
    if not value:
        return None
    scheme, separator, rest = value.rpartition("://")
    try:
        parts = urlsplit(f"//{rest}")
        host = parts.hostname or "127.0.0.1"
        port = parts.port or (80 if separator and scheme == "http" else 11434)
    except ValueError:
        return None
    if scheme == "https":
        return None
    if host in ("0.0.0.0", "::", "localhost"):
        host = "127.0.0.1"
    return (host, port) if is_loopback(host) else None


async def _server_at(network: Network, name: str, host: str, port: int, timeout_s: float) -> LocalServer | None:
    """The server at this place, or None for anything that is none, or is not within ``timeout_s``."""
    base_url = f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"
    try:
        async with asyncio.timeout(timeout_s):
            if not await network.is_listening(_PURPOSE, host, port, timeout_s):
                return None
            listing = await fetch_listing(
                network, base_url, purpose=_PURPOSE, timeout_s=timeout_s, largest=_LARGEST_LISTING
            )
    except (NekoError, TimeoutError):
        return None
    names = model_ids(listing)
    models = chat_models(names or [])
    if names is None or (names and not models):
        return None
    return LocalServer(_BY_OWNER.get(_owner(listing), name), base_url, tuple(models))


def _owner(listing: object) -> str:
    """Who the first model of a list belongs to, in small letters: several servers put their own name there."""
    data = listing.get("data") if isinstance(listing, Mapping) else None
    first = data[0] if isinstance(data, list) and data else None
    return str(first.get("owned_by", "")).lower() if isinstance(first, Mapping) else ""
