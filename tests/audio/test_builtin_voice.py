"""Which engine speaks which sentence, and what happens when it cannot."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import numpy as np
import pytest

from neko.audio.engines import by_script, model_voice
from neko.audio.engines.by_script import BuiltinVoice
from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.model_voice import ModelVoice, SpeechModel
from neko.audio.resample import SPEAKER_RATE
from neko.audio.speech_pipeline import say
from neko.errors import SpeechError
from neko.speech_errors import LocalVoiceError
from neko.types.speech import Convert, Utterance, VoiceSettings
from tests.scripted_voice_model import ScriptedVoiceModel

TEXT = "Hello there."
Build = Callable[..., BuiltinVoice]


class EspeakLog:
    """What espeak-ng is asked to say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[tuple[str, str]] = []
        speak = EspeakEngine.synthesise

        def logged(engine: EspeakEngine, utterance: Utterance, convert: Convert) -> object:
            self.said.append((utterance.text, utterance.language))
            return speak(engine, utterance, convert)

        monkeypatch.setattr(EspeakEngine, "synthesise", logged)


@pytest.fixture
def espeak(monkeypatch: pytest.MonkeyPatch) -> EspeakLog:
    return EspeakLog(monkeypatch)


@pytest.fixture
async def build() -> AsyncIterator[Callable[..., BuiltinVoice]]:
    built: list[BuiltinVoice] = []

    def make(*models: SpeechModel, clock: Callable[[], float] = time.monotonic) -> BuiltinVoice:
        built.append(BuiltinVoice(models, clock=clock))
        return built[-1]

    yield make
    for engine in built:
        await engine.aclose()


async def heard(engine: BuiltinVoice, text: str, language: str, **voice: object) -> np.ndarray:
    """The samples at 48 kHz, also of an utterance that ends in an error."""
    settings = VoiceSettings(**voice)  # type: ignore[arg-type]
    sound = b""
    try:
        async with aclosing(engine.synthesise(Utterance(text, language, settings), bytes)) as pieces:
            async for piece in pieces:
                sound += piece
    except LocalVoiceError:
        pass
    return np.frombuffer(sound, "<i2").astype(np.float64) / 32768


def tone_of(sound: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(sound))) * SPEAKER_RATE / len(sound))


async def test_a_sentence_is_spoken_by_the_model_of_its_language(build: Build, espeak: EspeakLog) -> None:
    english, chinese = ScriptedVoiceModel(), ScriptedVoiceModel(("zh",))
    engine = build(english, chinese)
    for text, language in ((TEXT, "en-US"), ("你好。", "zh-CN"), ("Guten Tag.", "de")):
        assert len(await heard(engine, text, language))
    assert [said[:2] for said in english.said] == [(TEXT, "en")]
    assert [said[:2] for said in chinese.said] == [("你好。", "zh")]
    assert espeak.said == [("Guten Tag.", "de")]


async def test_words_in_another_script_are_spoken_by_the_engine_of_theirs(build: Build, espeak: EspeakLog) -> None:
    english, chinese = ScriptedVoiceModel(), ScriptedVoiceModel(("zh",))
    await heard(build(english, chinese), "I like 你好 and привет a lot.", "en")
    assert [said[0].strip() for said in english.said] == ["I like", "and", "a lot."]
    assert [said[0].strip() for said in chinese.said] == ["你好"]
    assert [(text.strip(), language) for text, language in espeak.said] == [("привет", "ru")]


async def test_a_voice_of_espeak_that_was_chosen_speaks_everything(build: Build, espeak: EspeakLog) -> None:
    model = ScriptedVoiceModel()
    await heard(build(model), TEXT, "en", voice="Annie")
    assert (espeak.said, model.said) == ([(TEXT, "en")], [])


async def test_what_is_not_installed_is_not_missed(build: Build, espeak: EspeakLog) -> None:
    model = ScriptedVoiceModel()
    model.packages = ("neko_no_such_package",)
    engine = build(model)
    await engine.prewarm("en")
    assert len(await heard(engine, TEXT, "en"))
    assert (model.loads, model.said) == (0, [])


async def test_a_model_that_does_not_load_is_told_once_and_the_next_voice_speaks(
    build: Build, espeak: EspeakLog
) -> None:
    model = ScriptedVoiceModel()
    model.load_fault = ImportError("no onnxruntime")
    engine = build(model)
    with pytest.raises(LocalVoiceError, match="no onnxruntime") as told:
        async with aclosing(engine.synthesise(Utterance(TEXT, "en"), bytes)) as pieces:
            sound = [piece async for piece in pieces]
    assert told.value.params == {"engine": "scripted"}
    async with aclosing(engine.synthesise(Utterance(TEXT, "en"), bytes)) as pieces:
        sound = [piece async for piece in pieces]
    assert sound
    assert espeak.said == [(TEXT, "en")] * 2
    assert model.loads == 1


async def test_warming_a_model_that_does_not_load_warms_the_next_and_tells(build: Build, espeak: EspeakLog) -> None:
    model = ScriptedVoiceModel()
    model.load_fault = OSError("half a file")
    engine = build(model)
    with pytest.raises(LocalVoiceError, match="half a file"):
        await engine.prewarm("en")
    assert len(espeak.said) == 1
    await engine.prewarm("en")
    assert model.loads == 1


async def test_a_sentence_that_a_model_chokes_on_is_said_by_the_next_and_the_model_goes_on(
    build: Build, espeak: EspeakLog
) -> None:
    model = ScriptedVoiceModel()
    engine = build(model)
    model.sound_fault = ValueError("odd text")
    assert len(await heard(engine, TEXT, "en"))
    model.sound_fault = None
    await heard(engine, "Once more.", "en")
    assert espeak.said == [(TEXT, "en")]
    assert model.said[-1][0] == "Once more."


