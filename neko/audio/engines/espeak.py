"""The built-in voice: espeak-ng on this machine, shaped to be pleasant."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor

from neko.audio.engines.espeak_library import host
from neko.audio.engines.japanese import to_kana
from neko.audio.engines.shaping import Shaper
from neko.types import Convert, SpeechCapabilities, Utterance

HandOver = Callable[[bytes | None], None]

_VARIANT = "f3"
_VOICES = {
    "en": "en-us", "zh": "cmn", "ja": "ja", "ko": "ko", "de": "de", "fr": "fr-fr", "es": "es", "it": "it",
    "pt": "pt-br", "ru": "ru", "nl": "nl", "pl": "pl", "sv": "sv", "tr": "tr", "vi": "vi", "id": "id",
}  # fmt: skip
_PACE = {"en": 168, "zh": 185, "ja": 175, "ko": 175}
_USUAL_PACE = 165
_USUAL_PITCH = 62
_PITCH_PER_SEMITONE = 4.0


class EspeakEngine:
    """``VoiceSettings.voice`` may name another variant of espeak-ng ("f2", "Annie", "m3", …)."""

    def __init__(self) -> None:
        self._host = host()
        self.capabilities = SpeechCapabilities("builtin", self._host.rate, local=True)
        self._running: set[threading.Event] = set()
        self._borrowed: ThreadPoolExecutor | None = None

    async def prewarm(self) -> None:
        """Load the library; raises ``SpeechError`` when the voice is not installed."""
        await asyncio.get_running_loop().run_in_executor(self._worker(), self._host.load)

    async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
        """See ``SpeechEngine``."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        cancelled = threading.Event()
        self._running.add(cancelled)

        def hand_over(piece: bytes | None) -> None:
            if not cancelled.is_set():
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        job = loop.run_in_executor(self._worker(), self._job, utterance, convert, hand_over, cancelled)
        try:
            while (piece := await pieces.get()) is not None:
                if piece:
                    yield piece
            await job
        finally:
            cancelled.set()
            self._running.discard(cancelled)

    def _worker(self) -> ThreadPoolExecutor:
        if self._borrowed is None:
            self._borrowed = self._host.borrow()
        return self._borrowed

    def _job(self, utterance: Utterance, convert: Convert, hand_over: HandOver, cancelled: threading.Event) -> None:
        try:
            self._speak(utterance, convert, hand_over, cancelled)
        finally:
            hand_over(None)

    def _speak(self, utterance: Utterance, convert: Convert, hand_over: HandOver, cancelled: threading.Event) -> None:
        if cancelled.is_set():
            return
        language = utterance.language.split("-")[0].lower()
        text = to_kana(utterance.text) if language == "ja" else utterance.text
        shaper = Shaper(self._host.rate)
        voice = utterance.voice
        self._host.speak(
            text,
            f"{_VOICES.get(language, 'en-us')}+{voice.voice or _VARIANT}",
            words_per_minute=round(min(450, max(80, _PACE.get(language, _USUAL_PACE) * voice.rate))),
            pitch=round(min(100, max(0, _USUAL_PITCH + _PITCH_PER_SEMITONE * voice.pitch))),
            on_sound=lambda pcm: hand_over(convert(shaper.process(pcm))),
            cancelled=cancelled,
        )
        hand_over(convert(shaper.finish()))

    async def aclose(self) -> None:
        """Cancel what is being said. The library stays, it belongs to the process."""
        for cancelled in self._running:
            cancelled.set()
        if self._borrowed is not None:
            self._borrowed = None
            self._host.give_back()
