"""What reaches a reader who looks elsewhere, or hears nothing; in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.page.page_driver import PageDriver
from tests.page.running_neko import RunningNeko
from tests.scripted_provider import Script, ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

HIDE = (
    """Object.defineProperty(Document.prototype, "hidden", { get: () => window.away === true, configurable: true });"""
)
LOOK = """(away) => { window.away = away; document.dispatchEvent(new Event("visibilitychange")); }"""
NOTIFY = """window.told = [];
window.Notification = class { static permission = "granted"; static async requestPermission() { return "granted"; }
  constructor(title, { body }) { window.told.push([title, body]); } close() {} };"""


async def test_what_she_says_to_nobody_is_counted_in_the_title_until_it_is_seen(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    provider.script(Script(["One."], stall_after=0), Script(["Two."]))
    await driver.context.add_init_script(HIDE)
    page = await driver.open(connected.url)
    await expect(page).to_have_title("Mio")
    await driver.say("hello")
    await page.evaluate(LOOK, True)
    provider.release()
    await driver.reply()
    await expect(page).to_have_title("(1) Mio")
    await page.evaluate(LOOK, False)
    await expect(page).to_have_title("Mio")
    await driver.say("and again")
    await driver.reply(2)
    await expect(page).to_have_title("Mio")


async def test_a_notification_comes_only_once_it_was_asked_for(
    connected: RunningNeko, provider: ScriptedProvider, driver: PageDriver
) -> None:
    await driver.context.add_init_script(HIDE + NOTIFY)
    provider.script(Script(["Well."], stall_after=0), Script(["Well, ", "well."], delay=2.0))
    page = await driver.open(connected.url)
    await driver.say("hello")
    await page.evaluate(LOOK, True)
    provider.release()
    await driver.reply(1)
    assert await page.evaluate("window.told") == []
    await page.evaluate(LOOK, False)
    await page.evaluate("location.hash = 'settings/look'")
    await driver.get("notify-toggle").click()
    await page.keyboard.press("Escape")
    await driver.say("hello again")
    await page.evaluate(LOOK, True)
    await driver.reply(2)
    await driver.until("() => window.told.length === 1")
    assert (await page.evaluate("window.told"))[0][0] == "Mio"


async def test_that_she_is_muted_is_seen_on_the_bar_and_ended_there(
    running_neko: RunningNeko, driver: PageDriver
) -> None:
    page = await driver.open(running_neko.url)
    await expect(driver.get("muted")).to_be_hidden()
    await driver.get("menu").click()
    await driver.get("mute").click()
    await expect(driver.get("muted")).to_be_visible()
    await page.reload()
    await driver.until_ready()
    await driver.get("muted").click()
    await expect(driver.get("muted")).to_be_hidden()
