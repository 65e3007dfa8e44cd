"""A call from the page with a provider's voice model, and the choice of who answers calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.fake_microphone import browser_hearing, write_wav
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_realtime import ScriptedRealtime, Turn
from tests.spoken import quiet, spoken
from tests.web.test_realtime_call import configure

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENTENCE = "Hello, can you hear me?"


async def test_what_is_said_is_shown_and_answered_in_the_models_own_voice(
    chromium_path: str, tidy_loop: None, data_dir: Path
) -> None:
    wav = write_wav(data_dir.with_name("microphone.wav"), quiet(1) + await spoken(SENTENCE) + quiet(4))
    async with ScriptedRealtime() as provider:
        provider.always = Turn(hears=SENTENCE, deltas=("I hear you ", "perfectly well."))
        configure(data_dir, provider)
        async with (
            RunningNeko(data_dir) as neko,
            browser_hearing(chromium_path, wav) as browser,
            PageDriver(browser) as driver,
        ):
            await driver.open(neko.url)
            await driver.get("call").click()
            await expect(driver.lines("user").locator(".line-words").first).to_have_text(SENTENCE)
            await expect(driver.lines("assistant").last).to_contain_text("I hear you perfectly well.")
            await driver.until_sent("playback")
            assert driver.binary > 0, "she answers aloud"
            driver.check()


async def test_who_answers_calls_is_chosen_in_the_settings(running_neko: RunningNeko, driver: PageDriver) -> None:
    await driver.open(f"{running_neko.url}/#settings/hearing")
    await expect(driver.get("calls-now")).to_contain_text("Calls go through text")
    await driver.get("calls-way").select_option("direct")
    await expect(driver.get("calls-now")).to_contain_text("no key for this provider yet")
    await driver.get("calls-provider").select_option("openai")
    await driver.get("calls-key").fill("sk-of-mine-1234567890")
    await driver.get("calls-key").press("Enter")
    await expect(driver.get("calls-now")).to_contain_text("directly with gpt-realtime-mini")
    await expect(driver.get("calls-key")).to_have_value("")
    await driver.get("calls-way").select_option("text")
    await expect(driver.get("calls-now")).to_contain_text("Calls go through text")
    await driver.get("calls-way").select_option("direct")
    await expect(driver.get("calls-now")).to_contain_text("directly with gpt-realtime-mini")  # the key is still there
    assert await driver.violations() == []
