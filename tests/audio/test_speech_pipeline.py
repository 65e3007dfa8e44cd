"""From streamed text to frames: in order, bounded, and final when cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from neko.audio import speech_pipeline as speaking
from neko.audio.engines.browser import BrowserVoice
from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.silent import SilentEngine
from neko.audio.speech_pipeline import BYTES_PER_MS, FIRST_FRAME, FRAME, FRAMES_AHEAD, SpeechPipeline
from neko.errors import NekoError, SpeechError
from neko.tasks import TaskOwner
from neko.types.speech import SpeechEngine, VoiceSettings
from tests.scripted_provider import tone
from tests.scripted_speech import PIECE, ScriptedSpeech, SpokenScript

VOICE = VoiceSettings()
SECONDS = 5.0


@dataclass(slots=True)
class Listener:
    """Gets all that a speaker tells. While ``gate`` is not set it does not take the next frame."""

    frames: list[tuple[str, bytes]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    faults: list[NekoError] = field(default_factory=list)
    sentences: list[tuple[str, str, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    taking: asyncio.Event = field(default_factory=asyncio.Event)
    on_frame: Callable[[], None] = lambda: None
    on_fault: Callable[[], None] = lambda: None

    def fault(self, error: NekoError) -> None:
        self.faults.append(error)
        self.on_fault()

    async def on_audio(self, speech_id: str, frame: bytes) -> None:
        self.taking.set()
        await self.gate.wait()
        self.frames.append((speech_id, frame))
        self.on_frame()
        async with self.news:
            self.news.notify_all()

    def on_end(self, speech_id: str) -> None:
        self.ended.append(speech_id)
        self.done.set()

    done: asyncio.Event = field(default_factory=asyncio.Event)

    def on_sentence(self, speech_id: str, text: str, language: str) -> None:
        self.sentences.append((speech_id, text, language))

    async def end(self, count: int = 1) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self.ended) < count:
                self.done.clear()
                await self.done.wait()

    async def sound(self, count: int) -> None:
        """Wait for so many frames."""
        async with asyncio.timeout(SECONDS), self.news:
            await self.news.wait_for(lambda: len(self.frames) >= count)

    def pcm(self, speech_id: str = "a") -> bytes:
        return b"".join(frame for name, frame in self.frames if name == speech_id)

    def seconds(self, speech_id: str = "a") -> float:
        return len(self.pcm(speech_id)) / 96_000


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1) as executor:
        yield executor


@pytest.fixture
async def owner() -> AsyncIterator[TaskOwner]:
    async with TaskOwner("test") as owner:
        yield owner


@pytest.fixture
async def listener() -> Listener:
    listener = Listener()
    listener.gate.set()
    return listener


Build = Callable[[SpeechEngine], SpeechPipeline]


@pytest.fixture
async def build(executor: ThreadPoolExecutor, owner: TaskOwner, listener: Listener) -> AsyncIterator[Build]:
    built: list[SpeechPipeline] = []

    def build(engine: SpeechEngine) -> SpeechPipeline:
        speaker = SpeechPipeline(
            engine,
            executor,
            owner=owner,
            on_audio=listener.on_audio,
            on_end=listener.on_end,
            on_fault=listener.fault,
            on_sentence=listener.on_sentence,
        )
        built.append(speaker)
        return speaker

    yield build
    for speaker in built:
        await speaker.aclose()


@pytest.fixture
def engine() -> ScriptedSpeech:
    return ScriptedSpeech()


@pytest.fixture
def speaker(build: Build, engine: ScriptedSpeech) -> SpeechPipeline:
    return build(engine)


def say(speaker: SpeechPipeline, text: str, speech_id: str = "a", language: str = "en") -> None:
    speaker.begin(speech_id, VOICE, language)
    for at in range(0, len(text), 4):
        speaker.feed(text[at : at + 4])
    speaker.finish()


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


# ── what goes wrong ───────────────────────────────────────────────────────────


async def test_a_sentence_that_fails_is_told_once_and_the_next_are_spoken(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    engine.script(SpokenScript(fail_after=0), SpokenScript(pieces=2), SpokenScript(fail_after=0))
    say(speaker, "One. Two. Three. Four.")
    await listener.end()
    assert engine.texts == ["One.", "Two.", "Three.", "Four."]
    assert listener.seconds() == pytest.approx(3 * PIECE, abs=0.002)
    assert [error.params for error in listener.faults] == [{"engine": "scripted"}]


async def test_a_voice_that_keeps_failing_is_not_asked_for_ever(build: Build, listener: Listener) -> None:
    engine = ScriptedSpeech(default=SpokenScript(fail_after=0))
    say(build(engine), "One. " * 50)
    await listener.end()
    assert len(engine.texts) == 3
    assert len(listener.faults) == 1


async def test_a_crash_in_a_voice_ends_the_reply_with_a_fault(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    engine.script(SpokenScript(pieces=3), SpokenScript(fail_after=0, error=ZeroDivisionError("a bug")))
    say(speaker, "One. Two. Three.")
    await listener.end()
    assert not speaker.busy
    assert listener.seconds() == pytest.approx(3 * PIECE, abs=0.022)
    assert [type(error) for error in listener.faults] == [SpeechError]
    say(speaker, "Four.", "b")
    await listener.end(2)
    assert listener.pcm("b")


async def test_a_crash_in_the_one_who_takes_frames_ends_the_reply(speaker: SpeechPipeline, listener: Listener) -> None:
    def crash() -> None:
        raise ZeroDivisionError("a bug")

    listener.on_frame = crash
    say(speaker, "One. Two. Three.")
    await listener.end()
    assert not speaker.busy
    assert len(listener.frames) == 1
    assert len(listener.faults) == 1


async def test_a_reply_far_too_long_goes_unspoken_from_there_with_one_fault(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener
) -> None:
    engine.script(*[SpokenScript(pieces=1)] * 3000)
    speaker.begin("a", VOICE, "en")
    for _ in range(3000):
        speaker.feed("This is one sentence. ")
    speaker.finish()
    assert [error.code for error in listener.faults] == ["speech_too_long"]
    await listener.end()
    assert 800 < len(engine.texts) < 1000
    assert len(listener.faults) == 1


@pytest.mark.parametrize("unspoken", ["```py\n" + "x = 1\n" * 10_000 + "```\n", "\n" * 60_000, " " * 60_000])
async def test_what_is_not_spoken_makes_no_reply_too_long(
    speaker: SpeechPipeline, engine: ScriptedSpeech, listener: Listener, unspoken: str
) -> None:
    say(speaker, f"One.\n{unspoken}Two.")
    await listener.end()
    assert engine.texts == ["One.", "Two."]
    assert listener.faults == []


async def test_a_reply_that_fails_and_is_too_long_tells_both(
    build: Build, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "LONGEST_TEXT", 1000)
    engine, first_fault = ScriptedSpeech(default=SpokenScript(fail_after=0)), asyncio.Event()
    listener.on_fault = first_fault.set
    speaker = build(engine)
    speaker.begin("a", VOICE, "en")
    speaker.feed("One. Two.")
    await asyncio.wait_for(first_fault.wait(), SECONDS)
    for _ in range(100):
        speaker.feed("This is one sentence. ")
    speaker.finish()
    await listener.end()
    assert [error.code for error in listener.faults] == ["speech", "speech_too_long"]


async def test_far_too_much_sound_is_dropped_with_one_fault(
    speaker: SpeechPipeline, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "LONGEST_SOUND_S", 2.0)
    speaker.begin("a", VOICE, "en")
    for _ in range(8):
        speaker.feed_audio(tone(0.5), 24_000)
    speaker.finish()
    await listener.end()
    assert listener.seconds() == pytest.approx(2.0, abs=0.01)
    assert len(listener.faults) == 1


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
