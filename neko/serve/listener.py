"""The listening socket, and what cannot be listened on."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from neko.errors import ConfigError

BACKLOG = 128
PROBE_AFTER_S = 20
"""Seconds of silence after which the kernel asks whether the other side is still there."""


class PortTakenError(ConfigError):
    """``params``: port."""

    code = "port_taken"


class AddressError(ConfigError):
    """The address cannot be listened on at all. ``params``: host, port, why."""

    code = "address"


class Listener(socket.socket):
    """A listening TCP socket that knows the connections which came in by it."""

    def __init__(self, family: int) -> None:
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY only for this
        self._accepted: WeakSet[socket.socket] = WeakSet()
        self._untaken: socket.socket | None = None

    @property
    def port(self) -> int:
        port: int = self.getsockname()[1]
        return port

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection; whoever waited for it takes it with ``adopt``."""
        self._untaken, address = super().accept()
        return self._untaken, address

    def adopt(self, connection: socket.socket) -> None:
        """Make a connection that was accepted one of ours."""
        self._untaken = None
        self._accepted.add(connection)
        with suppress(OSError):  # it may have gone already
            _notice_dead_peer(connection)

    def close_untaken(self) -> None:
        """Close the connection that came just when nobody waited for it any more: asyncio drops it then."""
        if self._untaken:
            self._untaken.close()
            self._untaken = None

    def cut_connections(self) -> None:
        """End every connection, whatever is still unsent."""
        for connection in list(self._accepted):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _notice_dead_peer(connection: socket.socket) -> None:
    """Let TCP find out about a peer that vanished, within half a minute."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", PROBE_AFTER_S), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def listen(host: str, port: int) -> Listener:
    """Open the socket, so that nothing else is touched when the port is taken.

    Raises ``PortTakenError`` and ``AddressError``. Port 0 takes any free one.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise _address_error(host, port, f"{host} is not an address of this computer") from error
    listener = Listener(family)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"Port {port} is already in use, maybe by another Neko. Start her with another one: --port {port + 1}",
                port=port,
                other=port + 1,
            ) from error
        raise _address_error(host, port, error.strerror or str(error)) from error
    return listener


def _address_error(host: str, port: int, why: str) -> AddressError:
    sentence = f"Cannot listen on {host}, port {port}: {why}. Choose others with --host and --port."
    return AddressError(sentence, host=host, port=port, why=why)


_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
"""Hosts that stand for every address of this computer, and the one to call it by from itself."""
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses of nobody (RFC 5737, RFC 3849)."""


def url_of(listener: Listener, host: str) -> str:
    """The address to type into a browser of this computer."""
    return _url(_EVERYWHERE.get(host, host), listener.port)


def network_url_of(listener: Listener, host: str) -> str | None:
    """The address to type on another one, when ``host`` is every address of this computer and it is in a network."""
    if host not in _EVERYWHERE:
        return None
    for family, address in _ELSEWHERE:
        if family == socket.AF_INET6 and listener.family != family:
            continue
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))  # only looks up the route: a datagram socket sends nothing here
            return _url(probe.getsockname()[0], listener.port)
    return None


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host and not host.startswith("[") else f"http://{host}:{port}"
