"""Who hears a speech pipeline in its tests, and a reply said to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from neko.audio.speech_pipeline import SpeechPipeline
from neko.errors import NekoError
from neko.types.speech import SpeechEngine, VoiceSettings

VOICE = VoiceSettings()
SECONDS = 5.0


@dataclass(slots=True)
class Listener:
    """Gets all that a speaker tells. While ``gate`` is not set it does not take the next frame."""

    frames: list[tuple[str, bytes]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    faults: list[NekoError] = field(default_factory=list)
    sentences: list[tuple[str, str, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    taking: asyncio.Event = field(default_factory=asyncio.Event)
    on_frame: Callable[[], None] = lambda: None
    on_fault: Callable[[], None] = lambda: None

    def fault(self, error: NekoError) -> None:
        self.faults.append(error)
        self.on_fault()

    async def on_audio(self, speech_id: str, frame: bytes) -> None:
        self.taking.set()
        await self.gate.wait()
        self._take(speech_id, frame)

    def on_audio_now(self, speech_id: str, frame: bytes) -> bool:
        if self.gate.is_set():
            self._take(speech_id, frame)
        return self.gate.is_set()

    def _take(self, speech_id: str, frame: bytes) -> None:
        self.frames.append((speech_id, frame))
        self.on_frame()
        self.news.set()

    def on_end(self, speech_id: str) -> None:
        self.ended.append(speech_id)
        self.done.set()

    done: asyncio.Event = field(default_factory=asyncio.Event)

    def on_sentence(self, speech_id: str, text: str, language: str) -> None:
        self.sentences.append((speech_id, text, language))

    async def end(self, count: int = 1) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self.ended) < count:
                self.done.clear()
                await self.done.wait()

    async def sound(self, count: int) -> None:
        """Wait for so many frames."""
        async with asyncio.timeout(SECONDS):
            while len(self.frames) < count:
                self.news.clear()
                await self.news.wait()

    def pcm(self, speech_id: str = "a") -> bytes:
        return b"".join(frame for name, frame in self.frames if name == speech_id)

    def seconds(self, speech_id: str = "a") -> float:
        return len(self.pcm(speech_id)) / 96_000


Build = Callable[[SpeechEngine], SpeechPipeline]


def say(speaker: SpeechPipeline, text: str, speech_id: str = "a", language: str = "en") -> None:
    speaker.begin(speech_id, VOICE, language)
    for at in range(0, len(text), 4):
        speaker.feed(text[at : at + 4])
    speaker.finish()
