"""A recogniser that takes an utterance as a whole: what is fed is kept, and looked at when words are wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from neko.hearing_errors import HearingSilentError
from neko.types.hearing import HEARING_RATE, Heard, HearingCapabilities, HearingHints

LONGEST_S: Final = 180.0
"""Seconds of one utterance that are kept."""

Transcribe = Callable[[bytes, HearingHints], Awaitable[Heard]]
"""The words of PCM16 mono at ``HEARING_RATE``. Raises ``HearingError``; when nobody wants them any more, it is
cancelled."""


class BufferedRecognition:
    """``Recognition`` over a function that transcribes a whole recording, by the deadline of ``engine``. Who waits
    for words when it is cancelled gets none."""

    def __init__(
        self, engine: HearingCapabilities, utterance_id: str, hints: HearingHints, transcribe: Transcribe
    ) -> None:
        self._engine = engine
        self._id = utterance_id
        self._hints = hints
        self._transcribe = transcribe
        self._sound = bytearray()
        self._cancelled = asyncio.Event()
        self._deadline: asyncio.Timeout | None = None

    def feed(self, pcm: bytes) -> None:
        room = int(HEARING_RATE * LONGEST_S) * 2 - len(self._sound)
        self._sound += pcm[:room]

    async def partial(self) -> Heard:
        return await self._words(final=False)

    async def finish(self) -> Heard:
        return await self._words(final=True)

    def cancel(self) -> None:
        self._cancelled.set()
        self._sound.clear()
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())

    async def _words(self, *, final: bool) -> Heard:
        nothing = Heard(self._id, "", final)
        if len(self._sound) < 2:
            return nothing
        pcm = bytes(self._sound[: len(self._sound) & ~1])
        try:
            async with asyncio.timeout(self._engine.deadline_s) as self._deadline:
                heard = await self._transcribe(pcm, self._hints)
        except TimeoutError:
            if self._cancelled.is_set():
                return nothing
            raise HearingSilentError("no words in time", engine=self._engine.name) from None
        finally:
            self._deadline = None
        return replace(heard, utterance_id=self._id, final=final)
