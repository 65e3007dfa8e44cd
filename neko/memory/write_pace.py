"""How often the recent windows of all characters are written, where many talk at once."""

from __future__ import annotations

import asyncio
from typing import Final

_BETWEEN_S: Final = 0.04
"""A write replaces a file and waits for the disk a few times: as much work as storing a line."""
_LONGEST_S: Final = 20.0


class WritePace:
    """``delay_s``: seconds from a line to the write of its window, so that the lines of a turn are written at once.

    One window after the other, in the order in which they fell behind: where one alone is written nothing waits, and
    where hundreds are, each is written once for the lines of several turns. A crash loses nothing by it, since a window
    is made up from its log.
    """

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._next = 0.0

    async def wait(self) -> None:
        """Return when a window that has fallen behind just now is to be written, after 20 s more at most."""
        now = asyncio.get_running_loop().time()
        due = min(max(now, self._next), now + _LONGEST_S)
        self._next = due + _BETWEEN_S
        await asyncio.sleep(due - now + self._delay_s)
