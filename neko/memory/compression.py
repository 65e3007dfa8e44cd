"""Keeps the recent window short: folds what no longer fits into the memo, at quiet moments.

A session's end is one. During a long session it happens every ``OFTEN`` turns, since every time
costs a call of the user's model.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from neko.errors import NekoError
from neko.types.memory import Memory, Summarise

logger = logging.getLogger(__name__)

OFTEN = 20


class CompressionScheduler:
    """Handles the bus topic ``session``. ``summariser()`` is asked anew each time, since the user may
    choose another model; ``None`` means that there is no model."""

    def __init__(self, memory: Memory, summariser: Callable[[], Summarise | None]) -> None:
        self._memory = memory
        self._summariser = summariser
        self._turns: Counter[str] = Counter()

    async def on_session_event(self, message: Mapping[str, Any]) -> None:
        """Tidy up when it is time; a summary that cannot be had is left for the next time."""
        character = str(message["lanlan_name"])
        if message.get("event_type") == "turn_end":
            self._turns[character] += 1
        due = message.get("event_type") == "session_end" or self._turns[character] >= OFTEN
        if not due or not self._turns[character]:
            return
        self._turns[character] = 0
        try:
            await self._memory.compress(character, self._summariser())
        except NekoError as error:
            logger.warning("%s: the recent window stays long for now: %s", character, error.code)
