"""A model of a voice whose sound is a tone, and which does what a test wants."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neko.audio.engines.model_voice import SpeechModel
from neko.types.speech import OfferedVoice

if TYPE_CHECKING:
    from neko.audio.engines.model_voice import Samples


class ScriptedVoiceModel(SpeechModel):
    """Each letter is 50 ms of a tone with silence around the whole. ``said``: (clause, language, voice, speed).

    ``load_fault``, ``sound_fault``: raised. ``held``: sound waits until it is set, or until it is cancelled.
    """

    name = "scripted"
    packages = ("tests.scripted_voice_model",)

    def __init__(self, languages: Sequence[str] = ("en",), *, slow: bool = False, tone: float = 220.0) -> None:
        super().__init__()
        self.languages = self.reads = frozenset(languages)
        self.slow = slow
        self.tone = tone
        self.said: list[tuple[str, str, str, float]] = []
        self.load_fault: Exception | None = None
        self.sound_fault: Exception | None = None
        self.held: threading.Event | None = None
        self.loads = self.unloads = 0
        self.stops = 0

    def voices(self) -> Sequence[OfferedVoice]:
        return (OfferedVoice("tone", "Tone", "woman", "en", "CC0-1.0"),)

    def load(self) -> None:
        self.loads += 1
        if self.load_fault:
            raise self.load_fault

    def unload(self) -> None:
        self.unloads += 1

    def sound(self, clause: str, language: str, voice: str, speed: float, cancelled: threading.Event) -> Samples:
        self.said.append((clause, language, voice, speed))
        if self.sound_fault:
            raise self.sound_fault
        while self.held and not cancelled.is_set() and not self.held.wait(0.01):
            pass
        samples = round(0.05 * self.rate * len(clause) / speed)
        at = np.arange(samples) / self.rate
        silence = np.zeros(self.rate // 4, np.float32)
        tone = (0.2 * np.sin(2 * np.pi * self.tone * at)).astype(np.float32)
        return np.concatenate([silence, tone, silence])

    def stop(self, cancelled: threading.Event) -> None:
        self.stops += 1

    async def idle(self) -> None:
        """Until its thread has nothing more to do."""
        worker = self.borrow()
        try:
            await asyncio.get_running_loop().run_in_executor(worker, threading.get_ident)
        finally:
            self.give_back()
