"""A recogniser that says what it is told to have heard, and keeps the sound that it got."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from neko.types.hearing import Heard, HearingCapabilities, HearingHints


@dataclass(frozen=True, slots=True)
class Words:
    """What one utterance is heard as. ``partials``: what the looks before the last one get, in turn, the last of them
    again and again. ``stall``: the final words wait for ``ScriptedHearing.release``."""

    text: str = "hello there"
    partials: Sequence[str] = ()
    no_speech: float = 0.0
    error: Exception | None = None
    stall: bool = False


@dataclass(slots=True)
class ScriptedRecognition:
    utterance_id: str
    hints: HearingHints
    words: Words
    released: asyncio.Event
    asked: asyncio.Condition
    sound: bytearray = field(default_factory=bytearray)
    looks: int = 0
    finished: bool = False
    cancelled: bool = False

    def feed(self, pcm: bytes) -> None:
        assert not self.finished, "sound after the end"
        self.sound += pcm

    async def partial(self) -> Heard:
        partials = self.words.partials
        text = partials[min(self.looks, len(partials) - 1)] if partials else self.words.text
        async with self.asked:
            self.looks += 1
            self.asked.notify_all()
        return await self._heard(text, final=False)

    async def finish(self) -> Heard:
        self.finished = True
        return await self._heard(self.words.text, final=True)

    def cancel(self) -> None:
        self.cancelled = True

    async def _heard(self, text: str, *, final: bool) -> Heard:
        if self.words.stall:
            await self.released.wait()
        if self.words.error:
            raise self.words.error
        return Heard(self.utterance_id, text, final, "en", 0.9, self.words.no_speech)


class ScriptedHearing:
    """Each utterance takes the next ``Words`` of the script, then the plain ones."""

    def __init__(self, *words: Words, local: bool = True, streaming: bool = False, deadline_s: float = 20.0) -> None:
        self.capabilities = HearingCapabilities("scripted", local, streaming, deadline_s=deadline_s)
        self.utterances: list[ScriptedRecognition] = []
        self.prewarmed = 0
        self.closed = False
        self._words = deque(words)
        self._released = asyncio.Event()
        self._asked = asyncio.Condition()

    def script(self, *words: Words) -> None:
        """Queue more."""
        self._words.extend(words)

    async def looked(self, utterances: int) -> None:
        """Wait until the words of so many utterances were asked for."""
        async with asyncio.timeout(10), self._asked:
            await self._asked.wait_for(lambda: sum(bool(one.looks) for one in self.utterances) >= utterances)

    def release(self) -> None:
        """Let stalled words come."""
        self._released.set()

    async def prewarm(self) -> None:
        self.prewarmed += 1

    def begin(self, utterance_id: str, hints: HearingHints) -> ScriptedRecognition:
        words = self._words.popleft() if self._words else Words()
        recognition = ScriptedRecognition(utterance_id, hints, words, self._released, self._asked)
        self.utterances.append(recognition)
        return recognition

    async def aclose(self) -> None:
        self.closed = True
