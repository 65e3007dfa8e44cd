"""The time in which somebody has her page open, and the first talk, for Steam (``contract/rest.md`` §9)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from neko.bus import Topic
from neko.steam_errors import SteamError
from neko.tasks import TaskOwner

_FIRST_TALK: Final = "ACH_FIRST_DIALOGUE"


class PlayTime:
    """``session`` is the topic of facts; ``is_here``: somebody has a page open. Steam is told by ``play``, in seconds,
    and by ``unlock``, an achievement. N.E.K.O.'s own pages count for themselves."""

    pulse_s: int = 60

    def __init__(
        self,
        play: Callable[[int], Awaitable[object]],
        unlock: Callable[[str], Awaitable[object]],
        session: Topic,
        is_here: Callable[[], bool],
        owner: TaskOwner,
    ) -> None:
        self._play = play
        self._unlock = unlock
        self._session = session
        self._is_here = is_here
        self._owner = owner
        self._counting: asyncio.Task[None] | None = None
        self._has_talked = False

    def follow(self, *, on: bool) -> None:
        """Count, or do not."""
        if on and self._counting is None:
            self._counting = self._owner.spawn(self._count(), name="playing time")
        elif not on and self._counting is not None:
            self._counting.cancel()
            self._counting = None

    async def _count(self) -> None:
        facts = self._session.subscribe(self._on_turn, name="steam", only=("turn_end",))
        try:
            while True:
                await asyncio.sleep(self.pulse_s)
                if self._is_here():
                    with contextlib.suppress(SteamError):
                        await self._play(self.pulse_s)
        finally:
            facts.close()

    async def _on_turn(self, fact: Mapping[str, Any]) -> None:
        if self._has_talked or fact.get("status") != "complete":
            return
        try:
            await self._unlock(_FIRST_TALK)
        except SteamError as error:
            if error.is_gone:
                return
        self._has_talked = True
