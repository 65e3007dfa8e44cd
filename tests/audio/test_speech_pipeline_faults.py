"""What goes wrong in speech: told once, bounded, and the next is spoken."""

from __future__ import annotations

import asyncio

import pytest

from neko.audio import speech_pipeline as speaking
from neko.audio.speech_pipeline import SpeechPipeline
from neko.errors import SpeechError
from tests.audio.pipeline_listener import SECONDS, VOICE, Build, Listener, say
from tests.scripted_provider import tone
from tests.scripted_speech import PIECE, ScriptedSpeech, SpokenScript


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
