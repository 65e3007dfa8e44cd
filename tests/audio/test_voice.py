"""How the built-in voice sounds, by measuring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from neko.audio.engines.espeak import EspeakEngine
from neko.audio.speech_pipeline import say
from neko.types.speech import Utterance, VoiceSettings

RATE = 48_000
TEXTS = {
    "en": "I made some tea for you, and the cat is sleeping on your chair again.",
    "zh-CN": "我给你泡了茶，小猫又在你的椅子上睡着了。",
    "ja": "お茶を入れました、猫がまたあなたの椅子で寝ています。",
    "ko": "차를 끓였어요, 고양이가 또 의자에서 자고 있어요.",
}
LANGUAGES = pytest.mark.parametrize("language", TEXTS)
Samples = np.ndarray[Any, np.dtype[np.float64]]


@pytest.fixture
async def engine() -> AsyncIterator[EspeakEngine]:
    engine = EspeakEngine()
    yield engine
    await engine.aclose()


async def spoken(engine: EspeakEngine, language: str, **voice: float) -> Samples:
    pcm = await say(engine, Utterance(TEXTS[language], language, VoiceSettings(**voice)))  # type: ignore[arg-type]
    return np.frombuffer(pcm, "<i2").astype(np.float64) / 32768


def loudness(sound: Samples) -> Samples:
    """RMS of each 10 ms."""
    frames: Samples = sound[: len(sound) // 480 * 480].reshape(-1, 480)
    loud: Samples = np.sqrt((frames**2).mean(axis=1))
    return loud


def seconds(sound: Samples) -> float:
    """From the first to the last moment with sound."""
    heard = np.flatnonzero(loudness(sound) > 0.005)
    return float(heard[-1] - heard[0] + 1) / 100


def fundamental(sound: Samples) -> float:
    """Median pitch in Hz of the voiced parts, by autocorrelation."""
    found = []
    for at in range(0, len(sound) - 2048, 1024):
        frame = sound[at : at + 2048] - sound[at : at + 2048].mean()
        if np.sqrt((frame**2).mean()) < 0.03:
            continue
        likeness = np.correlate(frame, frame, "full")[2047:]
        period = RATE // 500 + int(np.argmax(likeness[RATE // 500 : RATE // 90]))
        if likeness[period] > 0.5 * likeness[0]:
            found.append(RATE / period)
    return float(np.median(found))


@LANGUAGES
async def test_it_is_loud_enough_and_does_not_clip(engine: EspeakEngine, language: str) -> None:
    sound = await spoken(engine, language)
    voiced = loudness(sound)
    voiced = voiced[voiced > 0.02]
    assert -23 < 20 * np.log10(np.sqrt((voiced**2).mean())) < -14
    assert np.abs(sound).max() < 0.9


@LANGUAGES
async def test_no_hole_is_heard_inside_a_sentence(engine: EspeakEngine, language: str) -> None:
    heard = np.flatnonzero(loudness(await spoken(engine, language)) > 0.005)
    assert np.diff(heard).max() * 10 < 300


@pytest.mark.parametrize(("language", "least", "most"), [("en", 3, 5), ("zh-CN", 3, 5), ("ja", 2.5, 5), ("ko", 2.5, 5)])
async def test_it_speaks_at_a_natural_pace(engine: EspeakEngine, language: str, least: float, most: float) -> None:
    assert least < seconds(await spoken(engine, language)) < most


@LANGUAGES
async def test_it_begins_and_ends_without_a_click_and_soon(engine: EspeakEngine, language: str) -> None:
    sound = await spoken(engine, language)
    assert np.abs(sound[:48]).max() < 0.01
    assert np.abs(sound[-48:]).max() < 0.01
    heard = np.flatnonzero(loudness(sound) > 0.005)
    assert heard[0] < 10
    assert len(sound) / 480 - heard[-1] < 25


@LANGUAGES
async def test_it_is_a_womans_voice_without_hiss(engine: EspeakEngine, language: str) -> None:
    sound = await spoken(engine, language)
    assert 190 < fundamental(sound) < 260
    power = np.abs(np.fft.rfft(sound)) ** 2
    at = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert power[at > 6000].sum() < 0.001 * power.sum()
    assert power[(at > 1000) & (at < 3000)].sum() > 0.05 * power.sum()


async def test_pitch_moves_the_fundamental(engine: EspeakEngine) -> None:
    low, usual, high = [fundamental(await spoken(engine, "en", pitch=pitch)) for pitch in (-4, 0, 4)]
    assert low * 1.1 < usual < high / 1.1


@pytest.mark.parametrize("rate", [0.75, 1.5])
async def test_rate_changes_how_long_it_takes(engine: EspeakEngine, rate: float) -> None:
    usual, other = seconds(await spoken(engine, "en")), seconds(await spoken(engine, "en", rate=rate))
    assert other == pytest.approx(usual / rate, rel=0.15)


@pytest.mark.parametrize("voice", [{"rate": 0.0}, {"rate": 99.0}, {"pitch": 99.0}, {"pitch": -99.0}])
async def test_settings_beyond_all_bounds_are_still_speech(engine: EspeakEngine, voice: dict[str, float]) -> None:
    assert seconds(await spoken(engine, "en", **voice)) > 0.5
