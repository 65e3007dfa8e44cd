"""The voices on this computer: first sound and real-time factor, each next to espeak-ng saying the same.

From the text to the first converted sound, warm; the real-time factor is the time for all of it, by its length. What is
not installed is said. Floor: espeak-ng, in turns with the model in the same process.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

from neko.audio.engines import kokoro
from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.hibari import hibari
from neko.audio.engines.model_voice import ModelVoice, SpeechModel
from neko.audio.engines.open_jtalk import open_jtalk
from neko.audio.resample import SPEAKER_RATE, PcmStream
from neko.types.speech import SpeechEngine, Utterance
from tests.bench.figures import median, ms, show

ROUNDS = 7
VOICES: tuple[tuple[Callable[[], SpeechModel], str, str], ...] = (
    (hibari, "en", "I made some tea for you, and the cat is sleeping on your chair again."),
    (open_jtalk, "ja", "お茶を入れました、猫がまたあなたの椅子で寝ています。"),
    (kokoro.japanese, "ja", "お茶を入れました、猫がまたあなたの椅子で寝ています。"),
    (kokoro.chinese, "zh-CN", "我给你泡了茶，小猫又在你的椅子上睡着了。"),
)


async def say(engine: SpeechEngine, text: str, language: str) -> tuple[float, float]:
    """Seconds to the first sound, and to all of it by how long it is."""
    stream = PcmStream(engine.capabilities.sample_rate)
    began, first, size = time.perf_counter(), 0.0, 0
    async for piece in engine.synthesise(Utterance(text, language), stream.process):
        first = first or time.perf_counter() - began
        size += len(piece)
    return first, (time.perf_counter() - began) / (size / 2 / SPEAKER_RATE)


async def measure(model: SpeechModel, language: str, text: str) -> None:
    name = f"{model.name}, {language}"
    if not model.installed():
        show(name, "not installed")
        return
    natural, plain = ModelVoice(model), EspeakEngine()
    began = time.perf_counter()
    await natural.prewarm(language)
    show(f"{name}: loaded and warm", ms(time.perf_counter() - began))
    await plain.prewarm(language)
    rounds = [[await say(engine, text, language) for engine in (natural, plain)] for _ in range(ROUNDS)]
    first, factor = ([[one[which][kind] for one in rounds] for which in (0, 1)] for kind in (0, 1))
    show(f"{name}: first sound", ms(median(first[0])), ms(median(first[1])))
    show(f"{name}: real-time factor", f"{median(factor[0]):.3f}", f"{median(factor[1]):.3f}")
    for engine in (natural, plain):
        await engine.aclose()


async def main() -> None:
    for make, language, text in VOICES:
        await measure(make(), language, text)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
