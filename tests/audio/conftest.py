"""A speech pipeline with a scripted voice, and who hears it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from neko.audio.speech_pipeline import SpeechPipeline
from neko.tasks import TaskOwner
from neko.types.speech import SpeechEngine
from tests.audio.pipeline_listener import Build, Listener
from tests.scripted_speech import ScriptedSpeech


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
            on_audio_now=listener.on_audio_now,
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
