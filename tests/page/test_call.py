"""A call from the page: a microphone in a real browser, the real socket and conversation, a scripted recogniser."""

from __future__ import annotations

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
from tests.scripted_hearing import ScriptedHearing, Words
from tests.spoken import quiet, spoken

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


async def test_hanging_up_frees_the_microphone_and_ends_the_call(
    chromium_path: str, tidy_loop: None, data_dir: Path
) -> None:
    async with in_call(chromium_path, data_dir, ScriptedHearing(), quiet(1)) as (driver, _):
        await expect(driver.get("call")).to_have_attribute("aria-pressed", "true")
        await driver.until_sent("start_session")
        await driver.get("call").click()
        await expect(driver.get("call")).to_have_attribute("aria-pressed", "false")
        await driver.until_sent("end_session")
