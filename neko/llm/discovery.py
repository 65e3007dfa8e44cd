"""Model servers already running on this machine.

Only loopback is asked, all at once, by plain HTTP on bare connections: where nothing listens
(the usual case) that costs microseconds and loads nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from neko.llm.model_catalogue import chat_models, model_ids
from neko.settings import is_loopback

PORTS: tuple[tuple[str, int], ...] = (
    ("Ollama", 11434),
    ("LM Studio", 1234),
    ("llama.cpp", 8080),
    ("vLLM", 8000),
    ("KoboldCpp", 5001),
)
_BY_OWNER = {"llamacpp": "llama.cpp", "vllm": "vLLM", "koboldcpp": "KoboldCpp"}
_LARGEST_ANSWER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server with at least one chat model; ``base_url`` ends in ``/v1``."""

    name: str
    base_url: str
    models: tuple[str, ...]


async def find_local_servers(
    environ: Mapping[str, str],
    timeout: float = 1.0,
    *,
    ports: Sequence[tuple[str, int]] = PORTS,
    own_port: int | None = None,
) -> list[LocalServer]:
    """What answers like an OpenAI-compatible server, in the order of ``ports``, within ``timeout`` seconds.

    ``OLLAMA_HOST`` adds an address if it is on this machine; ``own_port`` is never asked.
    """
    places = {("127.0.0.1", port): name for name, port in ports}
    configured = ollama_address(environ.get("OLLAMA_HOST", ""))
    if configured is not None:
        places.setdefault(configured, "Ollama")
    places = {place: name for place, name in places.items() if place[1] != own_port}
    probes = [asyncio.ensure_future(_probe(name, *place)) for place, name in places.items()]
    try:
        await asyncio.wait(probes, timeout=timeout) if probes else None
    finally:
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
    done = [probe.result() for probe in probes if not probe.cancelled()]
    return [server for server in done if server is not None]


def ollama_address(value: str) -> tuple[str, int] | None:
    """Host and port of an ``OLLAMA_HOST`` on this machine (``host``, ``host:port``, ``:port``, URL), else None."""
    value = value.strip()
    if not value:
        return None
    scheme, found, rest = value.rpartition("://")
    try:
        parts = urlsplit(f"//{rest}")
        host = parts.hostname or "127.0.0.1"
        port = parts.port or (80 if found and scheme == "http" else 11434)
    except ValueError:
        return None
    if scheme == "https":
        return None
    if host in ("0.0.0.0", "::", "localhost"):
        host = "127.0.0.1"
    return (host, port) if is_loopback(host) else None


async def _probe(name: str, host: str, port: int) -> LocalServer | None:
    """The server at this place, or None for anything that is none."""
    try:
        listing = json.loads(await _get(host, port, "/v1/models"))
    except (OSError, ValueError, EOFError, asyncio.LimitOverrunError):
        return None
    models = chat_models(model_ids(listing) or [])
    if not models:
        return None
    owner = str(listing["data"][0].get("owned_by", "")).lower()
    shown = f"[{host}]" if ":" in host else host
    return LocalServer(_BY_OWNER.get(owner, name), f"http://{shown}:{port}/v1", tuple(models))


async def _get(host: str, port: int, path: str) -> bytes:
    """The body of a successful answer; raises ``ValueError`` for any other.

    HTTP/1.0, so that the server ends the body by closing; chunks are understood all the same.
    """
    reader, writer = await asyncio.open_connection(host, port, limit=64 * 1024)
    try:
        head = f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
        writer.write(head.encode("ascii"))
        status, _, lines = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
        fields = dict(line.split(b":", 1) for line in lines.lower().split(b"\r\n") if b":" in line)
        if status.split(b" ")[1:2] != [b"200"]:
            raise ValueError("refused")
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            return await _chunks(reader)
        length = int(fields.get(b"content-length", b"-1"))
        if length > _LARGEST_ANSWER:
            raise ValueError("too long")
        return await reader.readexactly(length) if length >= 0 else await _to_end(reader)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _to_end(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while chunk := await reader.read(64 * 1024):
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise ValueError("too long")
    return bytes(body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        if len(body) + size > _LARGEST_ANSWER:
            raise ValueError("too long")
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    return bytes(body)
