"""Who she is at the first visit, and what she calls the reader; in a real browser."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import pytest
from playwright.async_api import Browser, expect

from neko.characters import default_characters
from neko.types.lines import NewLine, Role
from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

LANGUAGES = {"en-US": "en", "zh-CN": "zh-CN", "zh-TW": "zh-TW", "ja-JP": "ja", "ko-KR": "ko"}


@pytest.mark.parametrize(("locale", "language"), LANGUAGES.items())
@pytest.mark.few(2)
async def test_the_first_cast_is_that_of_the_readers_language(
    running_neko: RunningNeko, browser: Browser, locale: str, language: str
) -> None:
    (name,) = default_characters(language)["猫娘"]
    async with PageDriver(browser, locale=locale) as driver:
        await driver.open(running_neko.url)
        await expect(driver.get("name")).to_have_text(name)
        await expect(driver.get("greeting")).to_contain_text(name)
        await expect(driver.get("greeting")).to_have_attribute("aria-label", name)
        await driver.say("…")
        await driver.reply()
        await expect(driver.lines("assistant")).to_have_attribute("aria-label", name)
        driver.check()
    async with PageDriver(browser, locale="ja-JP" if language == "en" else "en-US") as later:
        await later.open(running_neko.url)
        await expect(later.get("name")).to_have_text(name)
        later.check()


async def test_what_she_may_call_the_reader_is_asked_once_and_told_to_the_model(
    running_neko: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    page = await driver.open(running_neko.url)
    field = driver.get("your-name")
    await expect(driver.get("welcome").get_by_text("What may I call you?")).to_be_visible()
    driver.forgive("status of 400")
    await field.fill("a/b")
    await field.press("Enter")
    await expect(driver.get("welcome").get_by_role("alert")).to_be_visible()
    await field.fill("Daniel")
    await field.press("Enter")
    await expect(driver.get("toast")).to_have_text("Nice to meet you, Daniel.")
    await expect(field).to_have_count(0)
    await page.reload()
    await driver.until_ready()
    await expect(driver.get("welcome-key")).to_be_visible()
    await expect(field).to_have_count(0)
    await driver.say("What's my name?")
    assert "Daniel" in await driver.reply()


async def test_the_name_is_changed_in_the_settings_and_the_next_words_begin_with_it(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    page = await driver.open(connected.url)
    await driver.say("hello")
    await driver.reply(1)
    system = str(provider.chats[-1].json["messages"][0]["content"])
    assert "talking with the person you talk with" in system
    assert "You do not know their name yet." in system
    await page.evaluate("location.hash = 'settings/characters'")
    await driver.get("your-name").fill("Dan")
    await driver.get("your-name-save").click()
    await expect(driver.get("toast")).to_have_text("Nice to meet you, Dan.")
    await page.keyboard.press("Escape")
    await driver.say("and now?")
    await driver.reply(2)
    system = str(provider.chats[-1].json["messages"][0]["content"])
    assert "Dan" in system
    assert "You do not know their name yet." not in system


async def test_undo_of_a_forgotten_name_gives_the_name_back_in_the_settings_too(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(running_neko.url)
    for words in ("I'm Priya", "forget my name", "yes"):
        count = await driver.lines("assistant").count()
        await driver.say(words)
        await driver.reply(count + 1)
    await expect(driver.get("toast")).to_be_visible()
    await expect(driver.lines("user").filter(has_text="I'm Priya")).to_be_hidden()
    async with driver.page.expect_response(lambda answer: answer.request.method == "POST" and "/master" in answer.url):
        await driver.get("toast").get_by_role("button", name="Undo").click()
    await expect(driver.lines("user").filter(has_text="I'm Priya")).to_be_visible()
    assert running_neko.neko.characters.cards.master_name == "Priya"


PLACES = """(holder) => {
  const walker = document.createTreeWalker(holder, NodeFilter.SHOW_TEXT), places = [];
  while (walker.nextNode()) for (let at = 0; at < walker.currentNode.length; at += 1) {
    const range = new Range();
    range.setStart(walker.currentNode, at), range.setEnd(walker.currentNode, at + 1);
    places.push([walker.currentNode.data[at], range.getBoundingClientRect().left]);
  }
  return places;
}"""
"""Each letter of an element, and where it begins from the left."""


async def test_words_and_names_of_either_direction_stand_whole_beside_each_other(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    await running_neko.neko.characters.create("قطة لطيفة", {})
    for role, text in (("user", "مرحبا!"), ("assistant", "أنا بخير.")):
        said = NewLine("before", "turn", cast(Role, role), text, datetime.now())
        await running_neko.neko.memory.store("قطة لطيفة", said)
    page = await driver.open(f"{running_neko.url}/قطة لطيفة")
    for line in (driver.lines("user"), driver.lines("assistant")):
        letters = await line.locator(".line-words").evaluate(PLACES)
        assert letters[-1][1] < letters[0][1], "the full stop is at the end of what runs from the right"
    await page.goto(f"{running_neko.url}/memory_browser?character=قطة لطيفة")
    head = await driver.get("memory-line").last.locator(".memory-line-head > span").evaluate(PLACES)
    name = max(left for letter, left in head if letter > "\u0600")
    assert all(left > name for letter, left in head if letter.isdigit() or letter in "AMP")
