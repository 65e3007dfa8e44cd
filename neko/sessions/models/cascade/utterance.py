"""One stretch of the user's speech on its way to words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from neko.errors import NekoError
from neko.hearing_errors import HearingSilentError
from neko.tasks import is_cancelled
from neko.types.hearing import Heard, HearingEngine, HearingHints

logger = logging.getLogger(__name__)

OVERDUE_S = 1.0
"""Seconds after the deadline of a recogniser in which it may tell by itself that it was missed."""
NO_SPEECH = 0.6
"""Above this probability of no speech, words that came are not believed: real speech has .005 to .33, silence and
noise .78 to .94 (Whisper base)."""


Spawn = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
"""Starts a task, with a name."""


@dataclass(frozen=True, slots=True)
class Partial:
    """Words, and after how much speech (seconds) they were asked for."""

    heard: Heard
    speech_s: float


class Utterance:
    """Fed as it is spoken. ``spoken_until``: when its last speech arrived, monotonic seconds."""

    def __init__(self, utterance_id: str, engine: HearingEngine, hints: HearingHints, spawn: Spawn) -> None:
        self.id = utterance_id
        self.spoken_until = 0.0
        self._engine = engine
        self._recognition = engine.begin(utterance_id, hints)
        self._spawn = spawn
        self._looking: asyncio.Task[None] | None = None
        self._partial: Partial | None = None

    @property
    def looking(self) -> bool:
        """Are its words so far being recognised?"""
        return self._looking is not None and not self._looking.done()

    def feed(self, pcm: bytes) -> None:
        self._recognition.feed(pcm)

    @property
    def known_s(self) -> float:
        """After how much speech the words so far were asked for, seconds."""
        return self._partial.speech_s if self._partial else 0.0

    def look(self, speech_s: float, then: Callable[[], None]) -> None:
        """Recognise what was fed so far, ``speech_s`` seconds of it speech; ``then`` follows when there are words."""
        if not self.looking and self.known_s < speech_s:
            self._looking = self._spawn(self._look(speech_s, then), "recognise so far")

    @property
    def text(self) -> str | None:
        """The words so far, ``None`` while they are not known."""
        return _believed(self._partial.heard) if self._partial else None

    @property
    def confidence(self) -> float | None:
        """The recogniser's, of the words so far."""
        return self._partial.heard.confidence if self._partial else None

    async def words(self, speech_s: float) -> str:
        """The final words, "" for none, of an utterance that held ``speech_s`` seconds of speech.

        Raises ``HearingError``, ``HearingSilentError`` when they do not come in time.
        """
        try:
            async with asyncio.timeout(self._engine.capabilities.deadline_s + OVERDUE_S):
                if self._looking:
                    await asyncio.wait({self._looking})
                if self._partial is None or self._partial.speech_s < speech_s:
                    heard = await self._recognition.finish()
                else:  # only quiet has come since
                    heard = self._partial.heard
        except TimeoutError:
            name = self._engine.capabilities.name
            raise HearingSilentError("no words in time", engine=name) from None
        finally:
            self.cancel()
        return _believed(heard)

    def cancel(self) -> None:
        """Its words are not wanted."""
        if self._looking:
            self._looking.cancel()
        self._recognition.cancel()

    async def _look(self, speech_s: float, then: Callable[[], None]) -> None:
        try:
            async with asyncio.timeout(self._engine.capabilities.deadline_s + OVERDUE_S):
                heard = await self._recognition.partial()
        except (NekoError, TimeoutError) as error:
            logger.debug("no words so far: %s", type(error).__name__)  # the final look tells
        except asyncio.CancelledError:
            if is_cancelled():
                raise
        else:
            self._partial = Partial(heard, speech_s)
            self._looking = None
            then()


def _believed(heard: Heard) -> str:
    return "" if heard.no_speech > NO_SPEECH else heard.text.strip()
