"""Keeps the recent window short: after each finished turn, fold what no longer fits into the memo."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from neko.errors import NekoError
from neko.types import Memory, Summarise

logger = logging.getLogger(__name__)


class MemoryKeeper:
    """Handles ``turn_end`` of the bus topic ``session``. ``summariser()`` is asked anew each time,
    since the user may choose another model; ``None`` means that there is no model."""

    def __init__(self, memory: Memory, summariser: Callable[[], Summarise | None]) -> None:
        self._memory = memory
        self._summariser = summariser

    async def on_session_event(self, message: Mapping[str, Any]) -> None:
        """Tidy up behind a turn; a summary that cannot be had is left for the next one."""
        if message.get("event_type") != "turn_end":
            return
        character = str(message["lanlan_name"])
        try:
            await self._memory.compress(character, self._summariser())
        except NekoError as error:
            logger.warning("%s: the recent window stays long for now: %s", character, error.code)
