"""What the page says while she has not begun to answer, and how soon it is back; in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider, failure

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_after_eight_seconds_it_says_what_is_waited_for_and_how_long_already(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["at last"], stall_after=0))
    await driver.context.clock.install()
    await driver.open(connected.url)
    await driver.say("hello")
    words = driver.get("waits-for")
    await expect(driver.get("typing")).to_be_visible()
    await driver.context.clock.run_for(9_000)
    await expect(words).to_have_text(re.compile(r"(Still waiting for the first word|No word from).* \d+ s"))
    await expect(words.locator("[role=status]")).not_to_have_text(re.compile(r"\d+ s"))
    provider.release()
    await driver.reply()
    await expect(words).to_have_count(0)


async def test_that_it_is_tried_again_stands_beside_the_dots_until_the_first_word(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(failure(500), Script(["at ", "last"], stall_after=0))
    await driver.open(connected.url)
    await driver.say("hello")
    await expect(driver.get("waits-for")).to_contain_text("I am trying again.")
    await expect(driver.get("toast")).to_have_count(0)
    provider.release()
    await driver.reply()
    await expect(driver.get("waits-for")).to_have_count(0)


async def test_a_server_that_was_killed_in_the_middle_of_a_reply_leaves_no_state_behind(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["The sea ", "is wide."], stall_after=1))
    await driver.open(connected.url)
    await driver.say("hello")
    await expect(driver.get("state")).to_have_attribute("data-state", "speaking")
    driver.forgive("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "WebSocket connection")
    await connected.stop()
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await expect(driver.get("typing")).to_have_count(0)
    await connected.start()
    await driver.until_ready()
    await expect(driver.lines("user")).to_have_count(1)


async def test_a_server_that_is_started_again_is_asked_every_two_seconds_for_minutes(
    connected: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(connected.url)
    delays = await page.evaluate(
        """async () => {
          const { retryDelay } = await import("./static/app/socket.js");
          const at = (random) => [...Array(200).keys()].map((attempt) => retryDelay(attempt, () => random));
          return [at(0), at(1)];
        }"""
    )
    shortest, longest = delays
    assert max(longest[:100]) <= 2_000
    assert sum(shortest[:100]) > 90_000
    assert max(longest) <= 15_000
    assert all(short < long for short, long in zip(shortest, longest, strict=True))


@pytest.mark.parametrize("width", [390, 1440])
async def test_a_long_notice_leaves_the_talk_its_room_and_opens_when_asked(
    tidy_loop: None, driver: PageDriver, data_dir: Path, width: int
) -> None:
    file = data_dir / "config" / "characters.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"猫娘": {"Mio": {}, "Bad/Name": {}}}) + ",,", encoding="utf-8")
    file.with_name(file.name + ".bak").write_text('{"猫娘": {"Luna": {}}}', encoding="utf-8")
    driver.forgive("ERR_CONNECTION_REFUSED")
    async with RunningNeko(data_dir, voice="off") as neko:
        page = await driver.open(neko.url)
        await page.set_viewport_size({"width": width, "height": 844})
        await page.reload()
        await driver.until_ready()
        bar = page.locator(".banner").first
        await expect(bar).to_be_visible()
        more = bar.locator(".banner-more")
        before = await bar.bounding_box()
        await more.click()
        await expect(more).to_have_attribute("aria-expanded", "true")
        after = await bar.bounding_box()
        assert before is not None
        assert after is not None
        assert before["height"] < 160
        assert after["height"] > before["height"]
        composer = await driver.get("composer").bounding_box()
        assert composer is not None
        assert composer["y"] + composer["height"] <= 844
