"""Writing the last words anew; in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_last_words_are_written_anew_and_answered_anew(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["First."]), Script(["Second."]), Script(["Third."]))
    page = await driver.open(connected.url)
    for number, words in enumerate(["one", "twoo"], 1):
        await driver.say(words)
        await driver.reply(number)
    await driver.lines("user").first.hover()
    await expect(driver.lines("user").first.get_by_test_id("edit")).to_be_hidden()
    await driver.lines("user").last.hover()
    await driver.get("composer").fill("a draft")
    await driver.lines("user").last.get_by_test_id("edit").click()
    await expect(driver.get("composer")).to_have_value("twoo")
    await expect(driver.get("editing")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(driver.get("composer")).to_have_value("a draft")
    await driver.lines("user").last.hover()
    await driver.lines("user").last.get_by_test_id("edit").click()
    await driver.get("editing-leave").click()
    await expect(driver.get("composer")).to_have_value("a draft")
    await expect(driver.get("editing")).to_be_hidden()
    await driver.lines("user").last.hover()
    await driver.lines("user").last.get_by_test_id("edit").click()
    await driver.say("two")
    await expect(driver.lines("assistant").last.locator(".line-words")).to_have_text("Third.")
    await expect(driver.lines("assistant").last).to_have_attribute("data-id", "6")
    await expect(driver.get("composer")).to_have_value("a draft")
    assert await driver.texts() == ["one", "First.", "two", "Third."]
    assert [line.text for line in await connected.lines()] == ["one", "First.", "two", "Third."]
    assert "twoo" not in str(provider.chats[-1].json["messages"])
    assert "Second." not in str(provider.chats[-1].json["messages"])


async def test_a_change_can_be_undone_with_the_reply_there_was(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["First."]), Script(["Second."]), Script(["Third."]), Script(["Fourth."]))
    page = await driver.open(connected.url)
    for number, words in enumerate(["one", "two"], 1):
        await driver.say(words)
        await driver.reply(number)
    await driver.context.clock.install()
    await driver.lines("user").last.hover()
    await driver.lines("user").last.get_by_test_id("edit").click()
    await driver.say("three")
    await expect(driver.lines("assistant").last.locator(".line-words")).to_have_text("Third.")
    await expect(driver.lines("assistant").last).to_have_attribute("data-id", "6")
    await page.get_by_role("button", name="Undo").click()
    await expect(driver.lines("assistant").last.locator(".line-words")).to_have_text("Second.")
    assert await driver.texts() == ["one", "First.", "two", "Second."]
    assert [line.text for line in await connected.lines()] == ["one", "First.", "two", "Second."]
    await driver.say("four")
    await expect(driver.lines("assistant").last.locator(".line-words")).to_have_text("Fourth.")
    told = str(provider.chats[-1].json["messages"])
    assert "Second." in told
    assert "Third." not in told


async def test_a_change_is_undone_while_she_answers_it(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["First."]), Script(["Not ", "yet"], stall_after=1))
    page = await driver.open(connected.url)
    await driver.say("one")
    await driver.reply(1)
    await driver.context.clock.install()
    await driver.lines("user").last.hover()
    await driver.lines("user").last.get_by_test_id("edit").click()
    await driver.say("two")
    await expect(driver.lines("assistant").last.locator(".line-words")).to_contain_text("Not")
    await page.get_by_role("button", name="Undo").click()
    await expect(driver.lines("assistant").last.locator(".line-words")).to_have_text("First.")
    assert await driver.texts() == ["one", "First."]
    assert [line.text for line in await connected.lines()] == ["one", "First."]


async def test_everything_below_a_line_of_one_word_is_within_reach(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["First."]))
    page = await driver.open(connected.url)
    await driver.say("I")
    await driver.reply(1)
    await driver.lines("user").last.hover()
    outside = """() => {
        const { left, right } = document.querySelector("#log").getBoundingClientRect();
        const acts = [...document.querySelectorAll(".line[data-role=user] .line-act")];
        const places = acts.map((one) => one.getBoundingClientRect());
        return places.filter((one) => one.width && (one.left < left || one.right > right)).length;
    }"""
    assert await page.evaluate(outside) == 0
    assert (
        await page.evaluate(
            "() => { const log = document.querySelector('#log'); return log.scrollWidth - log.clientWidth; }"
        )
        == 0
    )
