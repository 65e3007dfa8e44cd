"""A recogniser that takes an utterance as a whole: what is fed is kept, and looked at when words are wanted."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from neko.types.hearing import HEARING_RATE, Heard, HearingHints

logger = logging.getLogger(__name__)

LONGEST_S = 180.0
"""Seconds of one utterance that are kept."""

Transcribe = Callable[[bytes, HearingHints], Awaitable[Heard]]
"""The words of PCM16 mono at ``HEARING_RATE``. Raises ``HearingError``."""


class BufferedRecognition:
    """``Recognition`` over a function that transcribes a whole recording."""

    def __init__(self, utterance_id: str, hints: HearingHints, transcribe: Transcribe) -> None:
        self._id = utterance_id
        self._hints = hints
        self._transcribe = transcribe
        self._sound = bytearray()
        self._cancelled = False

    def feed(self, pcm: bytes) -> None:
        if len(self._sound) < 2 * HEARING_RATE * LONGEST_S:
            self._sound += pcm

    async def partial(self) -> Heard:
        return await self._words(final=False)

    async def finish(self) -> Heard:
        return await self._words(final=True)

    def cancel(self) -> None:
        self._cancelled = True
        self._sound.clear()

    async def _words(self, *, final: bool) -> Heard:
        if self._cancelled or not self._sound:
            return Heard(self._id, "", final)
        heard = await self._transcribe(bytes(self._sound), self._hints)
        return Heard(self._id, heard.text, final, heard.language, heard.confidence, heard.no_speech)
