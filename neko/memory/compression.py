"""Decides when the recent window is compressed: what no longer fits goes into the memo.

That is at the end of a session, when a session asks for it because its talk grows too long (``settle``), and
else every ``TURNS_BETWEEN`` turns, since every time costs a call of the user's model. A model that will not answer
is not asked: the memo waits for the next occasion, as it does after a failure; nothing leaves the window before
there is a memo of it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from neko.types.memory import Summarise

logger = logging.getLogger(__name__)

TURNS_BETWEEN = 100

Summariser = Callable[[], Summarise | None]
"""Asked anew each time, since the user may choose another model; None when there is no model."""


class BackgroundCompression(Protocol):
    """Starts a compression without waiting for it, or waits for one."""

    def compress_later(self, character: str, summariser: Summariser) -> None: ...

    def learn_later(self, character: str, summariser: Summariser) -> None: ...

    async def compress(self, character: str, summarise: Summarise | None, *, through: int | None = None) -> bool: ...


class CompressionScheduler:
    """Handles the bus topic ``session``; never waits for a summary."""

    def __init__(
        self, memory: BackgroundCompression, summariser: Summariser, model: Callable[[], str | None] = str
    ) -> None:
        """``model`` names the model that a summary would be asked of, None while it will not answer."""
        self._memory = memory
        self._summariser = summariser
        self._model = model
        self._models: dict[str, str | None] = {}
        self._turns: Counter[str] = Counter()

    def on_session_event(self, message: Mapping[str, Any]) -> None:
        """Start a compression when it is time; one that fails is made up for by the next."""
        character = str(message["lanlan_name"])
        if message.get("event_type") == "turn_end":
            self._turns[character] += 1
            self._models[character] = self._model()
        due = message.get("event_type") == "session_end" or self._turns[character] >= TURNS_BETWEEN
        if not due or not self._turns[character]:
            return
        model = self._model()
        if model is None or model != self._models[character]:  # one that was chosen since has not said a word yet
            logger.info("%s: the memo waits for a model that answers", character)
            return
        del self._turns[character]
        self._memory.compress_later(character, self._summariser)

    async def settle(self, character: str, through: int) -> bool:
        """Fold what was said up to this line, and wait for it; false when nothing was done. Raises ``NekoError``."""
        if self._model() is None:
            return False
        self._memory.learn_later(character, self._summariser)
        return await self._memory.compress(character, self._summariser(), through=through)
