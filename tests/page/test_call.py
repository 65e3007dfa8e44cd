"""A call from the page: a microphone in a real browser, the real socket and conversation, a scripted recogniser."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import expect

from tests.page.fake_microphone import browser_hearing, write_wav
from tests.page.page_driver import SOME_ID, PageDriver
from tests.page.running_neko import RunningNeko
from tests.page.test_chat_page_voice import AUDIBLE, EAR, STORY, UNTIL_HEARD
from tests.scripted_hearing import ScriptedHearing, Words
from tests.scripted_provider import Script, ScriptedProvider
from tests.spoken import FRAME, quiet, spoken

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENTENCE = "Hello, can you hear me?"


@asynccontextmanager
async def in_call(
    chromium_path: str, data_dir: Path, hearing: ScriptedHearing, microphone: bytes, **device: Any
) -> AsyncIterator[tuple[PageDriver, RunningNeko]]:
    """Somebody who has pressed the microphone of the page."""
    wav = write_wav(data_dir.with_name("microphone.wav"), microphone)
    async with (
        RunningNeko(data_dir, hearing=hearing) as neko,
        browser_hearing(chromium_path, wav) as browser,
        PageDriver(browser, **device) as driver,
    ):
        await driver.open(neko.url)
        await driver.get("call").click()
        yield driver, neko
        driver.check()


async def test_what_is_said_into_the_microphone_is_heard_shown_and_answered_aloud(
    chromium_path: str, tidy_loop: None, data_dir: Path
) -> None:
    speech = await spoken(SENTENCE)
    hearing = ScriptedHearing(Words(SENTENCE))
    async with in_call(chromium_path, data_dir, hearing, quiet(1) + speech + quiet(4)) as (driver, neko):
        await expect(driver.lines("user").locator(".line-words")).to_have_text([SENTENCE])
        await expect(driver.lines("user").first).to_have_attribute("data-id", SOME_ID)
        await driver.reply()
        assert next(line.text for line in await neko.lines()) == SENTENCE
        [begun] = await driver.until_sent("start_session")
        assert begun["audio_format"] == "pcm16"
        assert begun["sample_rate"] == 16_000
        assert begun["echo_cancelled"] is True
        assert driver.binary > 0, "she answers aloud"
        heard = bytes(hearing.utterances[0].sound)
        assert likeness(heard, speech) > 0.6
        assert await driver.violations() == []


def likeness(heard: bytes, speech: bytes) -> float:
    """How well the loudness of ``heard`` follows that of ``speech`` where it fits best, 0 to 1."""

    def envelope(pcm: bytes) -> Any:
        samples = np.frombuffer(pcm[: len(pcm) // 640 * 640], dtype="<i2").astype(float).reshape(-1, 320)
        return np.sqrt((samples**2).mean(axis=1))

    long, short = envelope(heard), envelope(speech)
    long = np.pad(long, (len(short), len(short)))
    return float(
        max(
            np.corrcoef(long[at : at + len(short)] + 1e-9 * np.arange(len(short)), short)[0, 1]
            for at in range(len(long) - len(short))
        )
    )


MICROPHONE = Path(__file__).with_name("spoken_microphone.js")
HELD = f"""() => {{
  const quiet = window.heard.slice(-6);
  return quiet[0].at > window.saidAt && quiet.every(({{level}}) => level < {AUDIBLE});
}}"""


def thinking_with(provider: ScriptedProvider) -> dict[str, str]:
    return {"NEKO_ASSIST_API_KEY_OPENAI": "sk-test", "NEKO_OPENAI_BASE_URL": provider.base_url}


class Caller:
    """Somebody in a call who speaks when the test wants it."""

    def __init__(self, driver: PageDriver, hearing: ScriptedHearing) -> None:
        self.driver = driver
        self.hearing = hearing

    async def speak(self, sound: bytes) -> None:
        await self.driver.page.evaluate("window.say", base64.b64encode(sound).decode())

    async def hear_her(self) -> None:
        """Ask her for a story, and hear the beginning of it."""
        await self.driver.say("Tell me a story")
        await self.driver.until(UNTIL_HEARD, 0.4)

    def told(self, kind: str) -> list[dict[str, Any]]:
        """What the server has told of this kind."""
        return [frame for frame in map(json.loads, self.driver.received) if frame["type"] == kind]

    async def devices(self) -> int:
        """How many microphones are in use."""
        count: int = await self.driver.page.evaluate("window.live()")
        return count


@asynccontextmanager
async def calling(driver: PageDriver, data_dir: Path, *words: Words, press: bool = True) -> AsyncIterator[Caller]:
    """The page of ``driver`` with a microphone that says what it is told; her first reply is a story.

    With ``press`` there is a call.
    """
    hearing = ScriptedHearing(*words)
    async with (
        ScriptedProvider() as provider,
        RunningNeko(data_dir, hearing=hearing, environ=thinking_with(provider)) as neko,
    ):
        provider.script(Script([*STORY]))
        await driver.context.add_init_script(path=EAR)
        await driver.context.add_init_script(path=MICROPHONE)
        await neko.remember(2)
        await driver.open(neko.url)
        if press:
            await driver.get("call").click()
            await expect(driver.page.locator("#app")).to_have_attribute("data-call", "live")
        yield Caller(driver, hearing)
        assert await driver.violations() == []


async def test_speech_over_hers_holds_her_and_words_stop_her(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    words = "Wait, I want to say something else."
    async with calling(driver, data_dir, Words(words)) as caller:
        await caller.hear_her()
        await caller.speak(await spoken(words))
        [paused, *_] = await driver.until_sent("playback", state="paused")
        await driver.until(HELD)
        assert paused["played_ms"] > 0
        await expect(driver.lines("user").locator(".line-words").last).to_have_text(words)
        assert caller.told("neko_speech_paused")[0]["speech_id"] == paused["speech_id"]
        assert caller.told("neko_speech_resumed") == []
        assert paused["speech_id"] in [one["interrupted_speech_id"] for one in caller.told("user_activity")]
        [*_, last] = await driver.until_sent("playback", speech_id=paused["speech_id"])
        assert (last["played_ms"], last["state"]) == (paused["played_ms"], "ended")


async def test_a_cough_lets_her_go_on_where_she_was(tidy_loop: None, driver: PageDriver, data_dir: Path) -> None:
    async with calling(driver, data_dir, Words("Thank you.", no_speech=0.9)) as caller:
        await caller.hear_her()
        await caller.speak((await spoken("mhm"))[: FRAME * 20])
        [paused, *_] = await driver.until_sent("playback", state="paused")
        speech_id = paused["speech_id"]
        await driver.until_sent("playback", speech_id=speech_id, state="ended")
        reports = [one["played_ms"] for one in await driver.until_sent("playback", speech_id=speech_id)]
        assert caller.told("neko_speech_resumed")[0]["speech_id"] == speech_id
        assert reports == sorted(reports)
        assert abs(reports[-1] - driver.sound_ms[speech_id]) < 40, "all of it was heard, and none twice"
        assert speech_id not in [one["interrupted_speech_id"] for one in caller.told("user_activity")]


async def test_hanging_up_frees_the_microphone_and_ends_the_call(
    tidy_loop: None, driver: PageDriver, data_dir: Path
) -> None:
    async with calling(driver, data_dir) as caller:
        assert await caller.devices() == 1
        await driver.get("call").click()
        await expect(driver.get("call")).to_have_attribute("aria-pressed", "false")
        await driver.until_sent("end_session")
        assert await caller.devices() == 0
        count = len(driver.sound)
        await driver.until("() => new Promise((resolve) => setTimeout(resolve, 300))")
        assert len(driver.sound) == count
