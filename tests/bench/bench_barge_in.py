"""Speaking over her: how soon she is held, at the server and on the samples that a real browser plays.

``python -m tests.bench.bench_barge_in [server] [page]``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neko.audio import voice_activity
from neko.audio.turn_taking.segmenter import Segmenter, Speech
from neko.types.hearing import HearingHints
from tests.bench.bench_call import percentile, server
from tests.bench.figures import median, ms, show
from tests.bench.turn_ends import FRAME_S
from tests.chromium import find_chromium
from tests.client import Client, client
from tests.page.recorded import recorded, stretches
from tests.page.speaking_over import spoken_over
from tests.scripted_hearing import ScriptedHearing, ScriptedRecognition, Words
from tests.spoken import FRAME, quiet, spoken

ROUNDS = 15
IN_PAGE = 8
STORY = "tell me a story"
WORDS = "Wait, I want to say something else."


class Noted(ScriptedHearing):
    """Notes when each utterance begins: then voice activity has made up its mind."""

    def __init__(self, *words: Words) -> None:
        super().__init__(*words)
        self.began: list[float] = []

    def begin(self, utterance_id: str, hints: HearingHints) -> ScriptedRecognition:
        self.began.append(time.monotonic())
        return super().begin(utterance_id, hints)


async def barge_in() -> None:
    """From the first frame of speech to her being held, and to the last piece of her sound."""
    speech = await spoken(WORDS)
    held, told, stale = [], [], []
    hearing = Noted()
    async with server(hearing, ROUNDS) as url:
        for number in range(ROUNDS):
            async with client(url, f"c{number}") as page:
                paused, decided, last = await speak_over(page, hearing, speech)
            held.append(paused)
            told.append(paused - decided)
            stale.append(last)
    floor = decision(speech)
    show("first speech frame → she is held, p95", ms(percentile(held, 95)), ms(floor), percentile(held, 95) / floor)
    show("first speech frame → last stale sound, p95", ms(percentile(stale, 95)), ms(floor), None, "≤ 60 ms")
    show("voice activity's decision → she is held, p95", ms(percentile(told, 95)))


async def speak_over(page: Client, hearing: Noted, speech: bytes) -> tuple[float, float, float]:
    """Seconds after the first frame of speech: she is held, it was decided, the last of her sound came."""
    await page.send("start_session", input_type="audio", audio_format="pcm16", sample_rate=16_000, echo_cancelled=True)
    await page.until("neko_hearing")
    await page.say(STORY)
    [*_, chunk] = await page.until("audio_chunk")
    await page.send("playback", speech_id=chunk["speech_id"], played_ms=300, state="playing")
    await send(page, quiet(0.5))
    decisions = len(hearing.began)
    begun = time.monotonic()
    sending = asyncio.create_task(send(page, speech + quiet(1.7)))
    paused = last = 0.0
    while (frame := await page.next())["type"] != "user_activity":
        if frame["type"] == "binary":
            last = time.monotonic() - begun
        elif frame["type"] == "neko_speech_paused":
            paused = time.monotonic() - begun
    sending.cancel()
    return paused, hearing.began[decisions] - begun, last


async def send(page: Client, sound: bytes) -> None:
    """As a microphone does."""
    begun = time.monotonic()
    for number, at in enumerate(range(0, len(sound), FRAME)):
        await asyncio.sleep(max(0.0, begun + number * FRAME_S - time.monotonic()))
        await page.connection.send(sound[at : at + FRAME].ljust(FRAME, b"\0"))


def decision(speech: bytes) -> float:
    """How much of the speech voice activity itself needs, at the worst place of its windows."""
    needed = []
    for shift in range(0, voice_activity.WINDOW_BYTES, 128):
        detector = voice_activity.detector(silero=voice_activity.silero_installed())
        segmenter = Segmenter()
        lead = voice_activity.WINDOW_BYTES * 20 + shift
        sound = bytes(lead) + speech
        for at in range(0, len(sound) - voice_activity.WINDOW_BYTES, voice_activity.WINDOW_BYTES):
            window = sound[at : at + voice_activity.WINDOW_BYTES]
            if Speech.BEGAN in segmenter.feed(detector.probability(window)):
                needed.append((at + voice_activity.WINDOW_BYTES - lead) / 32_000)
                break
    return max(needed)


async def in_page() -> None:
    """From the first sample of speech that the microphone gives the page to the last of hers that it plays.

    What devices add before and after is not in it: the browser has none here.
    """
    chromium = find_chromium()
    if chromium is None:
        sys.stdout.write("there is no Chromium: what a page plays is not measured\n")
        return
    speech = await spoken(WORDS)
    decided, stale = [], []
    for _ in range(IN_PAGE):
        with tempfile.TemporaryDirectory() as folder:
            decision_ms, last_ms = await one_page(chromium, Path(folder) / "data", speech)
        decided.append(decision_ms / 1000)
        stale.append(last_ms / 1000)
    floor = decision(speech)
    show("first sample at the microphone → decided, median", ms(median(decided)), ms(floor), median(decided) / floor)
    show("first sample at the microphone → last stale one played, median", ms(median(stale)), ms(floor))
    show("first sample at the microphone → last stale one played, p95", ms(percentile(stale, 95)), "", None, "≤ 200 ms")


async def one_page(chromium: str, data_dir: Path, speech: bytes) -> tuple[float, float]:
    """Milliseconds after the first sample of speech: it was decided that it is some, and her last sample was played."""
    hearing = Noted(Words(WORDS), Words("", no_speech=1.0))
    async with spoken_over(chromium, data_dir, speech, hearing) as over:
        await over.driver.until_sent("playback", speech_id=over.speech_id, state="ended")
        await over.driver.until("() => window.quietFor('played') > 0.3")
        played = await recorded(over.driver.page, "played")
        microphone = await recorded(over.driver.page, "microphone")
    loud = np.flatnonzero(np.abs(microphone.samples) > 0.05 * np.abs(microphone.samples).max())
    begun = microphone.moment(int(loud[0]))
    wall = 1000 * (time.time() - time.monotonic())
    last = stretches(played.samples, played.rate // 10)[0][1]
    return 1000 * hearing.began[0] + wall - begun, played.moment(last) - begun


def main(wanted: Sequence[str]) -> None:
    if not wanted or "server" in wanted:
        asyncio.run(barge_in())
    if not wanted or "page" in wanted:
        asyncio.run(in_page())


if __name__ == "__main__":
    main(sys.argv[1:])
