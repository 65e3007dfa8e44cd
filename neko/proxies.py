"""Which proxy a connection goes through, by the environment or else the system's settings.

One rule for every client: those of ``httpx2`` and ``websockets`` read the environment each in its own way (networks and
ports in ``NO_PROXY``, ``ALL_PROXY``), and neither keeps all that is near away from the proxy.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from neko.settings import is_near

_VARIABLES: Final = {
    "http": ("http", "all", "socks"),
    "https": ("https", "all", "socks"),
    "ws": ("ws", "socks", "all", "https", "http"),
    "wss": ("wss", "socks", "all", "https"),
}
"""By scheme, the variables (``…_proxy``) that decide, the first that is set. RFC 6455 §4.1 prefers SOCKS."""
_BRACKETS: Final = re.compile(r"^\[(.+)\](/\d+)?$")
_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}


@dataclass(frozen=True, slots=True)
class ProxyRules:
    """What the environment says; made by ``read``."""

    proxies: dict[str, str] = field(default_factory=dict)
    """Addresses by the first word of their variable, and ``no``."""
    from_system: bool = False
    """They come from the settings of Windows or macOS, which have exceptions of their own."""

    @classmethod
    def read(cls) -> ProxyRules:
        """The rules that hold now. May block: Windows and macOS keep them outside of the environment."""
        from urllib.request import getproxies, getproxies_environment

        return cls(getproxies(), not getproxies_environment())

    def proxy_for(self, url: str) -> str | None:
        """The address of the proxy to ask for ``url``; None: none. May block where ``from_system``.

        What is near is asked itself. Behind SOCKS the proxy looks up names: here they may be unknown.
        """
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        named = (self.proxies[name] for name in _VARIABLES.get(parts.scheme, ()) if self.proxies.get(name))
        proxy = next(named, None)
        if proxy is None or is_near(host) or self._is_excepted(parts, host):
            return None
        if "://" not in proxy:
            return f"http://{proxy}"
        scheme, _, address = proxy.partition("://")
        if scheme.lower() in ("socks", "socks5") or (scheme == "http" and proxy == self.proxies.get("socks")):
            return f"socks5h://{address}"
        return proxy

    def _is_excepted(self, parts: SplitResult, host: str) -> bool:
        port = parts.port or _PORTS.get(parts.scheme)
        entries = self.proxies.get("no", "").replace(",", " ").lower().split()
        is_named = any(_matches(entry, host.lower(), port) for entry in entries)
        if is_named or not self.from_system:
            return is_named
        from urllib.request import proxy_bypass

        return bool(proxy_bypass(host))


def _matches(entry: str, host: str, port: int | None) -> bool:
    """An entry of ``NO_PROXY``: ``*``, a domain (its subdomains too), an address, a network; a port may follow."""
    entry = entry.rpartition("://")[2]
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(_BRACKETS.sub(r"\1\2", entry), strict=False)
    except ValueError:
        pass
    name, colon, wanted = entry.rpartition(":")
    if not colon or not wanted.isdecimal():
        name, wanted = entry, ""
    if wanted and int(wanted) != port:
        return False
    name = name.strip("[]").removeprefix("*").removeprefix(".").rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def shown(proxy: str) -> str:
    """Host and port of a proxy, for a user to read: no name, no password."""
    return urlsplit(proxy).netloc.rpartition("@")[2] or "?"
