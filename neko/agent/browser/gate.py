"""Which places the browser may contact: rules without a socket. ``gate_proxy`` holds every connection to them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from neko.settings import is_loopback, is_near, is_this_computer

SCHEMES: Final = ("http", "https")
NOWHERE: Final = "held-back.invalid"
"""A host that there is not (RFC 6761), and that nobody is asked for."""
_PORTS: Final = {"http": 80, "https": 443}
_PLACE: Final = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)*)(?::(?P<port>\d{1,5}))?(?![\w@.-]*@)",
    re.IGNORECASE,
)
_OWN_PAGES: Final = "Neko's own pages are for the user alone."
_LONGEST_HOST: Final = 253
_LONGEST_WORDS: Final = 20_000
_MOST_KNOWN: Final = 5_000


def place_of(url: str) -> tuple[str, int]:
    """Host (lower case, without brackets) and port of an address; ("", 0) when it has none."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", 0


def named_places(words: str) -> frozenset[tuple[str, int]]:
    """The hosts that these words name, each with its port; 0: none is given, the usual ones are meant.

    A word without a dot is one only with its scheme or port, or as ``localhost``.
    """
    found = set()
    for match in _PLACE.finditer(words[:_LONGEST_WORDS]):
        host = match["host"].strip("[]").lower()
        if "." in host or ":" in host or host == "localhost" or match["scheme"] or match["port"]:
            found.add((host, int(match["port"] or 0)))
    return frozenset(found)


class Gate:
    """``near_allowed``: the user lets the browser into their own network. ``never``: what their policy forbids, asked
    with a host. ``own_ports``: where Neko itself listens; no page may press her buttons, by whatever name or address of
    this computer, nor through a proxy, which alone would know what a name means. All are asked anew each time.
    """

    def __init__(
        self,
        *,
        near_allowed: Callable[[], bool] = lambda: False,
        never: Callable[[str], bool] = lambda _host: False,
        own_ports: Callable[[], Collection[int]] = tuple,
        local_only: Callable[[], bool] = lambda: False,
    ) -> None:
        self._near_allowed = near_allowed
        self._never = never
        self._own_ports = own_ports
        self._local_only = local_only
        self._named: Counter[tuple[str, int]] = Counter()
        self._elsewhere: dict[str, None] = {}
        """Hosts that were contacted outside of the user's own network."""
        self.refused: dict[str, str] = {}
        """The last reasons by host, or by host and port; only of what could be told no earlier than by its address."""

    @contextmanager
    def naming(self, words: str) -> Iterator[None]:
        """While this holds, what the user names in these words may be contacted wherever it stands."""
        places = named_places(words)
        self._named.update(places)
        try:
            yield
        finally:
            self._named.subtract(places)
            self._named += Counter()

    def refusal_of(self, url: str) -> str:
        """Why this address may not be opened, in a sentence for the model; "" when it may."""
        scheme = url.partition(":")[0].lower()
        if scheme not in SCHEMES:
            return f"Only http and https addresses are opened, and this is {scheme[:20]!r}."
        host, port = place_of(url)
        if not host:
            return "That is no address."
        if "@" in url.split("/", 3)[2]:
            return "Addresses with a name and a password in them are not opened."
        return self.refusal(host, port)

    def refusal(self, host: str, port: int) -> str:
        """The same of a host and a port, before its name is looked up."""
        host = host.rstrip(".").lower()[:_LONGEST_HOST]
        if host == NOWHERE:
            return "There is no such host."
        if self._never(host):
            return f"The user does not allow {host}."
        if port in self._own_ports() and (_is_here(host) or port not in _PORTS.values()):
            return _OWN_PAGES
        if own := self.refused.get(f"{host}:{port}"):
            return own
        if self._local_only() and not is_loopback(host):
            return "The user allows no other computer to be contacted."
        if self._near_is_allowed(host, port):
            return ""
        if is_near(host):
            return f"{host} is in the user's own network, which the browser does not enter unless they name it."
        return self.refused.get(host, "")

    def admitted(self, host: str, port: int, addresses: Sequence[str]) -> list[str]:
        """Those of the addresses, which the host's name has now, that may be connected to.

        A name is either of the user's own network or not: what it gave us from elsewhere could reach into that network
        by calling it its own. So of both kinds only the near ones are taken, and none where it was contacted elsewhere.
        """
        found = [address for address in addresses if self._admits(host, port, address)]
        near = [address for address in found if is_near(address)]
        if not near:
            if found and len(self._elsewhere) < _MOST_KNOWN:
                self._elsewhere[host] = None
            return found
        if host not in self._elsewhere:
            return near
        self._refuse(
            f"{host}:{port}", f"{host} was elsewhere before and now says that it is in the user's own network."
        )
        return []

    def _admits(self, host: str, port: int, address: str) -> bool:
        """An address of this computer may be a public one."""
        if port in self._own_ports() and _is_here(address):
            self._refuse(f"{host}:{port}", _OWN_PAGES)
            return False
        if not is_near(address) or self._near_is_allowed(host, port) or self._near_is_allowed(address, port):
            return True
        self._refuse(host, f"{host} is in the user's own network, which the browser does not enter.")
        return False

    def _refuse(self, place: str, reason: str) -> None:
        if len(self.refused) < 1_000:
            self.refused[place] = reason

    def _near_is_allowed(self, host: str, port: int) -> bool:
        usual = port in _PORTS.values() and self._named[host, 0] > 0
        return self._near_allowed() or usual or self._named[host, port] > 0


def _is_here(host: str) -> bool:
    """This computer, or one beside it; what the host is called may still be one of them."""
    return is_near(host) or is_this_computer(host)
