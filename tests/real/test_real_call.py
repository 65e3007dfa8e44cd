"""A call with nothing scripted: speech, voice activity, Whisper, a model on llama.cpp, a voice.

The model is tiny, English and rambles: what is looked at is that each step comes, and how long it takes. Who speaks to
it is hibari, whom a recogniser understands; of espeak-ng it makes other words.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from neko.application import Neko
from neko.audio.engines.hibari import hibari
from neko.audio.engines.model_voice import ModelVoice
from neko.llm import model_catalogue
from neko.net import Network
from neko.serve import listen, serving
from neko.settings import Settings
from tests.client import Client, Frame, client
from tests.real.conftest import RealModel
from tests.spoken import FRAME, quiet, said

NAME = "Mio"
FRAME_S = 0.02
SAID = (
    "What is the capital of France?",
    "I would like to know how you are today.",
    "Please tell me something about cats.",
    "What shall we cook for dinner tonight?",
    "My dog is called Max and he is four years old.",
)
STAGES = ("end_of_turn", "transcript", "first_token", "first_sound")


async def play(page: Client, sound: bytes) -> None:
    """As a microphone gives it: 20 ms at a time, when they have been said."""
    clock = asyncio.get_running_loop()
    begun = clock.time()
    for number, at in enumerate(range(0, len(sound), FRAME), 1):
        await page.connection.send(sound[at : at + FRAME].ljust(FRAME, b"\0"))
        await asyncio.sleep(max(0.0, begun + number * FRAME_S - clock.time()))


@pytest.mark.loop_watchdog
async def test_speech_becomes_words_a_reply_and_her_voice(
    real_model: RealModel, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    [model, *_] = await model_catalogue.list_models(Network(), real_model.base_url, "")
    environ = {
        "LANG": "en",
        "NEKO_ASSIST_API_KEY_OPENAI": "sk-none",
        "NEKO_OPENAI_BASE_URL": real_model.base_url,
        "NEKO_CONVERSATION_MODEL": model,
        "NEKO_LOCAL_ONLY": "1",
    }
    settings = Settings(data_dir=tmp_path, port=0, environ=environ, find_local_servers=False)
    turns: list[dict[str, int]] = []
    with listen(settings.host, settings.port) as listener:
        async with (
            Neko(settings) as neko,
            serving(neko, listener),
            client(f"ws://127.0.0.1:{listener.port}", NAME) as page,
        ):
            assert neko.hearing.kind == "local", "no recogniser is installed: `make test-real` installs it"
            await page.send("start_session", input_type="audio", audio_format="pcm16", sample_rate=16_000)
            await page.until("neko_hearing")
            await neko.hearing.engine().prewarm()
            for text in SAID:
                turns.append(await a_turn(page, text))
                await page.send("stop_reply")
                await page.until(lambda frame: frame.get("state") == "idle")
            lines = await neko.memory.lines(NAME, limit=50)
    heard = [line.text.lower() for line in lines if line.role == "user"]
    assert len(heard) == len(SAID)
    assert "capital of france" in heard[0]
    assert [line for line in lines if line.role == "assistant"]
    medians = {stage: statistics.median(turn[stage] for turn in turns) for stage in STAGES}
    told = ", ".join(f"{stage} {medians[stage]:.0f}" for stage in STAGES)
    figures(f"A real call, medians of {len(SAID)} turns, ms after the last word: {told}")


async def a_turn(page: Client, text: str) -> dict[str, int]:
    """Say this and wait for her first sound; when each step was."""
    speech = await said(ModelVoice(hibari()), text, "en")
    playing = asyncio.create_task(play(page, quiet(0.5) + speech + quiet(6.0)))
    try:
        [*_, times] = await page.until("neko_turn_times")
        seen: list[Frame] = await page.until("binary")
        assert len(seen[-1]["data"]) > 2
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    return dict(times["ms"])


@pytest.mark.parametrize("noise", [0.0, 200.0], ids=["silence", "a fan"])
async def test_what_is_no_speech_becomes_no_words(tmp_path: Path, noise: float) -> None:
    import numpy as np

    settings = Settings(data_dir=tmp_path, port=0, environ={"LANG": "en"}, find_local_servers=False)
    hiss = np.random.default_rng(7).normal(0.0, noise, 16_000 * 6).clip(-32768, 32767).astype("<i2").tobytes()
    with listen(settings.host, settings.port) as listener:
        async with (
            Neko(settings) as neko,
            serving(neko, listener),
            client(f"ws://127.0.0.1:{listener.port}", NAME) as page,
        ):
            await page.send("start_session", input_type="audio", audio_format="pcm16", sample_rate=16_000)
            await page.until("neko_hearing")
            await play(page, hiss)
            await page.quiet()
            assert "user_transcript" not in {frame["type"] for frame in page.frames}
            assert not await neko.memory.lines(NAME)
