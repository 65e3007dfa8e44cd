"""The natural voices with their real models: the suite of engines, and how they sound, by measuring."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from neko.audio.engines.by_script import BuiltinVoice
from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.hibari import hibari
from neko.audio.engines.model_voice import ModelVoice, SpeechModel
from neko.audio.speech_pipeline import say
from neko.types.speech import SpeechEngine, Utterance, VoiceSettings
from tests.audio.test_voice import TEXTS, fundamental, loudness, seconds
from tests.seams.speech_engine import Subject, VoiceBehaviour

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


def the(model: SpeechModel) -> SpeechModel:
    """What is not installed fails the test: nothing is skipped."""
    assert model.installed(), f"{model.name} is not installed: `make test-real` installs it"
    return model


async def subject_of(model: SpeechModel) -> AsyncIterator[Subject]:
    engine = ModelVoice(the(model))

    async def stopped() -> None:
        worker = model.borrow()
        try:
            began = time.monotonic()
            await asyncio.get_running_loop().run_in_executor(worker, time.monotonic)
            assert time.monotonic() - began < 1.0
        finally:
            model.give_back()

    await engine.prewarm("en")
    yield Subject(engine, lambda: ModelVoice(model), stopped)
    await engine.aclose()


class TestHibari(VoiceBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async for subject in subject_of(hibari()):
            yield subject


async def samples(engine: SpeechEngine, text: str, language: str, **voice: float) -> np.ndarray:
    pcm = await say(engine, Utterance(text, language, VoiceSettings(**voice)))  # type: ignore[arg-type]
    return np.frombuffer(pcm, "<i2").astype(np.float64) / 32768


def level(sound: np.ndarray) -> float:
    """RMS of what is voiced, dB of full scale."""
    voiced = loudness(sound)
    voiced = voiced[voiced > 0.02]
    return float(20 * np.log10(np.sqrt((voiced**2).mean())))


MODELS = pytest.mark.parametrize(("model", "language"), [(hibari, "en")])


@MODELS
async def test_a_model_is_as_loud_as_espeak(model: Callable[[], SpeechModel], language: str) -> None:
    other, engine = EspeakEngine(), ModelVoice(the(model()))
    natural, plain = [await samples(it, TEXTS[language], language) for it in (engine, other)]
    assert level(natural) == pytest.approx(level(plain), abs=3)
    assert np.abs(natural).max() < 0.9
    await engine.aclose()
    await other.aclose()


@MODELS
async def test_rate_and_pitch_are_heard(model: Callable[[], SpeechModel], language: str) -> None:
    engine = ModelVoice(the(model()))
    usual = await samples(engine, TEXTS[language], language)
    fast = await samples(engine, TEXTS[language], language, rate=1.5)
    high = await samples(engine, TEXTS[language], language, pitch=4)
    assert seconds(fast) == pytest.approx(seconds(usual) / 1.5, rel=0.2)
    assert seconds(high) == pytest.approx(seconds(usual), rel=0.15)
    assert fundamental(high) > 1.12 * fundamental(usual)
    await engine.aclose()


@MODELS
async def test_sound_begins_soon_after_it_is_heard_to_begin(model: Callable[[], SpeechModel], language: str) -> None:
    engine = ModelVoice(the(model()))
    heard = np.flatnonzero(loudness(await samples(engine, TEXTS[language], language)) > 0.005)
    assert heard[0] < 10
    await engine.aclose()


async def test_english_is_natural_by_itself_and_the_rest_is_still_spoken() -> None:
    engine, alone, plain = BuiltinVoice(), ModelVoice(the(hibari())), EspeakEngine()
    for text, language, speaker in ((TEXTS["en"], "en", alone), ("Guten Tag, wie geht es dir?", "de", plain)):
        mine, theirs = await samples(engine, text, language), await samples(speaker, text, language)
        assert len(mine) == pytest.approx(len(theirs), rel=0.02)
    for one in (engine, alone, plain):
        await one.aclose()
