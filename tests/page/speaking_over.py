"""Somebody speaks over her story in a real browser, which records all that it plays and hears."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.page.fake_microphone import browser_hearing, write_wav
from tests.page.page_driver import PageDriver
from tests.page.recorded import RATE, Samples, place, record, recorded, stretches
from tests.page.running_neko import RunningNeko
from tests.page.test_call import thinking_with
from tests.page.test_chat_page_voice import STORY
from tests.scripted_hearing import ScriptedHearing
from tests.scripted_provider import Script, ScriptedProvider
from tests.spoken import quiet

MORE = (
    "The captain swam through the dark until she found the first of them. ",
    "Two gulls showed her where the others had gone. ",
    "Before the sun came up, every boat was home again. ",
)
EDGE = 20 * RATE // 1000
"""Samples that are not compared at either end of what is heard without a break: there it fades."""
SOUNDING = "() => window.quietFor('played') === 0"


@dataclass(frozen=True, slots=True)
class SpokenOver:
    """She tells a story, and somebody has spoken over it: she was held after ``paused_ms`` of it."""

    driver: PageDriver
    speech_id: str
    paused_ms: float

    async def heard(self) -> list[tuple[int, int]]:
        """From and until which sample of the story it was heard without a break, each part of it as it is."""
        played = (await recorded(self.driver.page, "played")).samples
        given = np.frombuffer(bytes(self.driver.voice[self.speech_id]), "<i2") / 32768
        found = []
        for begin, end in stretches(played, RATE // 10):
            middle = played[begin + EDGE : end - EDGE]
            at = place(middle[: 2 * RATE], given)
            assert same(middle, given[at : at + len(middle)])
            found.append((at - EDGE, at - EDGE + end - begin))
        return found

    def told(self) -> list[str]:
        """What the server has said about her sound, in order."""
        kinds = ("neko_speech_paused", "neko_speech_resumed", "user_activity")
        frames = [frame for frame in map(json.loads, self.driver.received) if frame["type"] in kinds]
        held = next(at for at, frame in enumerate(frames) if frame["type"] == "neko_speech_paused")
        return [frame["type"] for frame in frames[held:]]


def same(played: Samples, given: Samples) -> bool:
    """Are these the same samples, but for how loud they are?"""
    loudness = float(played @ given) / float(given @ given)
    return len(played) == len(given) and float(np.abs(played - loudness * given).max()) < 1e-3


@asynccontextmanager
async def spoken_over(
    shell_path: str, data_dir: Path, microphone: bytes, hearing: ScriptedHearing
) -> AsyncIterator[SpokenOver]:
    """The story is under way when the microphone is opened, which then says what it holds."""
    wav = write_wav(data_dir.with_name("microphone.wav"), quiet(1.5) + microphone + quiet(1))
    async with (
        ScriptedProvider() as provider,
        RunningNeko(data_dir, hearing=hearing, environ=thinking_with(provider)) as neko,
        browser_hearing(shell_path, wav) as browser,
        PageDriver(browser, bypass_csp=True) as driver,
    ):
        provider.script(Script([*STORY, *MORE]))
        await record(driver)
        await neko.remember(2)
        await driver.open(neko.url)
        await driver.get("composer").click()
        await driver.until("() => window.recordings.played.rate > 0")
        await driver.say("Tell me a story")
        await driver.until(SOUNDING)
        await driver.get("call").click()
        [paused, *_] = await driver.until_sent("playback", state="paused")
        yield SpokenOver(driver, paused["speech_id"], paused["played_ms"])
        driver.check()
