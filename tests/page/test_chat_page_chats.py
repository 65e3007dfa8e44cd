"""Chats: a new one, earlier ones in a list, and each with a title; in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, expect

from neko.types.memory import InChats
from tests.page.page_driver import PageDriver
from tests.page.running_neko import NAME, RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def talk(driver: PageDriver, *words: str) -> None:
    for number, text in enumerate(words, 1):
        await driver.say(text)
        await driver.reply(number)


async def new_chat(driver: PageDriver) -> None:
    await driver.get("menu").click()
    await driver.get("menu-new-chat").click()
    await expect(driver.lines()).to_have_count(0)


async def list_of_chats(driver: PageDriver) -> Locator:
    await driver.get("menu").click()
    await driver.get("menu-chats").click()
    await expect(driver.get("chats-new")).to_be_focused()
    return driver.get("chats-list").locator("li")


async def test_a_new_chat_is_an_empty_page_for_the_reader_and_what_was_said_before_is_background_for_the_model(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["First."]), Script(["Second."]))
    await driver.open(connected.url)
    await talk(driver, "the weather is fine")
    await new_chat(driver)
    await expect(driver.get("greeting")).to_contain_text("A fresh page")
    await expect(driver.get("composer")).to_be_focused()
    await talk(driver, "and now something else")
    background, *messages = provider.chats[-1].json["messages"]
    assert "Mio | First." in background["content"].partition("Said in chats before this one:")[2]
    assert "First." not in str(messages)
    await driver.page.reload()
    await driver.until_ready()
    assert await driver.texts() == ["and now something else", "Second."]
    everything = await connected.neko.memory.lines(NAME, chat=InChats.ALL)
    assert [line.text for line in everything] == ["the weather is fine", "First.", "and now something else", "Second."]


async def test_an_earlier_chat_goes_on_where_it_was_left(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["First."]), Script(["Second."]), Script(["Third."]))
    await driver.open(connected.url)
    await talk(driver, "a tale of two cats")
    await new_chat(driver)
    await talk(driver, "good morning")
    rows = await list_of_chats(driver)
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("good morning")
    await expect(rows.nth(0).locator(".panel-item")).to_have_attribute("aria-current", "true")
    await driver.page.keyboard.press("ArrowDown")
    await driver.page.keyboard.press("ArrowDown")
    await expect(rows.nth(1).locator(".panel-item")).to_be_focused()
    await driver.page.keyboard.press("Enter")
    await expect(driver.get("chats")).to_have_count(0)
    await expect(driver.lines()).to_have_count(2)
    assert await driver.texts() == ["a tale of two cats", "First."]
    await driver.say("and then?")
    await driver.reply(2)
    background = provider.chats[-1].json["messages"][0]["content"]
    before, _, here = background.partition("Said in chats before this one:")[2].partition("The latest part of")
    assert "Mio | Second." in before
    assert "Mio | First." in here
    assert background.count("First.") == background.count("Second.") == 1


async def test_a_chat_gets_a_title_and_escape_leaves_it_as_it_was(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(running_neko.url)
    await talk(driver, "hello")
    rows = await list_of_chats(driver)
    await rows.first.get_by_test_id("chat-rename").click()
    await driver.get("chat-title").fill("Never mind")
    await driver.page.keyboard.press("Escape")
    await expect(rows.first.locator(".panel-words")).to_have_text("hello")
    await rows.first.get_by_test_id("chat-rename").click()
    await driver.get("chat-title").fill("A first talk")
    await driver.page.keyboard.press("Enter")
    await expect(rows.first.locator(".panel-words")).to_have_text("A first talk")
    await expect(rows.first.locator(".panel-item")).to_be_focused()
    await driver.page.keyboard.press("Escape")
    await expect(driver.get("chats")).to_have_count(0)
    await expect(driver.get("composer")).to_be_focused()


async def test_a_chat_is_deleted_after_a_while_in_which_it_can_be_undone(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(running_neko.url)
    await talk(driver, "hello")
    said = await driver.texts()
    rows = await list_of_chats(driver)
    await driver.context.clock.install()
    await rows.first.get_by_test_id("chat-delete").click()
    await expect(driver.lines()).to_have_count(0)
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("Nothing said yet")
    await driver.get("toast").get_by_role("button").click()
    await expect(driver.lines()).to_have_count(2)
    assert await driver.texts() == said
    await expect(rows.first.locator(".panel-words")).to_have_text("hello")
    await rows.first.get_by_test_id("chat-delete").click()
    await expect(driver.lines()).to_have_count(0)
    async with driver.page.expect_response("**/api/chats/*/delete"):
        await driver.context.clock.run_for(8_000)
    assert await running_neko.neko.memory.lines(NAME, chat=InChats.ALL) == []


async def test_what_is_found_in_another_chat_is_shown_there(running_neko: RunningNeko, driver: PageDriver) -> None:
    await running_neko.remember(60)
    await driver.open(running_neko.url)
    await new_chat(driver)
    await talk(driver, "good morning")
    await driver.page.keyboard.press("Control+k")
    await driver.get("search-input").fill("line 3")
    found = driver.get("search-found").locator(".panel-item")
    await expect(found).to_have_count(15)
    await found.last.click()
    line = driver.page.locator('.line[data-id="3"]')
    await expect(line).to_be_in_viewport()
    assert "good morning" not in await driver.texts()


async def test_a_page_follows_the_chat_that_was_opened_elsewhere(running_neko: RunningNeko, driver: PageDriver) -> None:
    await driver.open(running_neko.url)
    await talk(driver, "hello")
    manager = running_neko.neko.conversations.get(NAME)
    assert manager is not None
    await manager.edits.open_chat(None)
    await expect(driver.lines()).to_have_count(0)
    running_neko.hang_up()
    await manager.edits.open_chat(0)
    await expect(driver.lines()).to_have_count(2)


async def test_a_new_chat_in_the_middle_of_a_reply_keeps_what_was_said_of_it_in_the_old_one(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["Once upon ", "a time ", "there was"], stall_after=2), Script(["Yes?"]))
    await driver.open(connected.url)
    await driver.say("tell me a tale")
    await expect(driver.lines("assistant")).to_contain_text("Once upon")
    await driver.page.keyboard.press("Control+Shift+o")
    await expect(driver.lines()).to_have_count(0)
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    old = await connected.neko.memory.lines(NAME, chat=0)
    assert [(line.role, line.status) for line in old] == [("user", "complete"), ("assistant", "interrupted")]
    assert old[1].text.startswith("Once upon")
