"""The way of everything that the browser sends: a proxy on this machine that asks the gate at each connection.

So the rules hold after redirects, in frames, new tabs, workers and WebSockets alike, and for the address that is
connected to, not only for a name that may change what it means.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final
from urllib.parse import urlsplit

from neko.agent.browser.gate import Gate, place_of
from neko.errors import NekoError
from neko.net import Network, Traffic
from neko.tasks import TaskOwner, together

logger = logging.getLogger(__name__)

_HEAD_S: Final = 60.0
"""A browser opens connections before it needs them."""
_CONNECT_S: Final = 15.0
_LONGEST_HEAD: Final = 128 * 1024
_CHUNK: Final = 64 * 1024
_MOST_CONNECTIONS: Final = 512
_HOP_BY_HOP: Final = (b"connection:", b"proxy-connection:", b"keep-alive:", b"proxy-authorization:")


class GateProxy:
    """``async with`` listens; ``address`` is what the browser is given."""

    def __init__(self, gate: Gate, network: Network, owner: TaskOwner) -> None:
        self._gate = gate
        self._network = network
        self._owner = owner
        self._open = 0
        self.address = ""

    async def start(self) -> None:
        """Raises ``OSError``."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def aclose(self) -> None:
        if self.address:
            self.address = ""
            self._server.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._owner.closed or self._open >= _MOST_CONNECTIONS:
            writer.close()
            return
        self._open += 1
        self._owner.spawn(self._serve(reader, writer), name="connection")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
            await self._pass_on(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError) as error:
            logger.debug("a connection of the browser ended: %s", type(error).__name__)
        finally:
            self._open -= 1
            writer.close()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, *_ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
        tunnelled = method == "CONNECT"
        host, port = place_of(f"https://{target}" if tunnelled else target)
        reason = self._gate.refusal(host, port) if host else "That is no address."
        if reason:
            await _answer(writer, "403 Forbidden", reason)
            return
        try:
            far, out, traffic = await self._network.tunnel(
                "browser", host, port, lambda addresses: self._gate.admitted(host, port, addresses), _CONNECT_S
            )
        except PermissionError:
            await _answer(writer, "403 Forbidden", self._gate.refusal(host, port))
            return
        except (NekoError, OSError) as error:
            await _answer(writer, "502 Bad Gateway", f"{host} cannot be reached ({type(error).__name__}).")
            return
        try:
            if tunnelled:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                out.write(_to_origin(head, target))
            await together(_pump(reader, out, traffic, inwards=False), _pump(far, writer, traffic, inwards=True))
        finally:
            out.close()


def _to_origin(head: bytes, target: str) -> bytes:
    """A request as the server itself is asked, for one answer and no more on this connection."""
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    method, _, version = first.split(b" ")
    parts = urlsplit(target)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kept = [line for line in lines if not line.lower().startswith(_HOP_BY_HOP)]
    return b"\r\n".join([b" ".join((method, path.encode("ascii"), version)), *kept, b"Connection: close", b"", b""])


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, traffic: Traffic, *, inwards: bool) -> None:
    """Until one side ends; then the other learns of it."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            if inwards:
                traffic.bytes_in += len(chunk)
            else:
                traffic.bytes_out += len(chunk)
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def _answer(writer: asyncio.StreamWriter, status: str, reason: str) -> None:
    body = f"<!doctype html><meta charset=utf-8><title>Not opened</title><p>Neko: {reason}</p>".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
