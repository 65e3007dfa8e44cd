"""Whoever shows wrong tokens has to wait between them, by the address they come from."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

logger = logging.getLogger(__name__)

FREE_TRIES = 4
"""Wrong ones that cost no time: somebody mistypes."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
FORGET_AFTER_S = 900.0
MOST_ADDRESSES = 1024
LOG_EVERY_S = 10.0


@dataclass(slots=True)
class _Tries:
    count: int
    last: float


class FailedTries:
    """Counts by address; after ``FREE_TRIES`` each wrong token doubles the wait. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_address: dict[str, _Tries] = {}
        self._logged_at = float("-inf")
        self._unlogged = 0

    def __len__(self) -> int:
        return len(self._by_address)

    def wait(self, client: str) -> float:
        """Seconds until a token from this address is looked at again; 0 for at once."""
        tries = self._by_address.get(_network(client))
        if tries is None:
            return 0.0
        return max(0.0, tries.last + _pause(tries.count) - self._clock())

    def failed(self, client: str) -> None:
        """A wrong token came from this address."""
        now, network = self._clock(), _network(client)
        tries = self._by_address.pop(network, None)
        if tries is None or now - tries.last > FORGET_AFTER_S:
            tries = _Tries(0, now)
        self._by_address[network] = _Tries(tries.count + 1, now)
        if len(self._by_address) > MOST_ADDRESSES:
            del self._by_address[next(iter(self._by_address))]
        self._log(client, now)

    def succeeded(self, client: str) -> None:
        """The right token came from this address."""
        self._by_address.pop(_network(client), None)

    def _log(self, client: str, now: float) -> None:
        self._unlogged += 1
        if now - self._logged_at >= LOG_EVERY_S:
            logger.warning("%d wrong tokens since the last such line, the latest from %s", self._unlogged, client)
            self._logged_at, self._unlogged = now, 0


def _pause(count: int) -> float:
    over = count - FREE_TRIES
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(over - 1, 16)) if over > 0 else 0.0


def _network(client: str) -> str:
    """What one person can be expected to have: an address of IPv4, a /64 of IPv6."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or int(address) >> 64)
    return client
