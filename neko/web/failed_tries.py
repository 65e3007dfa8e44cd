"""Whoever shows wrong tokens is answered late, and later each time, by the address they come from.

The right token is always taken at once: everybody behind a proxy has one address, and one of them may be guessing. Who
does not wait for the answers guesses faster; a token is too long for that, and a guess is seen in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

logger = logging.getLogger(__name__)

FREE_TRIES = 4
"""Wrong ones that cost no time: somebody mistypes."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
LONGEST_HOLD_S = 2.0
"""The part of a wait that passes before the answer."""
MOST_HELD = 32
"""Answers that are held back at once."""
FORGET_AFTER_S = 900.0
MOST_ADDRESSES = 1024
LOG_EVERY_S = 10.0


@dataclass(slots=True)
class _Tries:
    count: int
    last: float


class FailedTries:
    """Counts by address; after ``FREE_TRIES`` each wrong token doubles the wait. ``clock`` gives monotonic seconds."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._by_address: dict[str, _Tries] = {}
        self._held = 0
        self._logged_at = float("-inf")
        self._unlogged = 0

    def __len__(self) -> int:
        return len(self._by_address)

    async def failed(self, client: str) -> float:
        """A wrong token came from this address: hold its answer back. Returns the seconds to wait before another."""
        wait = _wait(self._count(client))
        if wait and self._held < MOST_HELD:
            self._held += 1
            try:
                await self._sleep(min(wait, LONGEST_HOLD_S))
            finally:
                self._held -= 1
        return wait

    def _count(self, client: str) -> int:
        now, network = self._clock(), _network(client)
        tries = self._by_address.pop(network, None)
        if tries is None or now - tries.last > FORGET_AFTER_S:
            tries = _Tries(0, now)
        self._by_address[network] = tries = _Tries(tries.count + 1, now)
        if len(self._by_address) > MOST_ADDRESSES:
            del self._by_address[next(iter(self._by_address))]
        self._log(client, now)
        return tries.count

    def _log(self, client: str, now: float) -> None:
        self._unlogged += 1
        if now - self._logged_at >= LOG_EVERY_S:
            logger.warning("%d wrong tokens since the last such line, the latest from %s", self._unlogged, client)
            self._logged_at, self._unlogged = now, 0


def _wait(count: int) -> float:
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
