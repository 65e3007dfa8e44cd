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
    "zh-TW": "我給你泡了茶，小貓又在你的椅子上睡著了。",
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


def pitches(sound: Samples) -> Samples:
    """Hz of the voiced parts, by autocorrelation."""
    found = []
    for at in range(0, len(sound) - 2048, 1024):
        frame = sound[at : at + 2048] - sound[at : at + 2048].mean()
        if np.sqrt((frame**2).mean()) < 0.03:
            continue
        likeness = np.correlate(frame, frame, "full")[2047:]
        period = RATE // 500 + int(np.argmax(likeness[RATE // 500 : RATE // 90]))
        if likeness[period] > 0.5 * likeness[0]:
            found.append(RATE / period)
    return np.array(found)


def fundamental(sound: Samples) -> float:
    return float(np.median(pitches(sound)))


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


@pytest.mark.parametrize(
    ("language", "least", "most"), [("en", 4, 6), ("zh-CN", 4, 6), ("zh-TW", 4, 6), ("ja", 3, 6), ("ko", 3, 6)]
)
async def test_it_speaks_at_a_natural_pace(engine: EspeakEngine, language: str, least: float, most: float) -> None:
    assert least < seconds(await spoken(engine, language)) < most


async def test_english_has_150_to_170_words_a_minute_with_its_pauses(engine: EspeakEngine) -> None:
    story = (
        "I walked along the river this morning and saw two herons standing in the shallow water.",
        "They did not move at all while the boats went past them.",
        "My sister is coming on Friday with her new dog, and I have not cleaned the kitchen yet!",
        "Do you think she will notice?",
    )
    sound = [await say(engine, Utterance(sentence, "en", VoiceSettings())) for sentence in story]
    minutes = sum(map(len, sound)) / 2 / RATE / 60
    assert 150 < len(" ".join(story).split()) / minutes < 170


@LANGUAGES
async def test_a_breath_follows_a_sentence_and_a_short_pause_a_piece_of_one(
    engine: EspeakEngine, language: str
) -> None:
    def silence_ms(pcm: bytes) -> int:
        sound = np.frombuffer(pcm, "<i2").astype(np.float64) / 32768
        return 10 * int(len(sound) // 480 - np.flatnonzero(loudness(sound) > 0.005)[-1])

    whole, piece = TEXTS[language], TEXTS[language][:-1] + ","
    said = [await say(engine, Utterance(text, language, VoiceSettings())) for text in (whole, f"“{whole}”", piece)]
    breath, quoted, short = map(silence_ms, said)
    assert 350 <= breath <= 500
    assert 350 <= quoted <= 500
    assert 100 <= short <= 250


@LANGUAGES
async def test_its_melody_moves(engine: EspeakEngine, language: str) -> None:
    low, high = np.percentile(pitches(await spoken(engine, language)), [5, 95])
    assert 12 * np.log2(high / low) > 3


@LANGUAGES
async def test_it_begins_and_ends_without_a_click_and_soon(engine: EspeakEngine, language: str) -> None:
    sound = await spoken(engine, language)
    assert np.abs(sound[:48]).max() < 0.01
    assert np.abs(sound[-48:]).max() < 0.01
    heard = np.flatnonzero(loudness(sound) > 0.005)
    assert heard[0] < 10


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
