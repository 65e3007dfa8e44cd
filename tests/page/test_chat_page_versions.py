"""Going back to an earlier version of the last reply, in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.page.test_chat_page_chats import list_of_chats, new_chat
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def said_three_ways(driver: PageDriver, connected: RunningNeko, provider: ScriptedProvider) -> None:
    provider.script(Script(["First *way*."]), Script(["Second way."]), Script(["Third way."]), Script(["Next."]))
    await driver.open(connected.url)
    await driver.say("Say it")
    for number, words in enumerate(["First way.", "Second way.", "Third way."], 1):
        await shows(driver, words, f"{number}/{number}" if number > 1 else "")
        if number < 3:
            await driver.get("retry").click()


async def shows(driver: PageDriver, words: str, count: str) -> None:
    """The reply is this one of so many, and she is done with it: until then no other is chosen."""
    await expect(driver.page.locator("#log")).not_to_have_attribute("data-busy", "")
    await expect(driver.lines("assistant").locator(".line-words")).to_have_text([words])
    if count:
        await expect(driver.get("versions")).to_contain_text(count)
    else:
        await expect(driver.get("versions")).to_have_count(0)


async def test_the_version_that_is_gone_to_is_the_reply_from_then_on(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await said_three_ways(driver, connected, provider)
    await driver.get("version-before").click()
    await shows(driver, "Second way.", "2/3")
    await driver.get("version-before").click()
    await shows(driver, "First way.", "1/3")
    await expect(driver.lines("assistant").locator("em")).to_have_text("way")
    await expect(driver.get("version-before")).to_have_attribute("aria-disabled", "true")
    assert [line.text for line in await connected.lines()] == ["Say it", "First *way*."]
    await driver.page.reload()
    await driver.until_ready()
    await shows(driver, "First way.", "1/3")
    await driver.say("And then?")
    await driver.reply(2)
    assert "First *way*." in str(provider.chats[-1].json["messages"])
    assert "Third way." not in str(provider.chats[-1].json["messages"])
    await expect(driver.get("versions")).to_be_hidden()


async def test_the_keyboard_goes_through_the_versions_and_stays_where_it_is(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await said_three_ways(driver, connected, provider)
    await driver.get("version-before").focus()
    await driver.page.keyboard.press("Enter")
    await shows(driver, "Second way.", "2/3")
    await driver.page.keyboard.press("Alt+ArrowLeft")
    await shows(driver, "First way.", "1/3")
    await driver.page.keyboard.press("ArrowRight")
    await shows(driver, "Second way.", "2/3")
    await expect(driver.get("version-before")).to_be_focused()


async def test_a_retry_after_going_back_is_a_further_version(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await said_three_ways(driver, connected, provider)
    await driver.get("version-before").click()
    await shows(driver, "Second way.", "2/3")
    await driver.get("retry").click()
    await shows(driver, "Next.", "4/4")
    await driver.get("version-before").click()
    await shows(driver, "Third way.", "3/4")


async def test_each_chat_has_the_versions_of_its_own_last_reply(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await said_three_ways(driver, connected, provider)
    await new_chat(driver)
    await driver.say("Something else")
    await driver.reply()
    await expect(driver.get("versions")).to_have_count(0)
    await (await list_of_chats(driver)).nth(1).get_by_role("button").first.click()
    await shows(driver, "Third way.", "3/3")
    await driver.get("version-before").click()
    await shows(driver, "Second way.", "2/3")
    await driver.say("Go on")
    await driver.reply(2)
    assert "Second way." in str(provider.chats[-1].json["messages"])
    assert "Third way." not in str(provider.chats[-1].json["messages"])


async def test_nothing_is_chosen_while_she_thinks_of_another_one(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["First."]), Script(["Second."]), Script(["Third."], stall_after=0))
    await driver.open(connected.url)
    await driver.say("Say it")
    await driver.reply()
    await driver.get("retry").click()
    await shows(driver, "Second.", "2/2")
    await driver.get("retry").click()
    await expect(driver.get("typing")).to_be_visible()
    await driver.get("version-before").click()
    await expect(driver.get("toast")).to_contain_text("not while I am speaking")
    provider.release()
    await shows(driver, "Third.", "3/3")


async def test_the_arrows_have_room_on_a_phone(
    connected: RunningNeko, provider: ScriptedProvider, chromium: Browser
) -> None:
    async with PageDriver(chromium, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as driver:
        await said_three_ways(driver, connected, provider)
        await driver.page.evaluate("document.querySelector('.is-last .line-note').textContent = 'Stopped by you'")
        log = await driver.page.locator("#log").bounding_box()
        assert log is not None
        for button in await driver.page.locator(".is-last .line-act:visible").all():
            box = await button.bounding_box()
            assert box is not None
            assert 7 <= box["x"] <= log["x"] + log["width"] - box["width"] - 7
        await driver.get("version-before").tap()
        await shows(driver, "Second way.", "2/3")
        driver.check()
