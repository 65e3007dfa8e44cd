"""A call from the page with a provider's voice model, and the choice of who answers calls."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from httpx2 import AsyncClient
from playwright.async_api import expect

from tests.client import is_turn_end
from tests.page.fake_microphone import browser_hearing, write_wav
from tests.page.page_driver import PageDriver
from tests.page.recorded import RATE, record, recorded, stretches
from tests.page.running_neko import NAME, RunningNeko
from tests.page.speaking_over import EDGE, same
from tests.scripted_realtime import ScriptedRealtime, Turn
from tests.spoken import quiet, spoken
from tests.web.test_realtime_call import configure

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENTENCE = "Hello, can you hear me?"
PAGE_RATE = 16_000
ON_ITS_WAY_S = 0.5
"""Sound that may have been on its way into the connection that broke."""


async def test_what_is_said_is_shown_and_answered_in_the_models_own_voice(
    shell_path: str, tidy_loop: None, data_dir: Path
) -> None:
    wav = write_wav(data_dir.with_name("microphone.wav"), quiet(1) + await spoken(SENTENCE) + quiet(4))
    async with ScriptedRealtime() as provider:
        provider.always = Turn(hears=SENTENCE, deltas=("I hear you ", "perfectly well."))
        configure(data_dir, provider)
        async with (
            RunningNeko(data_dir) as neko,
            browser_hearing(shell_path, wav) as browser,
            PageDriver(browser) as driver,
        ):
            await driver.open(neko.url)
            await driver.get("call").click()
            await expect(driver.lines("user").locator(".line-words").first).to_have_text(SENTENCE)
            await expect(driver.lines("assistant").last).to_contain_text("I hear you perfectly well.")
            await driver.until_sent("playback")
            assert driver.binary > 0, "she answers aloud"
            driver.check()


def is_heard_by(provider: ScriptedRealtime, session: int) -> bool:
    """Is it this session, counted from 1, that the sound of the microphone goes to?"""
    return len(provider.calls) == session and bool(provider.last.heard)


def heard_s(provider: ScriptedRealtime) -> float:
    """Seconds of sound that all sessions have heard."""
    return sum(len(caller.heard) for caller in provider.calls) / (2 * provider.dialect.input_rate)


@pytest.mark.long
async def test_sessions_that_are_lost_that_end_and_that_a_change_outdates_leave_no_gap_and_no_sample_out(
    shell_path: str, tidy_loop: None, data_dir: Path
) -> None:
    """The first is lost while she is heard, the second says that it will end soon, the third is of another persona."""
    wav = write_wav(data_dir.with_name("microphone.wav"), quiet(1) + await spoken(SENTENCE) + quiet(90))
    async with ScriptedRealtime() as provider:
        provider.always = Turn(hears=SENTENCE, deltas=["I will tell you all about the sea. "] * 8)
        configure(data_dir, provider)
        async with (
            RunningNeko(data_dir) as neko,
            browser_hearing(shell_path, wav) as browser,
            PageDriver(browser, bypass_csp=True) as driver,
        ):
            await record(driver)
            await driver.open(neko.url)
            await driver.get("call").click()
            [began, *_] = await driver.until_sent("playback", state="playing")
            await expect(driver.lines("assistant").last).to_contain_text("sea.")
            provider.expires_at = time.time() + 15
            provider.last.abort()
            await provider.until(lambda: len(provider.calls) == 2 and bool(provider.last.session))
            provider.expires_at = None
            await provider.until(partial(is_heard_by, provider, 3))
            assert not any('"ended"' in action for action in driver.sent), "she is heard all the while"
            await driver.until_sent("playback", speech_id=began["speech_id"], state="ended")
            async with AsyncClient(base_url=neko.url) as http:
                changed = {"system_prompt": "You are Mio, and love the sea."}
                (await http.patch(f"/api/characters/catgirl/{NAME}", json=changed)).raise_for_status()
            await provider.until(partial(is_heard_by, provider, 4))
            assert "love the sea" in provider.last.session["instructions"]

            await driver.until("() => window.quietFor('played') > 0.5")
            # before that, her greeting was heard until the call began
            given = np.frombuffer(bytes(driver.voice[began["speech_id"]]), "<i2") / 32768
            played = (await recorded(driver.page, "played")).samples
            [*_, (begin, end)] = stretches(played, RATE // 100)
            assert abs(end - begin - len(given)) <= 1, "a fade begins at nothing"
            heard = played[end - len(given) : end]
            assert same(heard[EDGE:-EDGE], given[EDGE:-EDGE]), "sample for sample"
            events = [json.loads(event) for event in driver.received]
            assert sum(is_turn_end(event) for event in events) == 1
            await driver.get("call-mute").click()
            await driver.until_sent("neko_microphone", muted=True)  # all that it sent before has been noted
            given_s = sum(map(len, driver.sound)) / (2 * PAGE_RATE)
            await provider.until(lambda: heard_s(provider) >= given_s - ON_ITS_WAY_S)
            await driver.get("call").click()
            await provider.until(lambda: all(caller.closed for caller in provider.calls))
            assert heard_s(provider) <= given_s, "no sound of the microphone is heard twice"
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
    await expect(driver.get("calls-now")).to_contain_text("you hear its voice")
    await driver.get("calls-voice").select_option("hers")
    await expect(driver.get("calls-now")).to_contain_text("you hear her voice")
    await driver.get("calls-turns").select_option("here")
    await expect(driver.get("calls-turns")).to_have_value("here")
    await driver.get("calls-provider").select_option("gemini")
    await expect(driver.get("calls-turns")).to_have_count(0)  # Gemini alone finds them
    assert await driver.violations() == []
