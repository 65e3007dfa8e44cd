"""Deleting what was said, with a while in which it can be undone; in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def talk(driver: PageDriver, connected: RunningNeko, provider: ScriptedProvider) -> None:
    provider.script(Script(["First."]), Script(["Second."]), Script(["Third."]))
    await driver.open(connected.url)
    for number, words in enumerate(["one", "two"], 1):
        await driver.say(words)
        await driver.reply(number)


async def delete(driver: PageDriver, place: int) -> None:
    line = driver.lines().nth(place)
    await line.hover()
    await line.get_by_test_id("delete").click()


async def in_log(connected: RunningNeko) -> list[str]:
    return [line.text for line in await connected.lines()]


async def test_ones_own_words_go_with_the_reply_and_the_model_hears_of_them_no_more(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await talk(driver, connected, provider)
    await driver.context.clock.install()
    await delete(driver, 0)
    await expect(driver.get("toast")).to_contain_text("Deleted, with the reply.")
    await expect(driver.lines().nth(0)).to_be_hidden()
    await expect(driver.lines().nth(1)).to_be_hidden()
    assert await in_log(connected) == ["one", "First.", "two", "Second."]
    await driver.context.clock.run_for(8_000)
    await expect(driver.lines()).to_have_count(2)
    assert await in_log(connected) == ["two", "Second."]
    await driver.say("three")
    await driver.reply(2)
    assert "First." not in str(provider.chats[-1].json["messages"])
    assert "Second." in str(provider.chats[-1].json["messages"])
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(4)


async def test_it_can_be_undone_for_a_while(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await talk(driver, connected, provider)
    await driver.context.clock.install()
    await delete(driver, 3)
    await expect(driver.lines().nth(3)).to_be_hidden()
    await driver.page.get_by_role("button", name="Undo").click()
    await expect(driver.lines().nth(3)).to_be_visible()
    await driver.context.clock.run_for(20_000)
    await expect(driver.lines()).to_have_count(4)
    assert await in_log(connected) == ["one", "First.", "two", "Second."]


async def test_leaving_the_page_ends_the_time_to_undo(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await talk(driver, connected, provider)
    await delete(driver, 3)
    await driver.page.reload()
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(3)
    assert await in_log(connected) == ["one", "First.", "two"]


async def test_what_cannot_be_deleted_comes_back_and_is_told(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await talk(driver, connected, provider)
    await driver.context.clock.install()
    driver.forgive("500")
    await driver.page.route(
        "**/delete", lambda route: route.fulfill(status=500, json={"success": False, "error": "No."})
    )
    await delete(driver, 3)
    await driver.context.clock.run_for(8_000)
    await expect(driver.lines().nth(3)).to_be_visible()
    await expect(driver.get("toast").first).to_contain_text("No.")


@pytest.mark.parametrize("is_undone", [False, True])
async def test_what_the_built_in_model_is_told_to_forget_goes_unless_it_is_undone(
    running_neko: RunningNeko, driver: PageDriver, is_undone: bool
) -> None:
    fact = "My cat is called Mimi."
    await driver.open(running_neko.url)
    for number, words in enumerate([fact, "forget that my cat is called Mimi"], 1):
        await driver.say(words)
        await driver.reply(number)
    await driver.context.clock.install()
    await driver.say("yes")
    toast = driver.get("toast").filter(has_text="Deleted.")
    await expect(toast).to_be_visible()
    await expect(driver.lines("user").filter(has_text=fact)).to_be_hidden()
    assert fact in await in_log(running_neko)
    if is_undone:
        await toast.get_by_role("button").click()
        await expect(driver.lines("user").filter(has_text=fact)).to_be_visible()
    await driver.context.clock.run_for(8_000)
    if not is_undone:
        await expect(driver.lines("user").filter(has_text="Mimi")).to_have_count(0)
    assert (fact in await in_log(running_neko)) is is_undone
    assert ("Mimi" in " ".join(await in_log(running_neko))) is is_undone
