"""Decides when the recent window is compressed: what no longer fits goes into the memo.

That is at the end of a session, when nothing has been said for ``IDLE_S``, when a session asks for it because its talk
grows too long (``settle``), and else every ``TURNS_BETWEEN`` turns, since every time costs calls of the user's model.
A model that will not answer is not asked: the memo waits for the next occasion, as it does after a failure; nothing
leaves the window before there is a memo of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

from neko.types.memory import MemoryModels, Summarise

logger = logging.getLogger(__name__)

TURNS_BETWEEN: Final = 100
IDLE_S: Final = 600.0
"""Twice as long as servers keep a prompt that nobody asks with (five minutes at most of them): until then the talk
may go on, and a model on this computer has better to do."""

Models = Callable[[], MemoryModels]
"""Asked anew each time, since the user may choose another model."""


class Timer(Protocol):
    """What will be called in a while."""

    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls something after so many seconds."""


def _later(seconds: float, call: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, call)


class BackgroundCompression(Protocol):
    """Starts a compression without waiting for it, or waits for one."""

    def compress_later(self, character: str, models: Models) -> None: ...

    def learn_later(self, character: str, models: Models) -> None: ...

    async def compress(
        self,
        character: str,
        summarise: Summarise | None,
        *,
        through: int | None = None,
        route: Summarise | None = None,
        detailed: bool = False,
    ) -> bool: ...


class CompressionScheduler:
    """Handles the bus topic ``session``; never waits for a summary. The loop's thread only."""

    def __init__(
        self,
        memory: BackgroundCompression,
        models: Models,
        model: Callable[[], str | None] = str,
        *,
        later: Later = _later,
    ) -> None:
        """``model`` names the model that a summary would be asked of, None while it will not answer."""
        self._memory = memory
        self._of_memory = models
        self._model = model
        self._later = later
        self._models: dict[str, str | None] = {}
        self._turns: Counter[str] = Counter()
        self._idle: dict[str, Timer] = {}

    def on_session_event(self, message: Mapping[str, Any]) -> None:
        """Start a compression when it is time; one that fails is made up for by the next."""
        character = str(message["lanlan_name"])
        if message.get("event_type") == "turn_end":
            self._turns[character] += 1
            self._models[character] = self._model()
            self._wait_for_silence(character)
        if message.get("event_type") == "session_end" or self._turns[character] >= TURNS_BETWEEN:
            self._compress(character)

    async def settle(self, character: str, through: int, at_any_rate: bool = False) -> bool:
        """Fold what was said up to this line, and wait for it; false when nothing was done. ``at_any_rate``: without
        a model where that one does not answer. Raises ``NekoError``."""
        is_done = False
        if self._model() is not None:
            self._memory.learn_later(character, self._of_memory)
            models = self._of_memory()
            is_done = await self._memory.compress(
                character, models.summarise, through=through, route=models.route, detailed=True
            )
        if at_any_rate and not is_done:
            is_done = await self._memory.compress(character, None, through=through, detailed=True)
        return is_done

    def stop(self) -> None:
        """Wait for no silence any more."""
        while self._idle:
            self._idle.popitem()[1].cancel()

    def _wait_for_silence(self, character: str) -> None:
        if timer := self._idle.pop(character, None):
            timer.cancel()
        self._idle[character] = self._later(IDLE_S, partial(self._compress, character))

    def _compress(self, character: str) -> None:
        if timer := self._idle.pop(character, None):
            timer.cancel()
        if not self._turns[character]:
            return
        model = self._model()
        if model is None or model != self._models[character]:  # one that was chosen since has not said a word yet
            logger.info("%s: the memo waits for a model that answers", character)
            return
        del self._turns[character]
        self._memory.compress_later(character, self._of_memory)
