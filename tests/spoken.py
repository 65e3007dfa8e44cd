"""Speech for microphones of tests: made by the built-in voice, once per text."""

from __future__ import annotations

import asyncio
from functools import cache

from neko.audio.engines.espeak import EspeakEngine
from neko.audio.resample import PcmStream
from neko.audio.speech_pipeline import say
from neko.types.hearing import HEARING_RATE
from neko.types.speech import SpeechEngine, Utterance

FRAME = 2 * HEARING_RATE // 50
"""Bytes of 20 ms."""


def quiet(seconds: float) -> bytes:
    """PCM16 at ``HEARING_RATE``."""
    return bytes(2 * round(seconds * HEARING_RATE))


async def spoken(text: str, language: str = "en") -> bytes:
    """PCM16 mono at ``HEARING_RATE``, without the quiet around it."""
    return await asyncio.to_thread(_spoken, text, language)


@cache
def _spoken(text: str, language: str) -> bytes:
    return asyncio.run(_say(text, language))


async def _say(text: str, language: str) -> bytes:
    return await said(EspeakEngine(), text, language)


async def said(engine: SpeechEngine, text: str, language: str) -> bytes:
    """What ``spoken`` gives, by another voice, which is closed."""
    try:
        sound = await say(engine, Utterance(text, language))
    finally:
        await engine.aclose()
    converter = PcmStream(48_000, HEARING_RATE)
    return trimmed(converter.process(sound) + converter.flush())


def trimmed(pcm: bytes, loud: int = 200) -> bytes:
    """Without the quiet around it."""
    import numpy as np

    samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2")
    heard = np.flatnonzero(np.abs(samples) > loud)
    return bytes(samples[heard[0] : heard[-1] + 1].tobytes()) if len(heard) else b""
