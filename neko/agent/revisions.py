"""The one clock of agent snapshots, for those that are asked for and those that are pushed."""

from __future__ import annotations

import time
from collections.abc import Callable


class Revisions:
    """Revisions that a page never takes for old ones after a restart.

    The first one is the wall clock in milliseconds, which an agent that makes fewer than a
    thousand snapshots a second cannot overtake. One instance for each running Neko.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._last = int(clock() * 1000)

    def next(self) -> int:
        self._last += 1
        return self._last
