"""Which addresses only this machine can reach, and which only this house."""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from typing import Final

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NEAR_NAMES: Final = ("localhost", "local", "internal", "lan", "home.arpa")
"""Domains that no public name server answers for: RFC 6761, 6762 and 8375, ICANN's ``internal``, home routers."""
_NEAR_NETWORKS: Final = [
    *map(ipaddress.ip_network, ("0.0.0.0", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    *map(ipaddress.ip_network, ("169.254.0.0/16", "100.64.0.0/10", "::", "fc00::/7", "fe80::/10")),
    *map(ipaddress.ip_network, ("192.0.0.0/24", "fec0::/10")),
]
"""RFC 1918, 3927, 4193, 4291, 6890 and 3879; RFC 6598 is what private overlay networks use."""
_TRANSLATED: Final = [
    ipaddress.IPv6Network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")
]
"""Networks of IPv6 whose last 32 bits are an address of IPv4: RFC 6052, 8215, 4291 and 2765."""
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """True for addresses that only this machine can reach: 127.0.0.0/8, ::1, localhost.

    They may be written in any way that the system takes: ``127.1``, ``0x7f000001``, ``::ffff:127.0.0.1``.
    """
    name = _tidied(host)
    address = _address(name)
    return name == "localhost" if address is None else address.is_loopback


def is_near(host: str) -> bool:
    """True for what is on this machine or in a private network, by its address or its domain.

    A name without a dot is one of this network or of its containers.
    """
    name = _tidied(host)
    address = _address(name)
    if address is not None:
        meant = {address, _inside(address)}
        return any(one.is_loopback or any(one in network for network in _NEAR_NETWORKS) for one in meant)
    return "." not in name or any(name.endswith(f".{domain}") for domain in _NEAR_NAMES)


def is_this_computer(address: str) -> bool:
    """True for an address that this computer has in any of its networks, public ones included: it can be bound."""
    found = _address(_tidied(address))
    if found is None:
        return False
    if found.is_loopback or found.is_unspecified:
        return True
    family = socket.AF_INET if found.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(found), 0))
    except OSError:
        return False
    return True


def _tidied(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


@lru_cache(maxsize=256)
def _address(name: str) -> _Address | None:
    try:
        address: _Address = ipaddress.ip_address(name)
    except ValueError:
        return _loose_address(name)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _inside(address: _Address) -> _Address:
    """The address of IPv4 to which a gateway passes on what is sent to one of IPv6, where there is one in it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or (address.teredo[1] if address.teredo else address)


def _loose_address(name: str) -> ipaddress.IPv4Address | None:
    """What ``inet_aton`` takes beside four decimal numbers: hexadecimal, octal, fewer and larger ones."""
    parts = name.split(".")
    if len(parts) > 4 or not all(len(part) < 20 and _NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        *first, last = (
            int(part[2:] or "0", 16) if part[:2] == "0x" else int(part, 8 if part[0] == "0" else 10) for part in parts
        )
        value = int.from_bytes(bytes(first), "big") << (8 * (4 - len(first)))
        return ipaddress.IPv4Address(value + last) if last < 256 ** (4 - len(first)) else None
    except ValueError:
        return None
