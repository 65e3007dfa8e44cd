"""When something that ended by itself is begun again: a server of tools, a plug-in."""

from __future__ import annotations

import time
from typing import Final

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 60.0
STEADY_S: Final = 30.0
"""What lasted so long had nothing to do with the fault that ends it: the pauses begin anew."""
_MOST_COUNTED: Final = 100


class Restarts:
    """``in_a_row``: how often it has ended by itself since it last lasted."""

    def __init__(self) -> None:
        self.in_a_row = 0
        self._began = 0.0

    def begin(self) -> None:
        """It is begun now."""
        self._began = time.monotonic()

    def ended(self) -> float:
        """It has ended by itself; the seconds until it is begun again, twice as many each time."""
        if time.monotonic() - self._began > STEADY_S:
            self.in_a_row = 0
        self.in_a_row = min(self.in_a_row + 1, _MOST_COUNTED)
        return min(FIRST_PAUSE_S * 2.0 ** (self.in_a_row - 1), LONGEST_PAUSE_S)

    def forget(self) -> None:
        """The user has it begun anew."""
        self.in_a_row = 0
