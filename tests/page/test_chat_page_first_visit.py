"""The first minute on a fresh folder."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_she_greets_a_newcomer_and_asks_how_to_think(speaking: RunningNeko, driver: PageDriver) -> None:
    page = await driver.open(speaking.url)
    await expect(driver.get("greeting")).to_contain_text("Mio")
    await expect(driver.get("welcome")).to_be_visible()
    await expect(driver.get("welcome-later")).to_be_enabled()
    await expect(page.locator("#avatar svg")).to_be_visible()
    assert await page.title() == "Mio"
    assert await driver.violations() == []


async def test_on_a_phone_the_first_visit_begins_with_her_words(running_neko: RunningNeko, chromium: Browser) -> None:
    async with PageDriver(chromium, viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True) as phone:
        await phone.open(running_neko.url)
        await expect(phone.get("welcome-ollama")).to_have_count(1)
        await expect(phone.get("greeting")).to_be_in_viewport(ratio=0.9)
        await expect(phone.get("your-name")).not_to_be_in_viewport()
        await phone.say("hello")
        await phone.reply()
        await expect(phone.lines("assistant").last).to_be_in_viewport(ratio=0.9)
        phone.check()


async def test_on_a_phone_the_providers_are_shown_from_the_first_on(
    running_neko: RunningNeko, chromium: Browser
) -> None:
    async with PageDriver(chromium, viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True) as phone:
        await phone.open(running_neko.url)
        await phone.get("welcome-key").click()
        await expect(phone.get("welcome").locator(".tile").first).to_be_in_viewport(ratio=0.9)
        await expect(phone.get("welcome").locator(".welcome-title").first).to_be_in_viewport()
        phone.check()


async def test_later_dismisses_the_card_for_good_and_the_talk_is_open(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(running_neko.url)
    await driver.get("welcome-later").click()
    await expect(driver.get("welcome")).to_have_count(0)
    await expect(driver.get("composer")).to_be_focused()
    await page.reload()
    await expect(driver.get("greeting")).to_be_visible()
    await expect(driver.get("welcome")).to_have_count(0)


async def test_a_typed_line_is_answered_by_the_built_in_model(running_neko: RunningNeko, driver: PageDriver) -> None:
    await driver.open(running_neko.url)
    await driver.say("hello")
    text = await driver.reply()
    assert text
    assert await driver.texts() == ["hello", text]
    stored = await running_neko.lines()
    assert stored[0].text == "hello"
    assert driver.hosts() == {"127.0.0.1"}
    assert await driver.violations() == []


async def test_a_characters_own_address_opens_her_and_an_unknown_one_leads_to_her(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(f"{running_neko.url}/Mio")
    await expect(driver.get("greeting")).to_contain_text("Mio")
    await page.close()
    driver.forgive("/api/history/Nobody")
    await driver.open(f"{running_neko.url}/Nobody")
    await expect(driver.get("name")).to_have_text("Mio")
    await driver.say("hello")
    await driver.reply()
    assert (await running_neko.lines())[0].text == "hello"
