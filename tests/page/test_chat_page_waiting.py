"""What the page says while she has not begun to answer, and how soon it is back; in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.page_driver import LOST, PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider, failure

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONGEST_PAUSE_MS = 15_000


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


async def test_while_a_provider_asks_to_slow_down_its_light_is_not_green(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await driver.open(connected.url)
    await driver.say("hello")
    await driver.reply()
    light = driver.get("connection")
    await expect(light).to_have_attribute("data-model", "works")
    provider.script(failure(429, "Rate limit reached", retry_after="5"), Script(["There."]))
    await driver.say("and now?")
    await expect(driver.get("waits-for")).to_contain_text("again in 5 seconds")
    await expect(light).to_have_attribute("data-model", "trouble")
    await driver.reply(2)
    await expect(light).to_have_attribute("data-model", "works")


async def test_a_server_that_was_killed_in_the_middle_of_a_reply_leaves_no_state_behind(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["The sea ", "is wide."], stall_after=1))
    await driver.open(connected.url)
    await driver.say("hello")
    await expect(driver.get("state")).to_have_attribute("data-state", "speaking")
    driver.forgive(*LOST)
    await connected.stop()
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await expect(driver.get("typing")).to_have_count(0)
    await connected.start()
    await driver.until_ready()
    await expect(driver.lines("user")).to_have_count(1)


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
        more = bar.locator(".notice-more")
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


async def test_a_notice_above_a_long_talk_is_seen_whole(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["The sea is wide.\n\n"] * 40))
    page = await driver.open(connected.url)
    await driver.say("hello")
    await driver.reply()
    driver.forgive(*LOST)
    await connected.stop()
    await expect(page.locator(".banner .button")).to_be_visible()
    await driver.until(
        "() => { const all = document.getElementById('notices'); return all.clientHeight === all.scrollHeight; }"
    )


async def test_a_server_that_loads_is_told_under_the_dots_and_gone_with_a_fault(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(failure(503, "Loading model", retry_after="1"), failure(401))
    await driver.open(connected.url)
    await driver.say("hello")
    await expect(driver.get("waits-for")).to_contain_text("still loading")
    await expect(driver.get("toast")).to_have_count(0)
    await expect(driver.get("fault")).to_have_attribute("data-code", "model_refused_key")
    await expect(driver.get("waits-for")).to_have_count(0)
    await expect(driver.get("typing")).to_have_count(0)
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")


async def test_a_reply_cut_for_its_length_says_so_under_itself(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["It was a long ", "and winding"], finish_reason="length"))
    await driver.open(connected.url)
    await driver.say("Tell me")
    await driver.reply()
    await expect(driver.lines("assistant").get_by_test_id("remark")).to_contain_text("go on")
    await expect(driver.get("toast")).to_have_count(0)
    await driver.say("Go on")
    await driver.reply(2)
    await expect(driver.lines("assistant").nth(0).get_by_test_id("remark")).to_be_visible()
    await expect(driver.lines("assistant").nth(1).get_by_test_id("remark")).to_be_hidden()
    said = await driver.lines("assistant").nth(0).get_by_test_id("remark").text_content()
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.lines("assistant").nth(0).get_by_test_id("remark")).to_have_text(said or "nothing")
    await expect(driver.lines("assistant").nth(1).get_by_test_id("remark")).to_be_hidden()
    await driver.page.evaluate("location.hash = 'settings/language'")
    await driver.get("language-select").select_option("ja")
    await expect(driver.lines("assistant").nth(0).get_by_test_id("remark")).to_contain_text("続き")


async def test_a_server_that_was_long_gone_is_found_within_moments_of_its_return(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    """Time on the page moves only as the test moves it: no pause between two attempts ends by itself."""
    await driver.context.clock.install()
    page = await driver.open(running_neko.url)
    driver.forgive(*LOST)
    await running_neko.stop()
    await expect(driver.get("connection")).to_have_attribute("data-state", "waiting")
    for _ in range(12):
        async with page.expect_event("requestfailed", lambda request: request.url.endswith("/health")):
            await page.clock.run_for(LONGEST_PAUSE_MS // 5)
    await expect(page.locator('.banner[data-kind="link"]')).to_be_visible()
    await page.clock.pause_at(await page.evaluate("Date.now() + 1000"))
    await running_neko.start()
    await page.clock.run_for(2000)
    await driver.until_ready()
    await expect(driver.get("toast")).to_have_text("I am back.")
    await expect(page.locator('.banner[data-kind="link"]')).to_have_count(0)
