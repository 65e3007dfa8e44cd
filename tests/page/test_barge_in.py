"""Speaking over her, on the samples: a real browser with real speech in its microphone, and all that it plays."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import expect

from tests.page.fake_microphone import browser_hearing, write_wav
from tests.page.page_driver import PageDriver
from tests.page.recorded import RATE, Samples, place, record, recorded, stretches
from tests.page.running_neko import RunningNeko
from tests.page.test_call import thinking_with
from tests.page.test_chat_page_voice import STORY
from tests.scripted_hearing import ScriptedHearing, Words
from tests.scripted_provider import Script, ScriptedProvider
from tests.spoken import FRAME, quiet, spoken

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "Wait, I want to say something else."
MORE = (
    "The captain swam through the dark until she found the first of them. ",
    "Two gulls showed her where the others had gone. ",
    "Before the sun came up, every boat was home again. ",
)
EDGE = 20 * RATE // 1000
"""Samples that are not compared at either end of what is heard without a break: there it fades."""
ROUNDING = RATE // 1000 + 16
"""Samples by which what is heard may differ from a report in whole milliseconds; a fade begins and ends at nothing."""
SOUNDING = "() => window.quietFor('played') === 0"
OVER = "() => window.quietFor('played') > 0.5"


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
    chromium_path: str, data_dir: Path, microphone: bytes, hearing: ScriptedHearing
) -> AsyncIterator[SpokenOver]:
    """The story is under way when the microphone is opened, which then says what it holds."""
    wav = write_wav(data_dir.with_name("microphone.wav"), quiet(1.5) + microphone + quiet(1))
    async with (
        ScriptedProvider() as provider,
        RunningNeko(data_dir, hearing=hearing, environ=thinking_with(provider)) as neko,
        browser_hearing(chromium_path, wav) as browser,
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


async def test_words_over_hers_stop_her_for_good_and_nothing_is_played_after_she_was_held(
    chromium_path: str, tidy_loop: None, data_dir: Path
) -> None:
    hearing = ScriptedHearing(Words(WORDS), Words("", no_speech=1.0))
    async with spoken_over(chromium_path, data_dir, await spoken(WORDS), hearing) as over:
        await expect(over.driver.lines("user").locator(".line-words").last).to_have_text(WORDS)
        await over.driver.until_sent("playback", speech_id=over.speech_id, state="ended")
        await over.driver.until(OVER)
        assert over.told()[:2] == ["neko_speech_paused", "user_activity"]
        story = (await over.heard())[0]
        assert abs(story[0]) <= ROUNDING
        assert abs(story[1] - over.paused_ms * RATE / 1000) <= ROUNDING
        assert story[1] < len(over.driver.voice[over.speech_id]) / 2 - RATE, "there was more of it"


@pytest.mark.parametrize("noise", ["a cough", "a nod"])
async def test_who_only_coughs_or_nods_lets_her_go_on_at_the_very_sample(
    chromium_path: str, tidy_loop: None, data_dir: Path, noise: str
) -> None:
    words = Words("Thank you.", no_speech=0.9) if noise == "a cough" else Words("Mhm.")
    hearing = ScriptedHearing(words, Words("", no_speech=1.0))
    async with spoken_over(chromium_path, data_dir, (await spoken("mhm"))[: FRAME * 20], hearing) as over:
        await over.driver.until_sent("playback", speech_id=over.speech_id, state="ended")
        await over.driver.until(OVER)
        assert over.told() == ["neko_speech_paused", "neko_speech_resumed"]
        before, after = await over.heard()
        assert abs(before[0]) <= ROUNDING
        assert abs(before[1] - over.paused_ms * RATE / 1000) <= ROUNDING
        assert abs(after[0] - before[1]) <= 16, "no sample is lost, and none is played twice"
        assert abs(after[1] - len(over.driver.voice[over.speech_id]) / 2) <= RATE / 10
