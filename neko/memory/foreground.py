"""What somebody waits for, for which work that nobody waits for makes room."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

_OF_A_TURN: Final = ("thinking", "speaking")
"""States of a conversation (``types.facts.StateEntered``) in which somebody waits for more of a reply."""


class Foreground:
    """Of all characters together; the loop's thread only.

    ``pause_s``: how long nobody has to have waited for anything. ``longest_s``: after which ``quiet`` returns all the
    same, so that the work is done some time where somebody always talks.
    """

    def __init__(self, pause_s: float, longest_s: float) -> None:
        self._pause_s = pause_s
        self._longest_s = longest_s
        self._waited_for = 0
        self._answering: set[str] = set()
        self._over = asyncio.Event()
        self._over.set()
        self._ended = -pause_s

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Inside, somebody waits."""
        self._waited_for += 1
        self._look()
        try:
            yield
        finally:
            self._waited_for -= 1
            self._look()

    def on_session_event(self, message: Mapping[str, Any]) -> None:
        """Handles the bus topic ``session``: who is being answered."""
        character = str(message["lanlan_name"])
        if message.get("state") in _OF_A_TURN:
            self._answering.add(character)
        else:
            self._answering.discard(character)
        self._look()

    async def quiet(self) -> None:
        """Return between two things that somebody waits for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._longest_s):
                while True:
                    await self._over.wait()
                    left = self._ended + self._pause_s - asyncio.get_running_loop().time()
                    if left <= 0:
                        return
                    await asyncio.sleep(left)

    def _look(self) -> None:
        if self._waited_for or self._answering:
            self._over.clear()
        elif not self._over.is_set():
            self._ended = asyncio.get_running_loop().time()
            self._over.set()
