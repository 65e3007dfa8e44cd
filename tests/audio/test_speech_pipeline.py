"""From streamed text to frames: in order, bounded, and final when cut."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from neko.audio import speech_pipeline as speaking
from neko.audio.engines.browser import BrowserVoice
from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.silent import SilentEngine
from neko.audio.speech_pipeline import BYTES_PER_MS, FIRST_FRAME, FRAME, FRAMES_AHEAD, SpeechPipeline
from neko.errors import SpeechError
from neko.tasks import TaskOwner
from neko.types.speech import VoiceSettings
from tests.audio.pipeline_listener import SECONDS, VOICE, Build, Listener, say
from tests.scripted_provider import tone
from tests.scripted_speech import PIECE, ScriptedSpeech, SpokenScript

# ── a whole reply ─────────────────────────────────────────────────────────────


async def test_sentences_are_spoken_in_order_and_the_end_is_told_once(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    engine.script(SpokenScript(pieces=3), SpokenScript(pieces=1), SpokenScript(pieces=2))
    say(speaker, "One **is** first. Two :) comes next!\n\n```\ncode\n```\nThree is last.")
    await listener.end()
    assert engine.texts == ["One is first.", "Two comes next!", "Three is last."]
    assert listener.seconds() == pytest.approx(6 * PIECE, abs=0.002)
    assert listener.ended == ["a"]
    assert not speaker.busy
    assert listener.faults == []


async def test_frames_are_even_and_of_a_handy_size(speaker: SpeechPipeline, listener: Listener) -> None:
    say(speaker, "This is a long sentence that goes on for quite some time. " * 4)
    await listener.end()
    sizes = [len(frame) for _, frame in listener.frames]
    assert FIRST_FRAME <= sizes[0] <= FRAME
    assert all(100 * BYTES_PER_MS <= size <= 200 * BYTES_PER_MS for size in sizes[1:-1])
    assert all(size % 2 == 0 and size >= 4 for size in sizes)


async def test_the_first_frame_does_not_wait_for_the_rest(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    engine.script(SpokenScript(pieces=9, stall_after=1))
    speaker.begin("a", VOICE, "en")
    speaker.feed("Hello there. ")
    await listener.sound(1)
    assert listener.ended == []
    engine.release()
    speaker.finish()
    await listener.end()


async def test_the_end_of_a_sentence_does_not_wait_for_the_next(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    engine.script(SpokenScript(pieces=4))
    speaker.begin("a", VOICE, "en")
    speaker.feed("Hello there. ")
    async with asyncio.timeout(SECONDS):
        while listener.seconds() < 4 * PIECE - 0.022:
            await listener.sound(len(listener.frames) + 1)
    assert speaker.busy
    speaker.finish()
    await listener.end()
    assert listener.seconds() == pytest.approx(4 * PIECE, abs=0.002)


async def test_sound_is_made_ahead_but_not_without_bound(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    listener.gate.clear()
    engine.script(SpokenScript(pieces=500))
    say(speaker, "One. Two. Three.")
    ahead = FRAMES_AHEAD * FRAME / BYTES_PER_MS / 1000 / PIECE
    await engine.until(lambda: engine.pieces >= ahead)
    for _ in range(100):
        await asyncio.sleep(0)
    assert engine.pieces <= ahead + 5
    assert engine.texts == ["One."]
    listener.gate.set()
    await listener.end()
    assert engine.texts == ["One.", "Two.", "Three."]


async def test_the_next_sentence_is_made_while_the_first_is_handed_over(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    listener.gate.clear()
    say(speaker, "One. Two. Three.")
    await engine.until(lambda: len(engine.texts) == 3)
    assert listener.frames == []
    listener.gate.set()
    await listener.end()


@pytest.mark.parametrize("text", ["", "   ", "😀", "```\ncode\n```", "..."])
async def test_a_reply_with_nothing_to_say_ends_in_silence(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener, text: str
) -> None:
    say(speaker, text)
    await listener.end()
    assert listener.frames == []
    assert engine.utterances == []


async def test_each_sentence_is_spoken_in_its_own_language(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    say(speaker, "Hello there. 你好呀。おはよう。안녕하세요. 123.", language="zh-CN")
    await listener.end()
    assert [u.language for u in engine.utterances] == ["en", "zh-CN", "ja", "ko", "zh-CN"]


async def test_the_page_speaks_sentence_by_sentence_with_the_browsers_voice(build: Build, listener: Listener) -> None:
    speaker = build(BrowserVoice())
    say(speaker, "Hello *there*. 你好呀。")
    await listener.end()
    assert listener.sentences == [("a", "Hello there.", "en"), ("a", "你好呀。", "zh-CN")]
    assert listener.frames == []


async def test_no_voice_ends_at_once(build: Build, listener: Listener) -> None:
    say(build(SilentEngine()), "Hello there.")
    await listener.end()
    assert listener.frames == []


async def test_the_built_in_voice_speaks_a_reply(build: Build, listener: Listener) -> None:
    say(build(EspeakEngine()), "Hello there. How are you today? I am fine.")
    await listener.end()
    assert 2.0 < listener.seconds() < 6.0
    assert listener.faults == []


# ── a model's own voice ───────────────────────────────────────────────────────


@pytest.mark.parametrize("step", [1, 480, 960, 4801, 1_000_000])
async def test_a_models_own_voice_is_whole_whatever_its_chunks(
    speaker: SpeechPipeline, listener: Listener, step: int
) -> None:
    pcm = tone(0.02 if step == 1 else 1.0)
    speaker.begin("a", VOICE, "en")
    for at in range(0, len(pcm), step):
        speaker.feed_audio(pcm[at : at + step], 24_000)
    speaker.finish()
    await listener.end()
    assert listener.seconds() == pytest.approx(len(pcm) / 48_000, abs=0.002)
    sound = np.frombuffer(listener.pcm(), "<i2").astype(float)
    assert np.abs(np.diff(sound[200:-200])).max(initial=0) < 1.1 * 12_000 * 2 * np.pi * 440 / 48_000


async def test_a_models_own_voice_does_not_wait_for_what_comes_next(
    speaker: SpeechPipeline, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "_FLUSH_TIMEOUT_S", 60.0)
    speaker.begin("a", VOICE, "en")
    for count in range(1, 4):
        speaker.feed_audio(tone(0.2), 24_000)
        async with asyncio.timeout(SECONDS):
            while listener.seconds() < count * 0.2 - 0.021:  # the converter holds so much of it back
                await listener.sound(len(listener.frames) + 1)
    speaker.cancel()


async def test_a_models_own_voice_is_handed_over_at_once_when_nothing_is_before_it_and_somebody_takes_it(
    speaker: SpeechPipeline, listener: Listener
) -> None:
    speaker.begin("a", VOICE, "en")
    speaker.feed_audio(tone(0.2), 24_000)
    await listener.sound(1)
    await asyncio.sleep(0)
    speaker.feed_audio(tone(0.2), 24_000)
    assert len(listener.frames) == 2
    speaker.pause()
    speaker.feed_audio(tone(0.2), 24_000)
    assert len(listener.frames) == 2
    speaker.resume()
    listener.gate.clear()
    speaker.feed_audio(tone(0.2), 24_000)
    speaker.feed_audio(tone(0.2), 24_000)
    listener.gate.set()
    speaker.finish()
    await listener.end()
    assert listener.seconds() == pytest.approx(1.0, abs=0.002)
    assert np.abs(np.diff(np.frombuffer(listener.pcm(), "<i2").astype(float))).max() < 20_000


async def test_a_change_of_rate_loses_nothing(speaker: SpeechPipeline, listener: Listener) -> None:
    speaker.begin("a", VOICE, "en")
    for rate in (24_000, 16_000, 48_000, 24_000):
        speaker.feed_audio(tone(0.25, rate=rate), rate)
    speaker.finish()
    await listener.end()
    assert listener.seconds() == pytest.approx(1.0, abs=0.004)


async def test_sound_and_text_of_one_reply_come_in_order(speaker: SpeechPipeline, listener: Listener) -> None:
    speaker.begin("a", VOICE, "en")
    speaker.feed_audio(tone(0.5), 24_000)
    speaker.feed("Hello there. ")
    speaker.feed_audio(tone(0.5), 24_000)
    speaker.finish()
    await listener.end()
    assert listener.seconds() == pytest.approx(1.0 + 2 * PIECE, abs=0.002)


# ── being cut ─────────────────────────────────────────────────────────────────


async def test_after_a_cut_nothing_of_the_reply_comes_out(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    say(speaker, "One is here. Two is here. Three is here.")
    await listener.sound(1)
    speaker.cancel()
    heard = len(listener.frames)
    assert not speaker.busy
    say(speaker, "Four is here.", "b")
    await listener.end()
    assert [name for name, _ in listener.frames[heard:]] == ["b"] * (len(listener.frames) - heard)
    assert listener.ended == ["b"]
    assert engine.running == 0


async def test_a_cut_while_a_frame_is_being_handed_over_is_final(speaker: SpeechPipeline, listener: Listener) -> None:
    listener.gate.clear()
    say(speaker, "One is here. Two is here.")
    async with asyncio.timeout(SECONDS):
        await listener.taking.wait()
    speaker.cancel()
    listener.gate.set()
    say(speaker, "Three.", "b")
    await listener.end()
    assert {name for name, _ in listener.frames} == {"b"}


async def test_a_cut_by_the_one_who_takes_a_frame_is_final(speaker: SpeechPipeline, listener: Listener) -> None:
    listener.on_frame = speaker.cancel
    say(speaker, "One is here. Two is here.")
    await listener.sound(1)
    listener.on_frame = lambda: None
    say(speaker, "Three.", "b")
    await listener.end()
    assert [name for name, _ in listener.frames].count("a") == 1


async def test_a_cut_in_the_middle_of_a_sentence_stops_the_engine(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    engine.script(SpokenScript(pieces=9, stall_after=2))
    say(speaker, "One is here.")
    async with asyncio.timeout(SECONDS):
        await engine.stalled.wait()
    speaker.cancel()
    await engine.until(lambda: engine.running == 0)
    assert listener.ended == []


async def test_a_sentence_for_the_page_that_cuts_is_the_last(build: Build, listener: Listener) -> None:
    speaker = build(BrowserVoice())

    def on_sentence(speech_id: str, text: str, language: str) -> None:
        listener.on_sentence(speech_id, text, language)
        speaker.cancel()

    speaker._on_sentence = on_sentence
    say(speaker, "One. Two. Three.")
    await asyncio.wait(speaker._tasks, timeout=SECONDS)
    assert [text for _, text, _ in listener.sentences] == ["One."]
    assert listener.ended == []


async def test_the_page_says_all_of_a_reply_that_it_has_begun(
    build: Build, engine: ScriptedSpeech, listener: Listener
) -> None:
    speaker, by_the_page = build(engine), replace(engine.capabilities, on_page=True)
    audible, engine.capabilities = engine.capabilities, by_the_page

    def on_sentence(speech_id: str, text: str, language: str) -> None:
        listener.on_sentence(speech_id, text, language)
        engine.capabilities = audible

    speaker._on_sentence = on_sentence
    say(speaker, "One is here. Two is here.")
    await listener.end()
    assert ([text for _, text, _ in listener.sentences], engine.utterances) == (["One is here.", "Two is here."], [])
    say(speaker, "Three is here.", "b")
    await listener.end(2)
    assert engine.texts == ["Three is here."]


async def test_a_new_reply_cuts_the_old_one(speaker: SpeechPipeline, listener: Listener) -> None:
    say(speaker, "One is here. Two is here.")
    await listener.sound(1)
    say(speaker, "Three is here.", "b")
    await listener.end()
    names = [name for name, _ in listener.frames]
    assert names == sorted(names)
    assert listener.ended == ["b"]


async def test_input_without_a_reply_is_ignored(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    speaker.feed("Hello there. ")
    speaker.feed_audio(tone(0.1), 24_000)
    speaker.finish()
    speaker.cancel()
    say(speaker, "One.")
    speaker.feed("Two. Three.")
    await listener.end()
    speaker.feed("Four. Five.")
    speaker.finish()
    assert engine.texts == ["One."]
    assert not speaker.busy


# ── other voices, and the end ─────────────────────────────────────────────────


async def test_a_new_voice_speaks_from_the_next_sentence_on(
    speaker: SpeechPipeline, engine: ScriptedSpeech, owner: TaskOwner, listener: Listener
) -> None:
    engine.script(SpokenScript(pieces=9, stall_after=4))
    say(speaker, "One is here. Two is here.")
    async with asyncio.timeout(SECONDS):
        await engine.stalled.wait()
    new = ScriptedSpeech(48_000)
    deeper = VoiceSettings("f4", pitch=-3.0)
    change = owner.spawn(speaker.use(new, deeper), name="change")
    await asyncio.sleep(0)
    engine.release()
    await listener.end()
    await change
    assert listener.faults == []
    assert (engine.texts, new.texts) == (["One is here."], ["Two is here."])
    assert new.utterances[0].voice == deeper
    assert listener.seconds() == pytest.approx((9 + 2) * PIECE, abs=0.022)
    with pytest.raises(SpeechError):
        await engine.prewarm()


async def test_a_voice_that_stands_still_gives_way_to_the_new_one(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "_LAST_SENTENCE_S", 0.05)
    engine.script(SpokenScript(pieces=9, stall_after=4))
    say(speaker, "One is here. Two is here.")
    async with asyncio.timeout(SECONDS):
        await engine.stalled.wait()
    new = ScriptedSpeech()
    await speaker.use(new, VOICE)
    await listener.end()
    assert (listener.faults, new.texts) == ([], ["Two is here."])


async def test_a_reply_that_is_cut_lets_the_voice_before_go(
    speaker: SpeechPipeline, engine: ScriptedSpeech, owner: TaskOwner
) -> None:
    engine.script(SpokenScript(pieces=9, stall_after=4))
    say(speaker, "One is here.")
    async with asyncio.timeout(SECONDS):
        await engine.stalled.wait()
        change = owner.spawn(speaker.use(ScriptedSpeech(), VOICE), name="change")
        await asyncio.sleep(0)
        speaker.cancel()
        await change
    assert engine.running == 0


async def test_a_new_voice_leaves_a_models_own_voice_alone(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    speaker.begin("a", VOICE, "en")
    speaker.feed_audio(tone(0.5), 24_000)
    await listener.sound(1)
    await speaker.use(ScriptedSpeech(), VOICE)
    speaker.feed_audio(tone(0.5), 24_000)
    speaker.finish()
    await listener.end()
    assert listener.seconds() == pytest.approx(1.0, abs=0.002)


async def test_it_can_be_closed_while_it_speaks_and_twice(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    engine.script(SpokenScript(pieces=9, stall_after=2))
    say(speaker, "One is here.")
    async with asyncio.timeout(SECONDS):
        await engine.stalled.wait()
        await speaker.aclose()
        await speaker.aclose()
    assert engine.running == 0
    assert not speaker.busy
    assert listener.ended == []


async def test_closing_the_owner_ends_the_reply(
    speaker: SpeechPipeline, engine: ScriptedSpeech, owner: TaskOwner, listener: Listener
) -> None:
    engine.script(SpokenScript(pieces=9, stall_after=2))
    say(speaker, "One is here.")
    async with asyncio.timeout(SECONDS):
        await engine.stalled.wait()
        await owner.aclose()
    assert not speaker.busy
    assert listener.ended == []
    with pytest.raises(RuntimeError):
        speaker.begin("b", VOICE, "en")
    assert not speaker.busy


@pytest.mark.loop_watchdog
async def test_a_long_reply_never_holds_the_loop(build: Build, listener: Listener) -> None:
    engine = EspeakEngine()
    await engine.prewarm()
    say(build(engine), "This is one of many sentences, said without a rest. " * 40)
    await listener.end()
    assert listener.seconds() > 60
