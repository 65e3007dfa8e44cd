"""What is written and not sent: kept for each character; in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.page.test_chat_page_characters import edit
from tests.page.test_chat_page_writing import GIVE_PICTURE

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def to(driver: PageDriver, name: str) -> None:
    await driver.page.evaluate("location.hash = 'settings/characters'")
    await driver.page.locator(f'[data-testid=character][data-name="{name}"]').get_by_role("button", name="Talk").click()
    await expect(driver.get("name")).to_have_text(name)
    await expect(driver.get("settings")).to_be_hidden()


async def test_each_character_has_a_draft_of_her_own(connected: RunningNeko, driver: PageDriver) -> None:
    await connected.neko.characters.create("Rin", {})
    await driver.open(connected.url)
    composer = driver.get("composer")
    await composer.fill("for Mio")
    await to(driver, "Rin")
    await expect(composer).to_have_value("")
    await composer.fill("for Rin")
    await to(driver, NAME)
    await expect(composer).to_have_value("for Mio")
    await driver.page.reload()
    await driver.until_ready()
    await expect(composer).to_have_value("for Mio")
    await driver.page.close()
    await driver.open(f"{connected.url}/Rin")
    await expect(driver.get("composer")).to_have_value("for Rin")


async def test_what_was_sent_is_no_draft_any_more(connected: RunningNeko, driver: PageDriver) -> None:
    await driver.open(connected.url)
    await driver.say("hello")
    await driver.reply()
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.get("composer")).to_have_value("")


async def test_words_that_are_being_changed_do_not_become_the_draft(connected: RunningNeko, driver: PageDriver) -> None:
    await driver.open(connected.url)
    await driver.say("hello")
    await driver.reply()
    await driver.get("composer").fill("a draft")
    await driver.lines("user").hover()
    await driver.lines("user").get_by_test_id("edit").click()
    await expect(driver.get("composer")).to_have_value("hello")
    await driver.get("composer").fill("hello you")
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.get("composer")).to_have_value("a draft")


async def test_a_draft_goes_with_a_character_who_gets_another_name(connected: RunningNeko, driver: PageDriver) -> None:
    await driver.open(connected.url)
    await driver.get("composer").fill("a draft")
    await driver.page.evaluate("location.hash = 'settings/characters'")
    await edit(driver, NAME)
    await driver.get("character-name").fill("Rin")
    await driver.get("character-name").press("Tab")
    await expect(driver.get("name")).to_have_text("Rin")
    await driver.page.keyboard.press("Escape")
    await expect(driver.get("composer")).to_have_value("a draft")


async def test_a_picture_that_was_not_sent_is_there_after_a_reload_until_it_is_sent_or_taken_away(
    connected: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(connected.url)
    shelf = driver.get("attachment")
    for count in (1, 2):
        await driver.page.evaluate(GIVE_PICTURE, "paste")
        await expect(shelf).to_have_count(count)
    await driver.page.reload()
    await driver.until_ready()
    await expect(shelf).to_have_count(2)
    await shelf.first.get_by_role("button").click()
    await driver.page.reload()
    await driver.until_ready()
    await expect(shelf).to_have_count(1)
    await expect(driver.get("send")).to_be_enabled()
    await driver.say("What is this?")
    await driver.reply()
    assert (await connected.lines())[0].images == 1
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(2)
    await expect(shelf).to_have_count(0)
