"""Which ``Host`` and ``Origin`` values are ours.

A page elsewhere can make a browser talk to this server in two ways: by its own origin (then
``Origin`` tells) and by pointing a name it owns at this machine's address, DNS rebinding (then
``Host`` tells). Addresses cannot be rebound, only names can.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+]|[\w.-]+)(?::(?P<port>\d{1,5}))?", re.ASCII)
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_WILDCARDS = ("0.0.0.0", "::", "")


class AllowedHosts:
    """The ``Host`` values this server answers to.

    ``bound`` is the address it listens on; bound to every address it also answers to this
    machine's own name and to any bare address. ``extra`` are names the owner added, with or without a port.
    """

    def __init__(self, bound: str, extra: Iterable[str] = ()) -> None:
        self._any_address = bound in _WILDCARDS
        self._added = {name.lower() for name in extra}
        self._names = {_plain(name) for name in (bound, "localhost", *map(_without_port, self._added))}
        if self._any_address:
            own = _plain(socket.gethostname())
            self._names |= {own, f"{own}.local"}

    def __contains__(self, host: str) -> bool:
        """``host`` is the value of the header, with or without a port."""
        match = _HOST.fullmatch(host)
        if not match:
            return False
        name = _plain(match["name"])
        address = _address(name)
        return name in self._names or bool(address and (self._any_address or address.is_loopback))

    def added(self, origin: str) -> bool:
        """Whether the owner added the host of ``origin``, port and all: a proxy there may rewrite ``Host``."""
        return origin.lower().partition("://")[2] in self._added


def same_origin(origin: str, scheme: str, host: str) -> bool:
    """Whether a page of ``origin`` is one of ours.

    ``scheme`` and ``host`` are those of the request. A page over https may talk to a server that
    hears http: a proxy in between took the encryption off.
    """
    page_scheme, _, page_host = origin.lower().partition("://")
    plain_scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    if page_scheme != plain_scheme and (page_scheme, plain_scheme) != ("https", "http"):
        return False
    return _with_port(page_host, page_scheme) == _with_port(host.lower(), page_scheme)


def _with_port(host: str, scheme: str) -> tuple[str, str] | None:
    match = _HOST.fullmatch(host)
    return (_plain(match["name"]), match["port"] or _DEFAULT_PORTS[scheme]) if match else None


def _without_port(host: str) -> str:
    match = _HOST.fullmatch(host)
    return match["name"] if match else host


def _plain(name: str) -> str:
    return name.strip("[]").rstrip(".").lower()


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name.strip("[]"))
    except ValueError:
        return None
