"""The line to the server: it breaks, comes back, and is one tab's at a time; no line is lost or doubled."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.page.page_driver import ANY_ONLINE, LOST, SOME_ID, PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELLO = "Hello from the scripted model."


async def stored(running_neko: RunningNeko) -> list[str]:
    return [line.text.strip() for line in await running_neko.lines()]


async def nothing_lost_or_doubled(running_neko: RunningNeko, driver: PageDriver, said: list[str]) -> None:
    """On the page and in the log stand exactly ``said`` and one reply to each."""
    await expect(driver.lines()).to_have_count(2 * len(said))
    await expect(driver.lines().last).to_have_attribute("data-id", SOME_ID)
    assert await driver.texts() == await stored(running_neko)
    assert [line.text for line in await running_neko.lines() if line.role == "user"] == said


async def test_after_the_server_hangs_up_the_page_comes_back_and_nothing_is_lost(
    connected: RunningNeko, driver: PageDriver
) -> None:
    await driver.open(connected.url)
    await driver.say("one")
    await driver.reply()
    connected.hang_up()
    await expect(driver.get("connection")).not_to_have_attribute("data-state", ANY_ONLINE)
    await driver.say("two")
    await driver.reply(2)
    await expect(driver.get("connection")).to_have_attribute("data-state", "online")
    await nothing_lost_or_doubled(connected, driver, ["one", "two"])


async def test_a_cut_connection_in_the_middle_of_a_reply_leaves_one_whole_or_stopped_reply(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["The sea ", "is ", "wide."], stall_after=2))
    driver.forgive(*LOST)
    await driver.open(connected.url)
    await driver.say("one")
    await expect(driver.lines("assistant").locator(".line-words")).to_have_text("The sea is")
    connected.listener.cut_connections()
    await expect(driver.get("connection")).not_to_have_attribute("data-state", ANY_ONLINE)
    await driver.say("two")
    provider.release()
    await expect(driver.get("connection")).to_have_attribute("data-state", "online")
    await driver.reply(2)
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await nothing_lost_or_doubled(connected, driver, ["one", "two"])
    assert (await driver.texts())[1].startswith("The sea is")


async def test_a_restarted_server_finds_the_page_again_with_what_was_written_meanwhile(
    connected: RunningNeko, driver: PageDriver
) -> None:
    driver.forgive(*LOST)
    page = await driver.open(connected.url)
    await driver.say("one")
    await driver.reply()
    await connected.stop()
    await expect(driver.get("connection")).not_to_have_attribute("data-state", ANY_ONLINE)
    await driver.say("two")
    await expect(driver.lines("user").last).to_have_attribute("data-waiting", "")
    await driver.say("three")
    await expect(driver.lines("user").last.locator(".line-note")).to_have_text("Waiting for the line…")
    await page.get_by_role("button", name="Try now").wait_for()
    await connected.start()  # it comes back by itself within two seconds
    await expect(driver.get("connection")).to_have_attribute("data-state", "online")
    await expect(driver.lines("user").last).to_have_attribute("data-id", SOME_ID)
    await expect(driver.get("state")).to_have_attribute("data-state", "idle")
    await expect(driver.lines().last).to_have_attribute("data-role", "assistant")
    await expect(driver.lines().last).to_have_attribute("data-id", SOME_ID)
    assert await driver.texts("user") == ["one", "two", "three"]
    assert await driver.texts() == await stored(connected)
    await page.reload()
    await driver.until_ready()
    await expect(driver.lines("user")).to_have_count(3)
    assert await driver.texts() == await stored(connected)


async def test_what_was_said_elsewhere_meanwhile_is_on_the_page_when_the_line_is_back(
    connected: RunningNeko, driver: PageDriver
) -> None:
    driver.forgive(*LOST)
    page = await driver.open(connected.url)
    await driver.say("one")
    await driver.reply()
    await connected.stop()
    await expect(driver.get("connection")).not_to_have_attribute("data-state", ANY_ONLINE)
    await connected.start()
    async with asyncio.timeout(10):
        async for _ in connected.neko.chat("Mio", "two, from elsewhere"):
            pass
    await driver.until_ready()
    await driver.say("three")
    await driver.reply(3)
    await nothing_lost_or_doubled(connected, driver, ["one", "two, from elsewhere", "three"])
    await page.close()


async def test_the_newer_tab_talks_and_the_older_says_so_and_can_take_over(
    connected: RunningNeko, driver: PageDriver
) -> None:
    older = await driver.open(connected.url)
    await driver.say("from the first tab")
    await driver.reply()
    newer = await driver.open(connected.url)
    take_over = older.get_by_test_id("take-over")
    await expect(take_over).to_be_visible()
    await expect(older.get_by_test_id("connection")).to_have_attribute("data-state", "taken")
    await expect(newer.get_by_test_id("take-over")).to_have_count(0)
    await driver.say("from the second tab")
    await driver.reply(2)
    await expect(newer.get_by_test_id("connection")).to_have_attribute("data-state", "online")
    await expect(take_over).to_be_visible()
    await take_over.click()
    await expect(newer.get_by_test_id("take-over")).to_be_visible()
    driver.page = older
    await driver.until_ready()
    await expect(driver.lines()).to_have_count(4)
    await driver.say("back in the first tab")
    await driver.reply(3)
    await nothing_lost_or_doubled(
        connected, driver, ["from the first tab", "from the second tab", "back in the first tab"]
    )
    opened = [request for request in driver.sent if '"start_session"' in request]
    assert opened == []


async def test_the_older_tab_talks_again_once_the_newer_one_is_closed(
    connected: RunningNeko, driver: PageDriver
) -> None:
    oldest, older, newer = [await driver.open(connected.url) for _ in range(3)]
    for page in oldest, older:
        await expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "taken")
    await newer.close()
    await expect(oldest.get_by_test_id("connection")).to_have_attribute("data-state", ANY_ONLINE)
    await expect(oldest.get_by_test_id("take-over")).to_have_count(0)
    await expect(older.get_by_test_id("connection")).to_have_attribute("data-state", "taken")
    driver.page = oldest
    await driver.say("still here")
    await driver.reply()


async def test_two_tabs_never_fight(connected: RunningNeko, driver: PageDriver) -> None:
    older = await driver.open(connected.url)
    sockets: list[str] = []
    older.on("websocket", lambda socket: sockets.append(socket.url))
    await driver.open(connected.url)
    await expect(older.get_by_test_id("take-over")).to_be_visible()
    await older.evaluate(
        """async () => {
          window.dispatchEvent(new Event("online"));
          document.dispatchEvent(new Event("visibilitychange"));
          await new Promise((resolve) => setTimeout(resolve, 800));
        }"""
    )
    assert sockets == []
    await expect(older.get_by_test_id("take-over")).to_be_visible()
    await expect(driver.get("connection")).to_have_attribute("data-state", "online")


async def test_writing_in_the_older_tab_takes_the_talk_back(connected: RunningNeko, driver: PageDriver) -> None:
    older = await driver.open(connected.url)
    newer = await driver.open(connected.url)
    await expect(older.get_by_test_id("take-over")).to_be_visible()
    driver.page = older
    await driver.say("written in the older tab")
    await expect(newer.get_by_test_id("take-over")).to_be_visible()
    assert await driver.reply() == HELLO
    await nothing_lost_or_doubled(connected, driver, ["written in the older tab"])
