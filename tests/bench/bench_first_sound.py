"""The built-in voice: from a reply's first words to its first frame, next to a bare espeak-ng call.

The floor is ``espeak_Synth`` by ctypes, timed from the call to its first callback with sound. Ours
is from ``SpeechPipeline.feed`` and ``finish`` to the first ``on_audio``: cutting, cleaning, two thread hops,
shaping and resampling on top. Both are warm and take turns in one process.
"""

from __future__ import annotations

import asyncio
import ctypes
import time
from concurrent.futures import ThreadPoolExecutor

from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.espeak_library import host
from neko.audio.speech_pipeline import SpeechPipeline
from neko.tasks import TaskOwner
from neko.types.speech import VoiceSettings
from tests.bench.figures import median, ms, show

ROUNDS = 60
WARM_UP = 5
TEXTS = {
    "en": ("en-us", "Good morning! I made some tea for you."),
    "zh-CN": ("cmn", "早上好！我给你泡了茶。"),
    "ja": ("ja", "おはようございます。お茶をどうぞ。"),
    "ko": ("ko", "좋은 아침이에요. 차를 끓였어요."),
}
UTF8 = 1


class BareEspeak:
    """The library without Neko around it; it shares its state with the host and takes turns with it."""

    def __init__(self) -> None:
        self._host = host()
        self._host.load()
        self._library = self._host._library
        self._callback = type(self._host._callback)(self._receive)
        self._first = 0.0

    def first_sound(self, voice: str, text: str) -> float:
        """Seconds from the call to the first sound, the voice already chosen."""
        self._first = 0.0
        self._library.espeak_SetVoiceByName(voice.encode())
        self._library.espeak_SetSynthCallback(self._callback)
        encoded = text.encode() + b"\0"
        began = time.perf_counter()
        self._library.espeak_Synth(encoded, len(encoded), 0, 1, 0, UTF8, None, None)
        self._library.espeak_SetSynthCallback(self._host._callback)
        return self._first - began

    def _receive(self, samples: ctypes.Array[ctypes.c_short], count: int, _events: int) -> int:
        if not (samples and count > 0):
            return 0
        self._first = time.perf_counter()
        return 1


class FirstFrame:
    """Times how long a speaker takes to its first frame and to the end of the reply."""

    def __init__(self, executor: ThreadPoolExecutor, owner: TaskOwner) -> None:
        self._first = 0.0
        self._ended = asyncio.Event()
        self.engine = EspeakEngine()
        self.speaker = SpeechPipeline(
            self.engine,
            executor,
            owner=owner,
            on_audio=self._on_audio,
            on_end=lambda _: self._ended.set(),
            on_fault=print,
        )

    async def _on_audio(self, _speech_id: str, _frame: bytes) -> None:
        self._first = self._first or time.perf_counter()

    async def measure(self, text: str, language: str) -> float:
        self._first = 0.0
        self._ended.clear()
        began = time.perf_counter()
        self.speaker.begin("s", VoiceSettings(), language)
        self.speaker.feed(text)
        self.speaker.finish()
        async with asyncio.timeout(10):
            await self._ended.wait()
        return self._first - began


async def measure() -> None:
    executor = ThreadPoolExecutor(max_workers=2)
    async with TaskOwner("bench") as owner:
        first = FirstFrame(executor, owner)
        began = time.perf_counter()
        await first.engine.prewarm()
        show("loading the built-in voice (once)", ms(time.perf_counter() - began))
        worker = host().borrow()
        bare = await asyncio.get_running_loop().run_in_executor(worker, BareEspeak)
        for language, (voice, text) in TEXTS.items():
            ours, floors = [], []
            for number in range(WARM_UP + ROUNDS):
                floor = await asyncio.get_running_loop().run_in_executor(worker, bare.first_sound, f"{voice}+f2", text)
                taken = await first.measure(text, language)
                if number >= WARM_UP:
                    ours.append(taken)
                    floors.append(floor)
            taken, floor = median(ours), median(floors)
            show(f"first words → first frame, {language}", ms(taken), ms(floor), taken / floor)
        host().give_back()
        await first.speaker.aclose()
    executor.shutdown()


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