async def test_a_slow_model_that_is_not_ready_in_time_leaves_the_sentence_to_the_next_voice(
    build: Build, espeak: EspeakLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_script, "_FIRST_PATIENCE_S", 0.05)
    slow, fast = ScriptedVoiceModel(("ja",), slow=True), ScriptedVoiceModel(("ja",))
    slow.held = threading.Event()
    now = 1000.0
    engine = build(slow, fast, clock=lambda: now)
    async with aclosing(engine.synthesise(Utterance("こんにちは。", "ja"), bytes)) as pieces:
        assert [piece async for piece in pieces]  # and no error: nothing is wrong
    assert [said[0] for said in fast.said] == ["こんにちは。"]
    assert slow.stops == 1
    slow.held.set()
    await heard(engine, "またね。", "ja")
    assert fast.said[-1][0] == "またね。"  # not at once: it would be late once more
    now += by_script._FIRST_REST_S
    await heard(engine, "おやすみ。", "ja")
    assert slow.said[-1][0] == "おやすみ。"
    assert len(fast.said) == 2


async def test_a_slow_model_gets_the_time_until_the_sound_before_it_has_been_heard(
    build: Build,
) -> None:
    now = 1000.0
    engine = build(ScriptedVoiceModel(), clock=lambda: now)
    assert engine._patience_s() == by_script._FIRST_PATIENCE_S
    seconds = len(await heard(engine, "Twenty-five letters here", "en")) / SPEAKER_RATE
    assert 1 < seconds < 2
    now += seconds - 1.0
    assert engine._patience_s() == pytest.approx(1.0 + by_script._LONGEST_GAP_S)
    async with aclosing(engine.synthesise(Utterance(TEXT, "en"), bytes)) as pieces:
        await anext(pieces)
    assert engine._patience_s() == by_script._FIRST_PATIENCE_S


async def test_pauses_are_those_of_every_voice_whatever_silence_the_model_makes(
    build: Build,
) -> None:
    for text, pause_ms in ((TEXT, 380), ("Hello there,", 110)):
        sound = await heard(build(ScriptedVoiceModel()), text, "en")
        loud = np.flatnonzero(np.abs(sound) > 0.01)
        assert loud[0] / SPEAKER_RATE < 0.05
        assert (len(sound) - loud[-1]) / SPEAKER_RATE == pytest.approx(pause_ms / 1000, abs=0.08)


async def test_rate_is_the_speed_of_the_model_and_pitch_leaves_the_length_alone(
    build: Build,
) -> None:
    model = ScriptedVoiceModel()
    engine = build(model)
    usual = await heard(engine, TEXT, "en")
    fast = await heard(engine, TEXT, "en", rate=1.5)
    high = await heard(engine, TEXT, "en", pitch=12.0, rate=1.2)
    assert model.said[1][3] == 1.5
    assert len(fast) < 0.85 * len(usual)
    assert tone_of(high) == pytest.approx(2 * tone_of(usual), rel=0.02)
    same = await heard(engine, TEXT, "en", rate=1.2)
    assert len(high) == pytest.approx(len(same), abs=0.06 * SPEAKER_RATE)


async def test_its_gain_is_applied_and_nothing_clips(build: Build) -> None:
    quiet, loud = ScriptedVoiceModel(), ScriptedVoiceModel()
    quiet.gain, loud.gain = 1.0, 20.0
    for model, peak in ((quiet, 0.2), (loud, 0.82)):
        sound = await heard(build(model), TEXT, "en")
        assert np.abs(sound).max() == pytest.approx(peak, abs=0.02)


async def test_nothing_that_can_be_said_is_no_sound_and_no_error(build: Build) -> None:
    engine = build(ScriptedVoiceModel())
    assert len(await heard(engine, "", "en")) == 0


async def test_an_espeak_that_fails_is_told_as_what_it_is(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise SpeechError("no library", engine="builtin")

    monkeypatch.setattr(EspeakEngine, "speak", broken)
    with pytest.raises(SpeechError, match="no library"):
        async with aclosing(build().synthesise(Utterance(TEXT, "en"), bytes)) as pieces:
            [piece async for piece in pieces]


async def freed(model: ScriptedVoiceModel) -> None:
    async with asyncio.timeout(10):
        while model.loaded:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.005)


async def test_a_model_that_nobody_speaks_with_is_freed_and_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_voice, "IDLE_S", 0.02)
    model = ScriptedVoiceModel()
    engine = ModelVoice(model)
    for count in (1, 2):
        assert await say(engine, Utterance("Hello.", "en"))
        await freed(model)
        assert (model.loads, model.unloads) == (count, count)
    await engine.aclose()


async def test_a_model_is_not_freed_while_it_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_voice, "IDLE_S", 0.0)
    model = ScriptedVoiceModel()
    model.held = threading.Event()
    engine = ModelVoice(model)
    speaking = asyncio.get_running_loop().create_task(say(engine, Utterance("Hello.", "en")))
    async with asyncio.timeout(10):
        while not model.said:  # noqa: ASYNC110  # in its thread
            await asyncio.sleep(0.005)
    model.free()
    assert (model.loaded, model.unloads) == (True, 0)
    model.held.set()
    assert await speaking
    await engine.aclose()


async def test_a_model_whose_voice_is_not_chosen_any_more_is_freed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_voice, "LEFT_S", 0.02)
    model = ScriptedVoiceModel()
    chosen, other = ModelVoice(model), ModelVoice(model)
    for engine in (chosen, other):
        assert await say(engine, Utterance("Hello.", "en"))
    await chosen.aclose()
    assert await say(other, Utterance("Hello.", "en"))
    assert model.loads == 1
    await other.aclose()
    await freed(model)
