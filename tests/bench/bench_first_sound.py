"""From a reply's first words to its first frame: the built-in voice next to a bare espeak-ng call, and services that
are far away next to a round trip to them.

The floor is ``espeak_Synth`` by ctypes, timed from the call to its first callback with sound. Ours
is from ``SpeechPipeline.feed`` and ``finish`` to the first ``on_audio``: cutting, cleaning, two thread hops,
shaping and resampling on top. Both are warm and take turns in one process.

A scripted service makes its sound at once, so that all the time is the way there and back. Nothing was said for longer
than a connection is kept; the model thinks for a while, during which a connection can be made.
"""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from neko.audio.engines.cosyvoice import CosyVoiceCloud
from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.espeak_library import host
from neko.audio.engines.gpt_sovits import GPTSoVITS
from neko.audio.engines.qwen_speech import QwenSpeech
from neko.audio.engines.service import SpeechServer
from neko.audio.engines.socket_speech import SocketSpeech
from neko.audio.engines.step_speech import StepSpeech
from neko.audio.speech_pipeline import SpeechPipeline
from neko.net import Network
from neko.tasks import TaskOwner
from neko.types.speech import SpeechEngine, VoiceSettings
from tests import speech_protocols
from tests.bench.far_service import far_away
from tests.bench.figures import median, ms, show
from tests.socket_service import Conversation, SocketService

ROUNDS = 60
WARM_UP = 5
TEXTS = {
    "en": ("en-us", "Good morning! I made some tea for you."),
    "zh-CN": ("cmn", "早上好！我给你泡了茶。"),
    "ja": ("ja", "おはようございます。お茶をどうぞ。"),
    "ko": ("ko", "좋은 아침이에요. 차를 끓였어요."),
}
UTF8 = 1
ONE_WAY_S = 0.03
THINKS_S = 0.4
SERVICE_ROUNDS = 10
SERVICES: dict[type[SocketSpeech], Callable[[Conversation], Awaitable[None]]] = {
    QwenSpeech: speech_protocols.qwen,
    CosyVoiceCloud: speech_protocols.cosyvoice_cloud,
    StepSpeech: speech_protocols.step,
    GPTSoVITS: speech_protocols.gpt_sovits,
}


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

    def __init__(self, engine: SpeechEngine, executor: ThreadPoolExecutor, owner: TaskOwner) -> None:
        self._first = 0.0
        self._ended = asyncio.Event()
        self.engine = engine
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
        first = FirstFrame(EspeakEngine(), executor, owner)
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


async def measure_services() -> None:
    executor = ThreadPoolExecutor(max_workers=2)
    async with TaskOwner("bench") as owner:
        for build, talk in SERVICES.items():
            async with SocketService(talk) as service, far_away(service.port, ONE_WAY_S) as port:
                server = SpeechServer("Scripted", f"ws://127.0.0.1:{port}", "m", "k")
                times: dict[bool, list[float]] = {False: [], True: []}
                for _ in range(SERVICE_ROUNDS):
                    for expected in times:
                        first = FirstFrame(build(server, Network()), executor, owner)
                        if expected:
                            first.speaker.expect(VoiceSettings())
                        await asyncio.sleep(THINKS_S)
                        times[expected].append(await first.measure(TEXTS["en"][1], "en"))
                        await first.speaker.aclose()
                for expected, name in ((False, "connected then"), (True, "connected while the model thinks")):
                    taken = median(times[expected])
                    show(f"{build.kind}, {name}", ms(taken), ms(2 * ONE_WAY_S), taken / (2 * ONE_WAY_S))
    executor.shutdown()


def main() -> None:
    asyncio.run(measure())
    asyncio.run(measure_services())


if __name__ == "__main__":
    main()
